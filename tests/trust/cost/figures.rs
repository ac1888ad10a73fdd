//! The figures of a server, as the server and the system tell them.

use std::time::{Duration, Instant};

use support::{Client, Reply, Server};

use super::script::{KEY, SCHEMA};
use crate::pressure::used_bytes;

/// Memory is back within a second; the server looks at it ten times in each, and may be late.
const BACK_WITHIN: Duration = Duration::from_secs(2);
/// The server makes a client of its own for each blocked one that it answers, and frees 500 of those a
/// second: 50 of them ten times.
const BACK_FOR_EACH_WAITER: Duration = Duration::from_millis(2);

/// How often the ordinary command is sent; the fastest counts, which is the one that nothing came between.
const ORDINARY_TIMES: usize = 200;

/// The CPU that the server's main thread has taken. Not what /proc/<pid>/schedstat says, which not every kernel counts.
pub fn cpu_us(client: &mut Client) -> u64 {
    cpu_us_of(&client.text(&["INFO", "cpu"]))
}

pub fn cpu_us_of(info: &str) -> u64 {
    let of = |name: &str| -> f64 {
        let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.expect("INFO cpu tells the main thread's").trim().parse().expect("seconds")
    };
    ((of("used_cpu_user_main_thread") + of("used_cpu_sys_main_thread")) * 1e6) as u64
}

/// What an ordinary update takes: a step of a conversation under the bot's schema, with RETURN.
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

/// Waits until no more than `most` is used, as long as freeing may take after so many blocked clients;
/// returns what is used then.
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

/// A client that waits for the state to change, where there is one.
pub fn waiter(server: &Server) -> Option<Client> {
    let mut client = server.client();
    let meta = client.call(&["STATE.META", KEY]);
    if meta.is_nil() || matches!(meta, Reply::Error(_)) {
        return None;
    }
    client.send(&["STATE.WAIT", KEY, &meta.field("version").int().to_string(), "0"]);
    Some(client)
}

/// The most memory that a process has had resident since a moment, beyond what it had then.
///
/// Not `used_memory_peak`: the server looks at it ten times a second, and a command is over by then.
pub struct Peak {
    pid: u32,
    before: u64,
}

impl Peak {
    /// Pages that the server has freed and kept would hide what is taken, so they are given back first.
    pub fn begin(pid: u32, client: &mut Client) -> Peak {
        client.ok(&["MEMORY", "PURGE"]);
        // The system's word for: begin anew to look for the most.
        let _where_there_is_proc = std::fs::write(format!("/proc/{pid}/clear_refs"), "5");
        Peak { pid, before: status_bytes(pid, "VmHWM:").unwrap_or_default() }
    }

    /// Nothing where the system has no /proc.
    pub fn end(self) -> u64 {
        status_bytes(self.pid, "VmHWM:").unwrap_or_default().saturating_sub(self.before)
    }
}

pub fn resident_bytes(pid: u32) -> u64 {
    status_bytes(pid, "VmRSS:").unwrap_or_default()
}

/// One line of /proc/<pid>/status.
fn status_bytes(pid: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1_024)
}

/// Forgets the schema of the scripts, and all that is bound to it.
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
