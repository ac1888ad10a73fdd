//! `make bench-counts`: the server's instructions for a request, by callgrind and by library.
//!
//! A count does not depend on the machine's speed and load, so it shows the work of a command. It
//! leaves out the kernel and waits for memory, so it complements the times. Not perf, because it
//! needs counters that virtual machines mostly lack.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::kind::Kind;
use crate::results::{About, Counted, Counts, write};
use crate::scripts::{Scripts, teach};
use crate::server::{Server, receive};
use crate::show::{pages, tables as t};
use crate::throughput::KINDS;
use crate::workload::{Shape, Workload};

/// One connection, so that all batches are alike.
const SHAPE: Shape = Shape { connections: 1, keys: 64, ..Shape::BASE };
/// Until each key has all its snapshots.
const WARM_UP: usize = 14 * SHAPE.keys;
const COUNTED: usize = 10 * SHAPE.keys;

pub fn run(module: &Path) -> Result<(), String> {
    let about = About::here();
    // The server's folder, with the counts, is deleted afterwards.
    let server = Server::start_under(
        &["valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=counts"],
        module,
        &[],
    )?;
    let scripts = teach(&server)?;
    let mut requests = Vec::new();
    for (family, kind) in KINDS.into_iter().enumerate() {
        eprintln!("counting: {}", kind.name());
        play(&server, &scripts, Workload { kind, shape: SHAPE, family })?;
        requests.push(counted(kind, &server.dir().join(format!("counts.{}", family + 1)))?);
    }
    server.shut_down()?;
    let found = Counts { about, requests };
    write("counts.json", &found)?;
    pages::of_counts(&found)?;
    println!("\n{}\n{}", t::about(&found.about), t::counts_table(&found));
    Ok(())
}

/// Sends the requests of a workload, and counts those after the warm-up.
fn play(server: &Server, scripts: &Scripts, workload: Workload) -> Result<(), String> {
    workload.prepare(server)?;
    let lanes = workload.lanes(scripts);
    let mut requests = lanes.iter().flatten().cycle();
    let mut stream = server.connect()?;
    let mut send = |count: usize| {
        for _ in 0..count / SHAPE.depth {
            let batch: Vec<u8> = requests.by_ref().take(SHAPE.depth).flatten().copied().collect();
            stream.write_all(&batch).map_err(|error| format!("sending: {error}"))?;
            receive(&mut stream, SHAPE.depth * workload.kind.replies(), &mut [0; 64 * 1024])?;
        }
        Ok::<_, String>(())
    };
    send(WARM_UP)?;
    control(server, "--instr=on")?;
    send(COUNTED)?;
    control(server, "--instr=off")?;
    control(server, "--dump")
}

fn control(server: &Server, what: &str) -> Result<(), String> {
    let mut control = Command::new("callgrind_control");
    control.arg(what).arg(server.pid().to_string()).stdout(Stdio::null()).stderr(Stdio::null());
    let done = control.status().map_err(|error| format!("callgrind_control: {error}"))?;
    if done.success() { Ok(()) } else { Err(format!("callgrind_control {what}: {done}")) }
}

/// Reads a callgrind profile: cost lines follow the line of their object. The line after `calls=`
/// has the cost of the called function, which is counted elsewhere.
fn counted(kind: Kind, profile: &Path) -> Result<Counted, String> {
    let text = fs::read_to_string(profile).map_err(|error| format!("{}: {error}", profile.display()))?;
    let mut counted = Counted { kind, module: 0.0, server: 0.0, libraries: 0.0 };
    let (mut names, mut object, mut is_call) = (std::collections::HashMap::new(), String::new(), false);
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("ob=").or(line.strip_prefix("cob=")) {
            // `(3) /usr/bin/redis-server` the first time, then `(3)`.
            let (number, name) = name.split_once(' ').unwrap_or((name, ""));
            if !name.is_empty() {
                names.insert(number.to_owned(), name.to_owned());
            }
            if line.starts_with("ob=") {
                object = names.get(number).cloned().unwrap_or_default();
            }
        } else if line.starts_with("calls=") {
            is_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let cost = line.split(' ').nth(1).and_then(|cost| cost.parse::<f64>().ok()).unwrap_or(0.0);
            match object.rsplit('/').next().unwrap_or_default() {
                _ if std::mem::take(&mut is_call) => {}
                name if name.starts_with("libredis_state.") => counted.module += cost,
                name if name.starts_with("redis-") || name.starts_with("valkey-") => counted.server += cost,
                _ => counted.libraries += cost,
            }
        }
    }
    let share = |count: f64| count / COUNTED as f64;
    let Counted { module, server, libraries, .. } = counted;
    Ok(Counted { kind, module: share(module), server: share(server), libraries: share(libraries) })
}
