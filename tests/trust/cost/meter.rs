//! The cost of each command of a script: CPU time of the server's main thread, peak memory, and
//! memory that stays.

use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use support::{Client, Reply, Server, module_path};

use super::figures::{Peak, cpu_us, cpu_us_of, forget_schema, ordinary_ns, resident_bytes, settled, waiter};
use super::quiet::Quiet;
use super::script::{Script, Step, sent, shown};
use crate::memory_figures::used_bytes;

/// The maximum CPU time of a command, in a release build.
const CPU_US_MAX: u64 = 50_000;
/// The maximum increase of its peak memory.
const PEAK_BYTES_MAX: u64 = 64 << 20;
/// The maximum time in a debug build, in ordinary updates. A release build does a quarter of them
/// in its limit (5.9 us each), so only a real freeze is found, whatever else the machine does.
const ORDINARY_MAX: u64 = 34_000;
/// What a rejection may leave: an audit entry, and blocks that the module keeps for reuse.
const LEFT_BY_REJECTION_BYTES_MAX: u64 = 64 << 10;
/// What may be left after all data of a script is deleted: the server's tables grow in steps.
const LEFT_BYTES_MAX: u64 = 2 << 20;
/// The longest error line.
const ERROR_BYTES_MAX: usize = 16 << 10;
/// A server beyond this is killed, to protect the machine.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(20);
const GIVEN_UP_BYTES: u64 = 2 << 30;
/// How often a script is measured on a quiet machine before it counts as too expensive.
const REPEATS: u32 = 12;
const PAUSE: Duration = Duration::from_secs(1);
/// A machine that is busy for this long will not become quiet.
const QUIET_WITHIN: Duration = Duration::from_secs(600);

const ENDED: &str = "the server has ended";

/// The highest costs of a command in a script.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    pub commands: u64,
    pub rejected: u64,
    pub cpu_us: u64,
    pub peak_bytes: u64,
    /// Nanoseconds for each byte of the command.
    pub cpu_ns_a_byte: u64,
    pub peak_bytes_a_byte: u64,
}

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cpu_ms, peak_mb) = (self.cpu_us as f64 / 1e3, self.peak_bytes as f64 / f64::from(1 << 20));
        write!(f, "{cpu_ms:.1} ms, {peak_mb:.1} MB at most; {} of {} rejected", self.rejected, self.commands)
    }
}

/// A command that costs too much.
pub struct Find {
    what: String,
    line: String,
    /// Whether the server has ended, or was killed.
    is_the_end: bool,
}

impl fmt::Display for Find {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", self.what, self.line)
    }
}

pub struct Meter {
    server: Server,
    quiet: Quiet,
    cpu_us_max: u64,
    used_at_start: u64,
}

impl Meter {
    pub fn start() -> Meter {
        let server = Server::builder().arg("--loglevel").arg("warning").arg("--latency-tracking").arg("no");
        let server = server.arg("--slowlog-log-slower-than").arg("-1").start();
        let quiet = Quiet::new();
        let mut meter = Meter { server, quiet, cpu_us_max: CPU_US_MAX, used_at_start: 0 };
        let is_release = module_path().components().any(|part| part.as_os_str() == "release");
        if !is_release {
            meter.cpu_us_max =
                (ordinary_ns(&mut meter.server.client()) * ORDINARY_MAX / 1_000).max(CPU_US_MAX);
        }
        meter.clear();
        meter.used_at_start = used_bytes(&mut meter.server.client());
        meter
    }

    /// Plays a script; one that is too expensive is repeated on a quiet machine, and counts only if
    /// each run is.
    pub fn play(&mut self, script: &Script) -> Result<Spent, Find> {
        let mut result = self.play_once(script);
        let (mut repeats, until) = (1, Instant::now() + QUIET_WITHIN);
        while repeats < REPEATS && result.as_ref().is_err_and(|find| !find.is_the_end) {
            std::thread::sleep(PAUSE);
            let is_late = Instant::now() > until;
            if !self.quiet.is_now() && !is_late {
                continue;
            }
            let again = self.play_once(script);
            if again.is_ok() || self.quiet.is_now() || is_late {
                (repeats, result) = (repeats + 1, again);
            }
        }
        result
    }

    fn play_once(&mut self, script: &Script) -> Result<Spent, Find> {
        let played = self.steps(script);
        if played.as_ref().is_err_and(|find| find.is_the_end) {
            self.server.kill();
            self.server.start_again();
            self.clear();
            self.used_at_start = used_bytes(&mut self.server.client());
            return played;
        }
        self.clear();
        let spent = played?;
        let mut client = self.server.client();
        let most = self.used_at_start + LEFT_BYTES_MAX;
        let left = settled(&mut client, most, script.waiters()).saturating_sub(self.used_at_start);
        if left > LEFT_BYTES_MAX {
            let what = format!("{left} bytes are left after all is deleted");
            return Err(Find { what, line: "the script".to_owned(), is_the_end: false });
        }
        Ok(spent)
    }

