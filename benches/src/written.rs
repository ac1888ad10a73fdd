//! The bytes that an update adds to the AOF and sends to a replica.

use std::path::Path;
use std::time::{Duration, Instant};

use redis_state_benches::schema::Rules;

use crate::kind::Kind;
use crate::load::Load;
use crate::results::Written;
use crate::scripts::teach;
use crate::server::Server;
use crate::workload::{Shape, Workload};

const STRETCH: Duration = Duration::from_millis(150);
const PATIENCE: Duration = Duration::from_secs(20);
/// Few keys, so that each gets many updates in a round: every 64th audit entry has the document.
const SHAPE: Shape = Shape { keys: 8, ..Shape::BASE };

pub const KINDS: [Kind; 8] = [
    Kind::Set,
    Kind::Multi,
    Kind::LuaSmall,
    Kind::LuaWhole,
    Kind::StateUpdate(Rules::Whole),
    Kind::StateUpdate(Rules::Local),
    Kind::StateUpdateId,
    Kind::StateRollback(Rules::Local),
];

pub fn measure(module: &Path, kinds: &[Kind], rounds: usize) -> Result<Vec<Written>, String> {
    let persistence = "--appendonly yes --appendfsync no --auto-aof-rewrite-percentage 0";
    let replication = "--repl-diskless-sync-delay 0";
    let settings: Vec<&str> = persistence.split(' ').chain(replication.split(' ')).collect();
    let server = Server::start_with(module, &settings)?;
    let _replica = replica(module, &server)?;
    let scripts = teach(&server)?;
    let (mut loads, mut written) = (Vec::new(), Vec::new());
    for (family, &kind) in kinds.iter().enumerate() {
        let mut load = Load::prepare(&server, &scripts, Workload { kind, shape: SHAPE, family })?;
        load.run(&server, STRETCH)?;
        loads.push(load);
        written.push(Written { kind, aof_bytes: vec![], replication_bytes: vec![] });
    }
    for _ in 0..rounds {
        for (load, written) in loads.iter_mut().zip(&mut written) {
            let (aof, replication) = sizes(&server)?;
            let requests = load.run(&server, STRETCH)?.requests;
            let (aof_after, replication_after) = sizes(&server)?;
            written.aof_bytes.push((aof_after - aof) / requests);
            written.replication_bytes.push((replication_after - replication) / requests);
        }
    }
    Ok(written)
}

/// Bytes in the AOF, and bytes sent so far.
fn sizes(server: &Server) -> Result<(f64, f64), String> {
    let aof = server.info("persistence")?.number("aof_current_size")?;
    Ok((aof, server.info("replication")?.number("master_repl_offset")?))
}

/// A second server that has caught up.
fn replica(module: &Path, primary: &Server) -> Result<Server, String> {
    let of = ["--replicaof", "127.0.0.1", &primary.port().to_string()].map(str::to_owned);
    let replica = Server::start_with(module, &of.each_ref().map(String::as_str))?;
    let deadline = Instant::now() + PATIENCE;
    while replica.info("replication")?.text("master_link_status")? != "up" {
        if Instant::now() > deadline {
            return Err("the replica does not reach its primary".to_owned());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(replica)
}
