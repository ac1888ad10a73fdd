//! Whole-server figures: what the module costs beside what a user would do instead. `make` lists how to ask for them.
//!
//! One load generator, in one thread; servers of its own, on 127.0.0.1. What is measured takes turns within rounds, and every
//! figure is a median over rounds, so that it is the server and not the hour that is seen.

mod bars;
mod client_cpu;
mod deadlines;
mod document;
mod full;
mod info;
mod kind;
mod latency;
mod load;
mod memory;
mod neighbours;
mod open_loop;
mod pauses;
mod quick;
mod race;
mod results;
mod rules;
mod scaling;
mod server;
mod show;
mod spread;
mod throughput;
mod wire;
mod workload;
mod written;

use std::path::Path;
use std::process::ExitCode;

use show::pages;

const USAGE: &str = "redis-state-benches MODULE quick|full|scaling|time|pages";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [module, what] = &args[..] else {
        eprintln!("usage: {USAGE}");
        return ExitCode::FAILURE;
    };
    match run(module, what) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("the bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all that this part of the bench insists on was reached.
fn run(module: &str, what: &str) -> Result<bool, String> {
    let module = Path::new(module).canonicalize().map_err(|error| format!("{module}: {error}"))?;
    match what {
        "quick" => quick::run(&module),
        "time" => deadlines::run(&module),
        "full" => full::run(&module).map(|()| true),
        "scaling" => scaling::run(&module).map(|()| true),
        "pages" => pages::again().map(|()| true),
        other => Err(format!("{other}: usage: {USAGE}")),
    }
}
