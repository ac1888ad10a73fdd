//! The results of a run, as written to docs/benchmarks/*.json.
//!
//! Every round is kept, not only the median: ratios are taken within rounds. Tables, plots and
//! pages are made from these files alone, so that a page can be rewritten without a run.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::kind::Kind;
use crate::workload::Shape;

/// `bench.json`
#[derive(Serialize, Deserialize)]
pub struct Run {
    pub about: About,
    pub rates: Vec<Rate>,
    /// Writing commands, on a server with an AOF.
    pub rates_with_aof: Vec<Rate>,
    /// The same commands on documents of 2 and 64 KB, interleaved.
    pub sizes: Vec<Rate>,
    pub races: Vec<Race>,
    pub latencies: Vec<Latency>,
    pub memory: Vec<Memory>,
    pub written: Vec<Written>,
    pub neighbours: Vec<Neighbour>,
    /// During the rounds of the neighbours.
    pub stalls: Vec<Stall>,
}

/// `scaling.json`
#[derive(Serialize, Deserialize)]
pub struct Scaling {
    pub about: About,
    /// `used_memory` of a server with the module and no data.
    pub empty_bytes: f64,
    pub series: Vec<Series>,
    /// With as many states as fit.
    pub memory: Vec<Memory>,
}

/// `core.json`
#[derive(Serialize, Deserialize)]
pub struct Core {
    pub about: About,
    pub operations: Vec<Operation>,
}

/// `counts.json`
#[derive(Serialize, Deserialize)]
pub struct Counts {
    pub about: About,
    pub requests: Vec<Counted>,
}

/// The instructions of one request, by their owner.
#[derive(Serialize, Deserialize)]
pub struct Counted {
    pub kind: Kind,
    pub module: f64,
    pub server: f64,
    /// The C library and the allocator, for any caller.
    pub libraries: f64,
}

impl Counted {
    pub fn all(&self) -> f64 {
        self.module + self.server + self.libraries
    }
}

/// Date, commit and machine.
#[derive(Serialize, Deserialize)]
pub struct About {
    pub date: String,
    pub commit: String,
    pub processor: String,
    pub system: String,
    pub server: String,
    /// The load average before the run, as a measure of other work.
    pub load: String,
}

#[derive(Serialize, Deserialize)]
pub struct Rate {
    pub kind: Kind,
    pub shape: Shape,
    /// Of each round.
    pub per_s: Vec<f64>,
    /// The server's share of CPU time, of each round.
    pub server_busy: Vec<f64>,
    /// The same for the load generator, if the system reports it.
    pub client_busy: Vec<f64>,
}

/// Concurrent writers.
#[derive(Serialize, Deserialize)]
pub struct Race {
    pub way: String,
    pub clients: usize,
    pub keys: usize,
    pub commits_per_s: Vec<f64>,
    pub attempts_per_commit: Vec<f64>,
}

#[derive(Serialize, Deserialize)]
pub struct Latency {
    pub kind: Kind,
    /// The rate of due requests.
    pub per_s: f64,
    pub p50_us: Vec<f64>,
    pub p99_us: Vec<f64>,
    pub p999_us: Vec<f64>,
}

#[derive(Serialize, Deserialize)]
pub struct Memory {
    pub what: String,
    pub sessions: usize,
    /// By `used_memory`, of each round.
    pub bytes_each: Vec<f64>,
    /// By MEMORY USAGE of all keys of one session.
    pub memory_usage: f64,
}

/// The bytes of one request in the AOF and to a replica.
#[derive(Serialize, Deserialize)]
pub struct Written {
    pub kind: Kind,
    pub aof_bytes: Vec<f64>,
    pub replication_bytes: Vec<f64>,
}

/// STATE.GET at a fixed rate while another client writes without a pause.
#[derive(Serialize, Deserialize)]
pub struct Neighbour {
    /// `None`: the reads alone.
    pub kind: Option<Kind>,
    /// The size of the other client's documents.
    pub bytes: Option<usize>,
    pub p50_us: Vec<f64>,
    pub p99_us: Vec<f64>,
    pub p999_us: Vec<f64>,
    /// The latency of the other client's requests.
    pub neighbour_p50_us: Vec<f64>,
}

/// How long a program waited for a CPU in one stretch.
#[derive(Serialize, Deserialize)]
pub struct Stall {
    /// Of the time.
    pub percent: f64,
    pub longest_ms: f64,
}

/// Time per request as something grows.
#[derive(Serialize, Deserialize)]
pub struct Series {
    /// One word.
    pub name: String,
    pub what: String,
    pub kind: Kind,
    pub points: Vec<Point>,
}

#[derive(Serialize, Deserialize)]
pub struct Point {
    pub x: f64,
    /// Of each round.
    pub us: Vec<f64>,
    pub server_busy: Vec<f64>,
}

/// An operation of the core, without a server.
#[derive(Serialize, Deserialize)]
pub struct Operation {
    pub name: String,
    /// By criterion.
    pub ns: Option<f64>,
    /// By callgrind.
    pub instructions: Option<f64>,
}

impl Scaling {
    /// The series of one table and one plot: those with the same growing thing.
    pub fn groups(&self) -> impl Iterator<Item = &[Series]> {
        self.series.chunk_by(|one, next| one.name == next.name)
    }
}

impl About {
    pub fn here() -> About {
        let model = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        // /proc/cpuinfo has all CPUs, also those outside of this program's affinity.
        let cores = match model.lines().filter(|line| line.starts_with("processor")).count() {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            cores => cores,
        };
        let version = said("redis-server", &["--version"]);
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let model = model.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        About {
            date: said("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
            commit: said("git", &["rev-parse", "--short", "HEAD"]),
            processor: format!(
                "{}, {cores} cores",
                model.map_or("unknown processor", |(_, name)| name.trim())
            ),
            system: said("uname", &["-srm"]),
            server: version.split(" sha=").next().unwrap_or_default().to_owned(),
            load: load.split(' ').next().unwrap_or_default().to_owned(),
        }
    }
}

/// The first line of a program's output.
fn said(program: &str, args: &[&str]) -> String {
    let output = std::process::Command::new(program).args(args).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}

/// docs/benchmarks
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks")
}

pub fn write<T: Serialize>(name: &str, results: &T) -> Result<(), String> {
    let path = folder().join(name);
    let mut text = serde_json::to_string_pretty(results).map_err(|error| error.to_string())?;
    text.push('\n');
    std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
}

pub fn read<T: DeserializeOwned>(name: &str) -> Result<T, String> {
    let path = folder().join(name);
    let text = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))
}
