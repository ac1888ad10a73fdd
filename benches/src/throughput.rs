//! Requests a second: every command in every shape.
//!
//! All commands of one shape have their keys on one server at the same time and alternate in
//! rounds: changes of the machine's speed affect them alike, and ratios are taken within a round.
//! Not redis-benchmark, because it measures one command after another and can't alternate the
//! change.

use std::time::Duration;

use redis::cmd;
use redis_state_benches::document::BYTES_MIN;
use redis_state_benches::schema::Rules;

use crate::kind::Kind;
use crate::load::Load;
use crate::results::Rate;
use crate::scripts::teach;
use crate::server::Server;
use crate::workload::{Shape, Workload};

/// Before the first round, to fill caches, buffers and snapshots.
const WARM_UP: Duration = Duration::from_millis(150);

pub const KINDS: [Kind; 11] = [
    Kind::Get,
    Kind::StateGet,
    Kind::Set,
    Kind::Multi,
    Kind::LuaSmall,
    Kind::LuaWhole,
    Kind::StateUpdate(Rules::Whole),
    Kind::StateUpdate(Rules::Local),
    Kind::StateUpdateId,
    Kind::StateRollback(Rules::Whole),
    Kind::StateRollback(Rules::Local),
];

/// The base shape, and shapes that differ in one thing; each with batches and without.
pub fn shapes() -> Vec<Shape> {
    let one_thing = [
        Shape::BASE,
        Shape { bytes: BYTES_MIN, ..Shape::BASE },
        Shape { bytes: 8192, ..Shape::BASE },
        Shape { connections: 1, ..Shape::BASE },
        Shape { connections: 50, ..Shape::BASE },
        Shape { keys: 1, ..Shape::BASE },
    ];
    one_thing.into_iter().flat_map(|shape| [shape, Shape { depth: 1, ..shape }]).collect()
}

/// The server is emptied after each shape.
pub fn measure(
    server: &Server,
    shapes: &[Shape],
    kinds: &[Kind],
    rounds: usize,
    stretch: Duration,
) -> Result<Vec<Rate>, String> {
    let mut rates = Vec::new();
    for shape in shapes {
        // On one key, each connection would roll back to the present version: no change.
        let makes_sense = |kind: &&Kind| shape.keys > 1 || !matches!(kind, Kind::StateRollback(_));
        let workloads: Vec<_> = kinds.iter().filter(makes_sense).map(|kind| (*kind, *shape)).collect();
        rates.extend(interleaved(server, &workloads, rounds, stretch)?);
        server.call::<()>(cmd("FLUSHALL").arg("SYNC"))?;
    }
    Ok(rates)
}

/// Each round begins with another workload, so that none always follows the same one.
pub fn interleaved(
    server: &Server,
    workloads: &[(Kind, Shape)],
    rounds: usize,
    stretch: Duration,
) -> Result<Vec<Rate>, String> {
    let scripts = teach(server)?;
    let mut loads = Vec::new();
    let mut rates = Vec::new();
    for (family, &(kind, shape)) in workloads.iter().enumerate() {
        let mut load = Load::prepare(server, &scripts, Workload { kind, shape, family })?;
        load.run(server, WARM_UP)?;
        loads.push(load);
        rates.push(Rate { kind, shape, per_s: vec![], server_busy: vec![], client_busy: vec![] });
    }
    for round in 0..rounds {
        for turn in 0..loads.len() {
            let index = (round + turn) % loads.len();
            let measured = loads[index].run(server, stretch)?;
            rates[index].per_s.push(measured.requests_per_s);
            rates[index].server_busy.push(measured.server_busy);
            rates[index].client_busy.extend(measured.client_busy);
        }
    }
    Ok(rates)
}
