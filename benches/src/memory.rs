//! Bytes per session: the growth of a server's memory, divided by the sessions added.
//!
//! `used_memory` includes the keyspace's tables and the allocator's rounding. MEMORY USAGE, in the
//! next column, is the server's figure for the keys. Each round adds sessions of every kind to the
//! same server.

use std::path::Path;
use std::time::Duration;

use redis::cmd;
use redis_state_benches::document::{STEPS, change};
use redis_state_benches::schema::Rules;

use crate::kind::{Kind, update};
use crate::results::Memory;
use crate::scripts::{Scripts, teach};
use crate::server::Server;
use crate::workload::{Shape, Workload, key};

pub const STRING: &str = "plain string of the document";
pub const STATE: &str = "state with ten snapshots";
pub const STATE_AUDIT: &str = "state, ten snapshots, audit stream";
pub const STRINGS_AUDIT: &str = "string, ten snapshots, audit stream";
/// After the first steps: enough for ten snapshots.
const CHANGES: usize = 10;
/// Audit entries of a session: the creation, the steps and the changes.
pub const ENTRIES: usize = 1 + STEPS.len() + CHANGES;

const SORTS: [(&str, Kind); 4] = [
    (STRING, Kind::Set),
    (STATE, Kind::StateUpdate(Rules::Local)),
    (STATE_AUDIT, Kind::StateUpdate(Rules::Local)),
    (STRINGS_AUDIT, Kind::Multi),
];

/// Adds `sessions` of each kind in each round.
pub fn measure(module: &Path, sessions: usize, rounds: usize) -> Result<Vec<Memory>, String> {
    let server = Server::start(module)?;
    let scripts = teach(&server)?;
    let mut found: Vec<Memory> = Vec::new();
    for (what, _) in SORTS {
        let what = what.to_owned();
        found.push(Memory { what, sessions: sessions * rounds, bytes_each: vec![], memory_usage: 0.0 });
    }
    for round in 0..rounds {
        for (family, (what, kind)) in SORTS.into_iter().enumerate() {
            server.set("state.audit", if what == STATE { "no" } else { "yes" })?;
            let workload = Workload { kind, shape: Shape::BASE, family };
            let before = server.used_memory()?;
            add(&server, &scripts, workload, round * sessions..(round + 1) * sessions)?;
            found[family].bytes_each.push((server.used_memory()? - before) / sessions as f64);
        }
    }
    for (family, memory) in found.iter_mut().enumerate() {
        memory.memory_usage = memory_usage(&server, &key(family, 0))?;
    }
    Ok(found)
}

/// Adds sessions with all their snapshots.
fn add(
    server: &Server,
    scripts: &Scripts,
    workload: Workload,
    places: std::ops::Range<usize>,
) -> Result<(), String> {
    workload.create(server, places.clone())?;
    // A plain string has no snapshots: it is the document after one of the changes. The writes of a
    // MULTI make the whole of it.
    let changes = match workload.kind {
        Kind::Set => 1,
        Kind::Multi => ENTRIES,
        _ => CHANGES,
    };
    for number in 0..changes {
        let one = |place: usize| {
            let key = key(workload.family, place);
            if matches!(workload.kind, Kind::Set | Kind::Multi) {
                let document = redis_state_benches::document::document(place, workload.shape.bytes);
                workload.kind.request(&key, &document, number + place, 0, scripts)
            } else {
                let change = change(number + place);
                update(&key, "*", &change).get_packed_command()
            }
        };
        server.fill_with(places.clone().map(one), workload.kind.replies())?;
    }
    // The server frees the connection and its buffers a moment later.
    std::thread::sleep(Duration::from_millis(50));
    Ok(())
}

/// For all keys of a session.
fn memory_usage(server: &Server, key: &str) -> Result<f64, String> {
    let mut bytes = 0.0;
    for key in
        [key.to_owned(), format!("{{{key}}}:audit"), format!("{key}:snapshots"), format!("{key}:audit")]
    {
        let usage: Option<f64> = server.call(cmd("MEMORY").arg(("USAGE", key, "SAMPLES", 0)))?;
        // For a missing key the reply is nil.
        bytes += usage.unwrap_or(0.0);
    }
    Ok(bytes)
}
