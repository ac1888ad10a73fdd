//! How long a small read waits while another client writes documents of 256 KB, one after the other without a pause.
//!
//! The server has one thread, so what one client asks for is what all the others wait for. Beside STATE.UPDATE, which sends the
//! change, stand what a bot would send without the module: SET, which sends the whole document, and the script.

use std::path::Path;
use std::time::Duration;

use redis_state_benches::schema::Rules;

use crate::kind::Kind;
use crate::open_loop::{Lane, OpenLoop};
use crate::results::Neighbour;
use crate::scripts::teach;
use crate::server::Server;
use crate::workload::{Shape, Workload};

const ROUNDS: usize = 5;
const STRETCH: Duration = Duration::from_secs(1);
/// So few that the reads alone never wait for each other.
const READS_PER_S: f64 = 2000.0;
const READER: Shape = Shape { bytes: 2048, depth: 1, connections: 4, keys: 64 };
const WRITER: Shape = Shape { bytes: 256 * 1024, depth: 1, connections: 1, keys: 8 };
const WRITERS: [Kind; 4] =
    [Kind::StateUpdate(Rules::Local), Kind::StateUpdate(Rules::Whole), Kind::Set, Kind::LuaSmall];

pub fn measure(module: &Path) -> Result<Vec<Neighbour>, String> {
    let server = Server::start(module)?;
    let scripts = teach(&server)?;
    let reader = Workload { kind: Kind::StateGet, shape: READER, family: 0 };
    reader.prepare(&server)?;
    let mut reads = OpenLoop::connect(&server, &scripts, reader)?;
    let mut cases = vec![(None, silence(None))];
    for (index, kind) in WRITERS.into_iter().enumerate() {
        let writer = Workload { kind, shape: WRITER, family: index + 1 };
        writer.prepare(&server)?;
        let requests = writer.lanes(&scripts).swap_remove(0);
        cases.push((Some(Lane::connect(&server, writer, requests)?), silence(Some(kind))));
    }
    for _ in 0..ROUNDS {
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
    Ok(cases.into_iter().map(|(_, found)| found).collect())
}

fn silence(kind: Option<Kind>) -> Neighbour {
    Neighbour { kind, p50_us: vec![], p99_us: vec![], p999_us: vec![], neighbour_p50_us: vec![] }
}
