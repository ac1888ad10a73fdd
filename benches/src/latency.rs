//! Latency at half of the server's maximum rate.

use std::path::Path;
use std::time::Duration;

use redis_state_benches::schema::Rules;

use crate::kind::Kind;
use crate::open_loop::OpenLoop;
use crate::results::{Latency, Rate};
use crate::scripts::teach;
use crate::server::Server;
use crate::spread::median;
use crate::workload::{Shape, Workload};

const SHAPE: Shape = Shape { depth: 1, ..Shape::BASE };
const ROUNDS: usize = 5;
const STRETCH: Duration = Duration::from_secs(1);

const KINDS: [Kind; 7] = [
    Kind::Get,
    Kind::StateGet,
    Kind::Set,
    Kind::Multi,
    Kind::LuaSmall,
    Kind::StateUpdate(Rules::Whole),
    Kind::StateUpdate(Rules::Local),
];

/// `rates` has the server's maximum.
pub fn measure(module: &Path, rates: &[Rate]) -> Result<Vec<Latency>, String> {
    let server = Server::start(module)?;
    let scripts = teach(&server)?;
    let (mut loops, mut latencies) = (Vec::new(), Vec::new());
    for (family, kind) in KINDS.into_iter().enumerate() {
        let most = rates.iter().find(|rate| rate.kind == kind && rate.shape == SHAPE);
        let most = most.map(|rate| median(&rate.per_s)).ok_or("latencies need the rates first")?;
        let workload = Workload { kind, shape: SHAPE, family };
        workload.prepare(&server)?;
        loops.push(OpenLoop::connect(&server, &scripts, workload)?);
        let per_s = most / 2.0;
        latencies.push(Latency { kind, per_s, p50_us: vec![], p99_us: vec![], p999_us: vec![] });
    }
    for round in 0..ROUNDS {
        for turn in 0..loops.len() {
            let index = (round + turn) % loops.len();
            let latency = &mut latencies[index];
            let found = loops[index].run(latency.per_s, STRETCH, None);
            let found = found.map_err(|problem| format!("{}: {problem}", latency.kind.name()))?;
            latency.p50_us.push(found.p50_us);
            latency.p99_us.push(found.p99_us);
            latency.p999_us.push(found.p999_us);
        }
    }
    Ok(latencies)
}
