//! The latency of a small read while another client writes documents of 256 KB without a pause.
//!
//! The server has one thread, so the requests of one client delay all others. STATE.UPDATE, which
//! sends the change, is compared with what a bot sends without the module: SET of the whole
//! document, and the script. GET of 2 KB shows how much comes from any continuous client, on a
//! machine that may have other work.

use std::path::Path;
use std::time::Duration;

use redis_state_benches::schema::Rules;

use crate::kind::Kind;
use crate::open_loop::{Lane, OpenLoop};
use crate::results::{Neighbour, Stall};
use crate::scripts::teach;
use crate::server::Server;
use crate::stalls;
use crate::workload::{Shape, Workload};

/// Many short ones: the machine sometimes pauses for a millisecond or two, and a long stretch
/// mostly includes such a pause, whatever runs.
const ROUNDS: usize = 21;
const STRETCH: Duration = Duration::from_millis(400);
/// Few enough that the reads alone never wait for each other.
const READS_PER_S: f64 = 2000.0;
const READER: Shape = Shape { bytes: 2048, depth: 1, connections: 4, keys: 64 };
const LARGE: usize = 256 * 1024;
const OTHERS: [(Kind, usize); 5] = [
    (Kind::Get, READER.bytes),
    (Kind::StateUpdate(Rules::Local), LARGE),
    (Kind::StateUpdate(Rules::Whole), LARGE),
    (Kind::Set, LARGE),
    (Kind::LuaSmall, LARGE),
];

/// The reads alone and beside each of the others, and the pauses of the machine meanwhile.
pub fn measure(module: &Path) -> Result<(Vec<Neighbour>, Vec<Stall>), String> {
    let server = Server::start(module)?;
    let scripts = teach(&server)?;
    let reader = Workload { kind: Kind::StateGet, shape: READER, family: 0 };
    reader.prepare(&server)?;
    let mut reads = OpenLoop::connect(&server, &scripts, reader)?;
    let mut cases = vec![(None, silence(None))];
    for (index, (kind, bytes)) in OTHERS.into_iter().enumerate() {
        let shape = Shape { bytes, depth: 1, connections: 1, keys: 8 };
        let other = Workload { kind, shape, family: index + 1 };
        other.prepare(&server)?;
        let requests = other.lanes(&scripts).swap_remove(0);
        cases.push((Some(Lane::connect(&server, other, requests)?), silence(Some((kind, bytes)))));
    }
    let mut stalls = Vec::new();
    for _ in 0..ROUNDS {
        stalls.push(stalls::watch(STRETCH));
        for (lane, found) in &mut cases {
            let percentiles = reads.run(READS_PER_S, STRETCH, lane.as_mut())?;
            found.p50_us.push(percentiles.p50_us);
            found.p99_us.push(percentiles.p99_us);
            found.p999_us.push(percentiles.p999_us);
            if let Some(lane) = lane {
                lane.settle()?;
                found.neighbour_p50_us.push(lane.percentiles().p50_us);
            }
        }
    }
    Ok((cases.into_iter().map(|(_, found)| found).collect(), stalls))
}

fn silence(other: Option<(Kind, usize)>) -> Neighbour {
    let (kind, bytes) = other.unzip();
    Neighbour { kind, bytes, p50_us: vec![], p99_us: vec![], p999_us: vec![], neighbour_p50_us: vec![] }
}