    fn steps(&mut self, script: &Script) -> Result<Spent, Find> {
        let mut spent = Spent::default();
        // New connections, whose buffers of up to a megabyte are freed with them.
        let (mut player, mut looker) = (self.server.client(), self.server.client());
        let mut waiters = Vec::new();
        for step in &script.steps {
            match step {
                Step::Pause(ms) => std::thread::sleep(Duration::from_millis(*ms)),
                Step::Waiters(count) => waiters.extend((0..*count).filter_map(|_| waiter(&self.server))),
                Step::Command(words) => {
                    let words: Vec<Vec<u8>> = words.iter().map(sent).collect();
                    let find = |what: String, is_the_end| Find { what, line: shown(&words), is_the_end };
                    let cost = self.command(&mut player, &mut looker, &words, waiters.len() as u32);
                    let cost = cost.map_err(|what| find(what, true))?;
                    let bytes = words.iter().map(|word| word.len() as u64 + 8).sum::<u64>();
                    spent.commands += 1;
                    spent.rejected += u64::from(cost.is_rejected);
                    spent.cpu_us = spent.cpu_us.max(cost.cpu_us);
                    spent.peak_bytes = spent.peak_bytes.max(cost.peak_bytes);
                    spent.cpu_ns_a_byte = spent.cpu_ns_a_byte.max(cost.cpu_us * 1_000 / bytes);
                    spent.peak_bytes_a_byte = spent.peak_bytes_a_byte.max(cost.peak_bytes / bytes);
                    cost.is_within(self.cpu_us_max).map_err(|what| find(what, false))?;
                }
            }
        }
        Ok(spent)
    }

    fn command(
        &mut self,
        player: &mut Client,
        looker: &mut Client,
        words: &[Vec<u8>],
        waiters: u32,
    ) -> Result<Cost, String> {
        let used_before = used_bytes(looker);
        let peak = Peak::begin(self.server.pid(), looker);
        let cpu_before = cpu_us(looker);
        let reply = self.answer(player, words)?;
        // After the reply, so that work that the command caused, such as replies to blocked
        // clients, is included.
        let Ok(cpu) = looker.try_call(&["INFO", "cpu"]) else { return Err(ENDED.to_owned()) };
        let mut cost =
            Cost { cpu_us: cpu_us_of(cpu.text()) - cpu_before, peak_bytes: peak.end(), ..Cost::default() };
        if let Reply::Error(line) = reply {
            // The connection keeps what it has read of the command for a while.
            *player = self.server.client();
            let left = settled(looker, used_before + LEFT_BY_REJECTION_BYTES_MAX, waiters);
            let left_bytes = left.saturating_sub(used_before);
            cost = Cost { is_rejected: true, left_bytes, error_bytes: line.len(), ..cost };
        }
        Ok(cost)
    }

    /// The reply, unless the server ends or is killed for taking too much.
    fn answer(&mut self, player: &mut Client, words: &[Vec<u8>]) -> Result<Reply, String> {
        let begun = Instant::now();
        std::thread::scope(|scope| {
            let (answered, answer) = channel();
            scope.spawn(move || answered.send(player.try_call(words)));
            loop {
                match answer.recv_timeout(Duration::from_millis(20)) {
                    Ok(reply) => return reply.map_err(|_| ENDED.to_owned()),
                    Err(RecvTimeoutError::Disconnected) => panic!("a reply or an error"),
                    Err(RecvTimeoutError::Timeout) => {}
                }
                let resident = resident_bytes(self.server.pid());
                if begun.elapsed() > GIVEN_UP_AFTER || resident > GIVEN_UP_BYTES {
                    self.server.kill();
                    let ms = begun.elapsed().as_millis();
                    return Err(format!(
                        "the server was busy for {ms} ms, had {} MB, and was killed",
                        resident >> 20
                    ));
                }
            }
        })
    }

    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Restores the server to its initial state.
    pub fn clear(&mut self) {
        let mut client = self.server.client();
        client.ok(&["REPLICAOF", "NO", "ONE"]);
        client.ok(&["FLUSHALL", "SYNC"]);
        for (name, value) in [("state.audit", "yes"), ("state.max-bytes", "1048576")] {
            client.ok(&["CONFIG", "SET", name, value]);
        }
        forget_schema(&mut client);
    }
}

/// The cost of one command.
#[derive(Default)]
struct Cost {
    cpu_us: u64,
    peak_bytes: u64,
    is_rejected: bool,
    left_bytes: u64,
    error_bytes: usize,
}

impl Cost {
    fn is_within(&self, cpu_us_max: u64) -> Result<(), String> {
        let Cost { cpu_us, peak_bytes, left_bytes, error_bytes, .. } = *self;
        let cost = format!("{:.1} ms and {} MB", cpu_us as f64 / 1e3, peak_bytes >> 20);
        if cpu_us > cpu_us_max || peak_bytes > PEAK_BYTES_MAX {
            return Err(format!(
                "{cost} are taken (at most {} ms and {} MB)",
                cpu_us_max / 1_000,
                PEAK_BYTES_MAX >> 20
            ));
        }
        if left_bytes > LEFT_BY_REJECTION_BYTES_MAX {
            return Err(format!("{left_bytes} bytes are left by a rejection"));
        }
        if error_bytes > ERROR_BYTES_MAX {
            return Err(format!("an error of {error_bytes} bytes is returned"));
        }
        Ok(())
    }
}
