//! Figures of a server, from the server and the operating system.

use std::time::{Duration, Instant};

use support::{Client, Reply, Server};

use super::script::{KEY, SCHEMA};
use crate::memory_figures::used_bytes;

/// Memory is freed within a second; the server checks it ten times a second, and may be late.
const BACK_WITHIN: Duration = Duration::from_secs(2);
/// The server makes a temporary client for each blocked one that it answers, and frees 500 of those
/// a second, 50 at a time.
const BACK_FOR_EACH_WAITER: Duration = Duration::from_millis(2);

/// The number of ordinary commands; the fastest one counts, since nothing interrupted it.
const ORDINARY_TIMES: usize = 200;

/// The CPU time of the server's main thread. Not from /proc/<pid>/schedstat, which not every kernel
/// fills.
pub fn cpu_us(client: &mut Client) -> u64 {
    cpu_us_of(&client.text(&["INFO", "cpu"]))
}

pub fn cpu_us_of(info: &str) -> u64 {
    let of = |name: &str| -> f64 {
        let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.expect("INFO cpu has the main thread's time").trim().parse().expect("seconds")
    };
    ((of("used_cpu_user_main_thread") + of("used_cpu_sys_main_thread")) * 1e6) as u64
}

/// The time of an ordinary update: a step of a conversation under the bot's schema, with RETURN.
pub fn ordinary_ns(client: &mut Client) -> u64 {
    let created = r#"{"channel":{"type":"whatsapp","identifier":"+263771234567"}}"#;
    client.ok(&["STATE.UPDATE", KEY, "*", created, "SCHEMA", "vimbiso.channel"]);
    let batch = |n: usize| {
        let json = format!(r#"{{"current":{{"data":{{"amount":{n}}}}}}}"#);
        [b"STATE.UPDATE".to_vec(), KEY.into(), b"*".to_vec(), json.into_bytes(), b"RETURN".to_vec()]
    };
    let fastest = (0..10).map(|round| {
        let lines: Vec<_> = (0..ORDINARY_TIMES).map(|n| batch(round * ORDINARY_TIMES + n)).collect();
        let before = cpu_us(client);
        client.pipeline(&lines);
        (cpu_us(client) - before) * 1_000 / ORDINARY_TIMES as u64
    });
    fastest.min().expect("ten rounds").max(1)
}

/// Waits until at most `most` is used, as long as freeing may take after so many blocked clients;
/// returns the memory used.
pub fn settled(client: &mut Client, most: u64, waiters: u32) -> u64 {
    let until = Instant::now() + BACK_WITHIN + BACK_FOR_EACH_WAITER * waiters;
    loop {
        let used = used_bytes(client);
        if used <= most || Instant::now() > until {
            return used;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A client that waits for the state to change, if there is one.
pub fn waiter(server: &Server) -> Option<Client> {
    let mut client = server.client();
    let meta = client.call(&["STATE.META", KEY]);
    if meta.is_nil() || matches!(meta, Reply::Error(_)) {
        return None;
    }
    client.send(&["STATE.WAIT", KEY, &meta.field("version").int().to_string(), "0"]);
    Some(client)
}

/// The increase of a process's peak resident memory since a moment.
///
/// Not `used_memory_peak`: the server samples it ten times a second, when a command is already
/// over.
pub struct Peak {
    pid: u32,
    before: u64,
}

impl Peak {
    /// Pages that the server has freed and kept would hide new allocations, so they are released
    /// first.
    pub fn begin(pid: u32, client: &mut Client) -> Peak {
        client.ok(&["MEMORY", "PURGE"]);
        // Resets the peak of the process.
        let _where_there_is_proc = std::fs::write(format!("/proc/{pid}/clear_refs"), "5");
        Peak { pid, before: status_bytes(pid, "VmHWM:").unwrap_or_default() }
    }

    /// Zero on systems without /proc.
    pub fn end(self) -> u64 {
        status_bytes(self.pid, "VmHWM:").unwrap_or_default().saturating_sub(self.before)
    }
}

pub fn resident_bytes(pid: u32) -> u64 {
    status_bytes(pid, "VmRSS:").unwrap_or_default()
}

/// A line of /proc/<pid>/status.
fn status_bytes(pid: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1_024)
}

/// Deletes the schema of the scripts, and all its bindings.
pub fn forget_schema(client: &mut Client) {
    for schema in client.ok(&["STATE.SCHEMA", "LIST"]).array() {
        if schema.field("name").text() == SCHEMA {
            let unbind = |pattern: &Reply| ["STATE.SCHEMA", "UNBIND", pattern.text()].map(str::to_owned);
            let lines: Vec<_> = schema.field("bindings").array().iter().map(unbind).collect();
            client.pipeline(&lines);
            client.call(&["STATE.SCHEMA", "DEL", SCHEMA, "FORCE"]);
        }
    }
}
