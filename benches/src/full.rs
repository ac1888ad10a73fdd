//! `make bench`: all figures that take a few minutes, in one run.

use std::path::Path;
use std::time::Duration;

use redis_state_benches::schema::Rules;

use crate::kind::Kind;
use crate::results::{About, Rate, Run, write};
use crate::server::Server;
use crate::show::pages;
use crate::show::tables::{self as t};
use crate::workload::Shape;
use crate::{latency, memory, neighbours, race, throughput, written};

/// Many short ones: the machine's speed changes within seconds, so compared figures must be close
/// in time.
const ROUNDS: usize = 21;
const STRETCH: Duration = Duration::from_millis(45);
const ROUNDS_OF_OTHERS: usize = 5;
/// New sessions of each kind in each round.
const SESSIONS: usize = 3000;

pub fn run(module: &Path) -> Result<(), String> {
    let found = measure(module)?;
    write("bench.json", &found)?;
    pages::of_run(&found)?;
    println!("\n{}\n{}", t::about(&found.about), t::bars_table(&found));
    println!("All figures: docs/benchmarks/README.md and docs/benchmarks/bench.json");
    Ok(())
}

fn measure(module: &Path) -> Result<Run, String> {
    let about = About::here();
    let rates = step("requests a second", || {
        throughput::measure(
            &Server::start(module)?,
            &throughput::shapes(),
            &throughput::KINDS,
            ROUNDS,
            STRETCH,
        )
    })?;
    let rates_with_aof = step("requests a second with an AOF", || with_aof(module))?;
    let sizes = step("documents of 2 and 64 KB", || sizes(module))?;
    let races = step("clients on one key", || race::measure(module, ROUNDS_OF_OTHERS))?;
    let latencies = step("latencies", || latency::measure(module, &rates))?;
    let (neighbours, stalls) = step("reads beside large updates", || neighbours::measure(module))?;
    let written = step("bytes in the AOF and to replicas", || {
        written::measure(module, &written::KINDS, ROUNDS_OF_OTHERS)
    })?;
    let memory = step("memory", || memory::measure(module, SESSIONS, ROUNDS_OF_OTHERS))?;
    Ok(Run { about, rates, rates_with_aof, sizes, races, latencies, memory, written, neighbours, stalls })
}

/// Writing commands, with an AOF as in redis.conf: then the effect of an update is made and
/// written, and so are a script's commands.
fn with_aof(module: &Path) -> Result<Vec<Rate>, String> {
    let persistence = ["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"];
    let server = Server::start_with(module, &persistence)?;
    // The rate of SET would measure the disk.
    let kinds = written::KINDS.into_iter().filter(|kind| *kind != Kind::Set);
    let workloads: Vec<_> = kinds.map(|kind| (kind, Shape::BASE)).collect();
    throughput::interleaved(&server, &workloads, ROUNDS, STRETCH)
}

/// Small changes of a small and of a large document, compared with the script's.
fn sizes(module: &Path) -> Result<Vec<Rate>, String> {
    let server = Server::start(module)?;
    let kinds = [Kind::StateUpdate(Rules::Local), Kind::StateUpdate(Rules::Whole), Kind::LuaSmall];
    let shapes = [2048, 65_536].map(|bytes| Shape { bytes, depth: 16, connections: 4, keys: 64 });
    let workloads: Vec<_> = kinds.into_iter().flat_map(|kind| shapes.map(|shape| (kind, shape))).collect();
    throughput::interleaved(&server, &workloads, ROUNDS, STRETCH)
}

/// Prints what is measured: a run takes minutes.
fn step<T>(what: &str, work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    eprintln!("measuring: {what}");
    work().map_err(|problem| format!("{what}: {problem}"))
}
