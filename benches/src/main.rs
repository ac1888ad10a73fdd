//! Whole-server figures: the module's cost compared with what a bot does without it. `make` lists
//! the targets.
//!
//! One load generator in one thread, and its own servers on 127.0.0.1. Workloads are interleaved
//! within rounds, and every figure is a median over rounds, so that changes of the machine's speed
//! affect all alike.

mod bars;
mod client_cpu;
mod core_counts;
mod counts;
mod deadlines;
mod full;
mod info;
mod kind;
mod latency;
mod load;
mod memory;
mod neighbours;
mod open_loop;
mod pauses;
mod processors;
mod quick;
mod race;
mod replies;
mod results;
mod scaling;
mod scripts;
mod server;
mod show;
mod spread;
mod stalls;
mod throughput;
mod training;
mod workload;
mod written;

use std::path::Path;
use std::process::ExitCode;

use show::pages;

const USAGE: &str = "redis-state-benches quick|full|scaling|time|counts|train MODULE, core PROGRAM, or pages";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("the bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether all limits of this part of the bench were kept.
fn run(args: &[String]) -> Result<bool, String> {
    let (what, file) = match args {
        [what] if what == "pages" => return pages::again().map(|()| true),
        [what, file] => (what, Path::new(file)),
        _ => return Err(format!("usage: {USAGE}")),
    };
    processors::keep_apart();
    let file = file.canonicalize().map_err(|error| format!("{}: {error}", file.display()))?;
    match what.as_str() {
        "quick" => quick::run(&file),
        "time" => deadlines::run(&file),
        "full" => full::run(&file).map(|()| true),
        "scaling" => scaling::run(&file).map(|()| true),
        "counts" => counts::run(&file).map(|()| true),
        "train" => training::run(&file).map(|()| true),
        "core" => core_counts::run(&file).map(|()| true),
        _ => Err(format!("usage: {USAGE}")),
    }
}
