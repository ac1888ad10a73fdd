//! `make bench-quick`: what STATE.GET costs beside GET, for information STATE.UPDATE beside SET, and how long a hostile
//! schema keeps others waiting. `make bench-time` is in `deadlines.rs`.
//!
//! One server, one load generator, rounds in which every command has its turn: what the machine does meanwhile hits them
//! alike, and a ratio is taken within a round. The medians and the range over all rounds are shown. redis-benchmark was
//! rejected: it measures one command after the other, and can't alternate the change that it sends.

mod deadlines;
mod info;
mod load;
mod pauses;
mod server;
mod wire;
mod workload;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use load::{CONNECTIONS, Load, Measured};
use pauses::{LONGEST, Pause};
use server::Server;
use workload::{Kind, document_bytes};

const ROUNDS: usize = 49;
const STRETCH: Duration = Duration::from_millis(60);
/// Before the first round, to fill caches and grow buffers.
const WARM_UP: Duration = Duration::from_millis(150);
const DEPTHS: [usize; 2] = [16, 1];
const KINDS: [Kind; 5] = [Kind::Get, Kind::StateGet, Kind::StateGetSecret, Kind::Set, Kind::StateUpdate];

/// STATE.GET must reach this share of GET at the first of the depths.
const RATIO_MIN: f64 = 0.8;

/// One line of the table.
struct Line {
    kind: Kind,
    depth: usize,
    load: Load,
    measured: Vec<Measured>,
}

fn main() -> ExitCode {
    let arg = std::env::args().nth(1);
    let module = arg.unwrap_or_else(|| "target/release/libredis_state.so".to_owned());
    let measured = match std::env::args().nth(2).as_deref() {
        Some("time") => deadlines::run(Path::new(&module)),
        _ => run(Path::new(&module)),
    };
    match measured {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("the bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Measures, prints the table, and returns whether the bar was reached.
fn run(module: &Path) -> Result<bool, String> {
    let module = module.canonicalize().map_err(|error| format!("{}: {error}", module.display()))?;
    let schema_file = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/vimbiso.channel.json");
    let schema = std::fs::read_to_string(schema_file).map_err(|error| format!("{schema_file}: {error}"))?;
    let server = Server::start(&module)?;

    let mut lines = Vec::new();
    for depth in DEPTHS {
        for kind in KINDS {
            // Every line has keys of its own.
            let family = format!("{:03}", lines.len());
            kind.prepare(&server, &schema, &family)
                .map_err(|problem| format!("{}: {problem}", kind.name()))?;
            let load = Load::new(&server, depth, &kind.requests(&family))?;
            lines.push(Line { kind, depth, load, measured: Vec::new() });
        }
    }
    for line in &mut lines {
        line.load.run(&server, WARM_UP).map_err(|problem| format!("{}: {problem}", line.kind.name()))?;
    }
    for round in 0..ROUNDS {
        // Each round begins with another line, so that none always follows the same one.
        let count = lines.len();
        for turn in 0..count {
            let line = &mut lines[(round + turn) % count];
            let measured = line.load.run(&server, STRETCH);
            line.measured.push(measured.map_err(|problem| format!("{}: {problem}", line.kind.name()))?);
        }
    }
    let fast = report(&lines);
    Ok(report_pauses(&pauses::measure(&server)?) && fast)
}

fn report(lines: &[Line]) -> bool {
    println!(
        "document {} bytes, {CONNECTIONS} connections, {ROUNDS} rounds of {} ms, no persistence; median (range)",
        document_bytes(),
        STRETCH.as_millis()
    );
    println!("{:<18}{:>9}{:>12}{:>22}{:>7}  ratio", "command", "pipeline", "requests/s", "range", "server");
    let mut holds = true;
    for line in lines {
        let rates: Vec<f64> = line.measured.iter().map(|measured| measured.requests_per_s).collect();
        let busy: Vec<f64> = line.measured.iter().map(|measured| measured.busy).collect();
        let rate = Spread::of(rates.clone());
        let range = format!("{}..{}", thousands(rate.min), thousands(rate.max));
        let (name, depth, busy) = (line.kind.name(), line.depth, Spread::of(busy).median * 100.0);
        print!("{name:<18}{depth:>9}{:>12}{range:>22}{busy:>6.0}%", thousands(rate.median));
        if let Some(baseline) = line.kind.baseline() {
            let other = lines.iter().find(|other| other.kind == baseline && other.depth == line.depth);
            let others = other.map_or(&[][..], |other| &other.measured[..]).iter();
            let ratios = rates.iter().zip(others).map(|(rate, other)| rate / other.requests_per_s);
            let ratio = Spread::of(ratios.collect());
            print!("  {:.2} x {} ({:.2}..{:.2})", ratio.median, baseline.name(), ratio.min, ratio.max);
            if line.kind == Kind::StateGet && line.depth == DEPTHS[0] {
                holds = ratio.median >= RATIO_MIN;
                print!(" {} {RATIO_MIN}", if holds { "reaches" } else { "MISSES" });
            }
        }
        println!();
    }
    println!(
        "server: how busy the server's processor was; near 100% it, not the client, is what was measured"
    );
    holds
}

fn report_pauses(pauses: &[Pause]) -> bool {
    println!("\na hostile schema: the longest that another client waits; median (range)");
    for pause in pauses {
        let ms = |wait: &Duration| wait.as_secs_f64() * 1000.0;
        let (shortest, longest) = (pause.waits.first().map_or(0.0, ms), pause.waits.last().map_or(0.0, ms));
        println!(
            "{:<34}{:>7} bytes{:>8.2} ms ({shortest:.2}..{longest:.2}) {} {} ms: {:.60}",
            pause.name,
            pause.bytes,
            ms(&pause.median()),
            if pause.holds() { "under" } else { "MISSES" },
            LONGEST.as_millis(),
            pause.answer
        );
    }
    pauses.iter().all(Pause::holds)
}

struct Spread {
    min: f64,
    median: f64,
    max: f64,
}

impl Spread {
    /// An odd number of values is expected: the median is one of them.
    fn of(mut values: Vec<f64>) -> Spread {
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Spread { min: at(0), median: at(values.len() / 2), max: at(values.len().saturating_sub(1)) }
    }
}

/// `127.4k`
fn thousands(requests_per_s: f64) -> String {
    format!("{:.1}k", requests_per_s / 1000.0)
}
