//! `make bench-scaling`: the cost of an update as something grows, and the memory of as many
//! sessions as fit.
//!
//! Each point of a series has its own server if it needs other settings or an own keyspace; idle
//! servers wait for their turn, so that rounds can be interleaved.

use std::path::Path;
use std::time::{Duration, Instant};

use redis::cmd;
use redis_state_benches::document::document;
use redis_state_benches::schema::Rules;

use crate::kind::Kind;
use crate::load::Load;
use crate::memory;
use crate::results::{About, Memory, Point, Scaling, Series, write};
use crate::scripts::teach;
use crate::server::Server;
use crate::show::{pages, tables as t};
use crate::workload::{Shape, Workload, key};

const ROUNDS: usize = 5;
const STRETCH: Duration = Duration::from_millis(200);
const LOCAL: Kind = Kind::StateUpdate(Rules::Local);
const WHOLE: Kind = Kind::StateUpdate(Rules::Whole);

const SIZES: [usize; 8] = [512, 2048, 8192, 32_768, 65_536, 131_072, 262_144, 524_288];
const SNAPSHOTS: [usize; 4] = [0, 10, 100, 1000];
const AUDIT_ENTRIES: [usize; 4] = [10, 100, 1000, 10_000];
const STATES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// The number of updated keys, where the number of states is not measured.
const FEW_KEYS: usize = 16;
/// The number of updated keys among many, spread over all of them.
const SAMPLE: usize = 16_384;
/// Sessions from which memory and time of a million are estimated.
const PROBE: usize = 2_000;
const TIME_MAX: Duration = Duration::from_secs(240);
const SESSIONS_MAX: usize = 1_000_000;
/// The share of the machine's free memory that may be used.
const MEMORY_SHARE: f64 = 0.5;

/// A point of a series.
struct Spot {
    x: f64,
    server: Server,
    load: Load,
}

pub fn run(module: &Path) -> Result<(), String> {
    let found = measure(module)?;
    write("scaling.json", &found)?;
    pages::of_scaling(&found)?;
    println!("\n{}\n{}", t::about(&found.about), t::slopes_table(&found));
    println!(
        "{}\nAll figures: docs/scaling.md and docs/benchmarks/scaling.json",
        t::memory_table(&found.memory)
    );
    Ok(())
}

fn measure(module: &Path) -> Result<Scaling, String> {
    let about = About::here();
    let empty_bytes = Server::start(module)?.used_memory()?;
    let mut series = by_size(module)?;
    series.push(by_snapshots(module)?);
    series.push(by_audit(module)?);
    series.push(by_states(module)?);
    Ok(Scaling { about, empty_bytes, series, memory: sessions(module)? })
}

/// Small changes of growing documents.
fn by_size(module: &Path) -> Result<Vec<Series>, String> {
    let mut all = Vec::new();
    for kind in [LOCAL, WHOLE, Kind::LuaSmall, Kind::Set, Kind::StateGet] {
        let mut spots = Vec::new();
        for bytes in SIZES {
            let server = Server::start(module)?;
            let shape = Shape { bytes, depth: 16, connections: 4, keys: FEW_KEYS };
            let load = Load::prepare(&server, &teach(&server)?, Workload { kind, shape, family: 0 })?;
            spots.push(Spot { x: bytes as f64, server, load });
        }
        all.push(series("size", "size of the document", kind, spots)?);
    }
    Ok(all)
}

fn by_snapshots(module: &Path) -> Result<Series, String> {
    let spots = SNAPSHOTS.map(|count| filled(module, "state.snapshots", count, count));
    series("snapshots", "snapshots kept", LOCAL, spots.into_iter().collect::<Result<_, _>>()?)
}

fn by_audit(module: &Path) -> Result<Series, String> {
    let spots = AUDIT_ENTRIES.map(|count| filled(module, "state.audit-maxlen", count, count));
    series("audit", "entries of the audit stream", LOCAL, spots.into_iter().collect::<Result<_, _>>()?)
}

/// A few states under a setting, updated until its limit is reached.
fn filled(module: &Path, setting: &str, value: usize, updates: usize) -> Result<Spot, String> {
    let server = Server::start(module)?;
    server.set(setting, &value.to_string())?;
    let shape = Shape { connections: 4, keys: FEW_KEYS, ..Shape::BASE };
    let workload = Workload { kind: LOCAL, shape, family: 0 };
    let mut load = Load::prepare(&server, &teach(&server)?, workload)?;
    let mut missing = (updates * FEW_KEYS) as f64;
    while missing > 0.0 {
        missing -= load.run(&server, STRETCH)?.requests;
    }
    Ok(Spot { x: value as f64, server, load })
}

fn by_states(module: &Path) -> Result<Series, String> {
    let mut spots = Vec::new();
    for states in STATES {
        let server = Server::start(module)?;
        let scripts = teach(&server)?;
        let sample = SAMPLE.min(states);
        let workload = Workload { kind: LOCAL, shape: Shape { keys: sample, ..Shape::BASE }, family: 0 };
        workload.create(&server, 0..sample)?;
        // The others are copies of a state without changes, so that a million fit.
        let source = key(1, 0);
        server.fill(LOCAL.prepare(&source, &document(0, Shape::BASE.bytes)).into_iter().take(1))?;
        let copy = |place| cmd("COPY").arg((&source, key(0, place))).get_packed_command();
        server.fill((sample..states).map(copy))?;
        let mut load = Load::connect(&server, workload, &workload.lanes(&scripts))?;
        // Each key of the sample gets its snapshots before the measurement.
        load.run(&server, STRETCH * 5)?;
        spots.push(Spot { x: states as f64, server, load });
    }
    series("states", "states on the server", LOCAL, spots)
}

fn series(name: &str, what: &str, kind: Kind, mut spots: Vec<Spot>) -> Result<Series, String> {
    let mut points: Vec<Point> =
        spots.iter().map(|spot| Point { x: spot.x, us: vec![], server_busy: vec![] }).collect();
    for spot in &mut spots {
        spot.load.run(&spot.server, STRETCH)?;
    }
    for round in 0..ROUNDS {
        for turn in 0..spots.len() {
            let index = (round + turn) % spots.len();
            let spot = &mut spots[index];
            let measured = spot.load.run(&spot.server, STRETCH)?;
            points[index].us.push(1e6 / measured.requests_per_s);
            points[index].server_busy.push(measured.server_busy);
        }
    }
    Ok(Series { name: name.to_owned(), what: what.to_owned(), kind, points })
}

/// A million sessions of each kind, or as many as fit into memory and time.
fn sessions(module: &Path) -> Result<Vec<Memory>, String> {
    let start = Instant::now();
    let probe = memory::measure(module, PROBE, 1)?;
    let bytes: f64 = probe.iter().flat_map(|memory| &memory.bytes_each).sum();
    let by_memory = free_memory()? * MEMORY_SHARE / bytes;
    let by_time = PROBE as f64 * TIME_MAX.as_secs_f64() / start.elapsed().as_secs_f64();
    memory::measure(module, (by_memory.min(by_time) as usize).min(SESSIONS_MAX), 1)
}

/// The available memory of the machine; a small default if unknown.
fn free_memory() -> Result<f64, String> {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let Some(line) = line else { return Ok(4e9) };
    let kilobytes = line.trim().trim_end_matches(" kB").parse::<f64>();
    kilobytes.map(|kilobytes| kilobytes * 1024.0).map_err(|error| format!("MemAvailable {line}: {error}"))
}
