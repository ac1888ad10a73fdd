//! `make profile`: plays typical requests to an instrumented build of the module.
//!
//! The counts are written when the server shuts down. Replication of effects makes commands take
//! other paths, so everything is played with and without an AOF; then the files are loaded, as when
//! a server starts. Not the tests, because they are mostly about errors.

use std::path::Path;
use std::time::Duration;

use redis::cmd;
use redis_state_benches::schema::Rules;

use crate::kind::Kind;
use crate::server::Server;
use crate::throughput::{KINDS, measure, shapes};
use crate::workload::{Shape, Workload};

/// The time for each command of each shape.
const STRETCH: Duration = Duration::from_millis(50);
/// Sessions that exist when the AOF is loaded, and an RDB written and loaded.
const SESSIONS: usize = 500;

pub fn run(module: &Path) -> Result<(), String> {
    let server = Server::start_with(module, &["--enable-debug-command", "local"])?;
    let kinds: Vec<Kind> = KINDS.into_iter().chain([Kind::StateGetSecret]).collect();
    measure(&server, &shapes(), &kinds, 1, STRETCH)?;
    server.set("appendonly", "yes")?;
    measure(&server, &shapes(), &kinds, 1, STRETCH)?;
    let kind = Kind::StateUpdate(Rules::Whole);
    Workload { kind, shape: Shape::BASE, family: 0 }.create(&server, 0..SESSIONS)?;
    server.call::<()>(cmd("DEBUG").arg("LOADAOF"))?;
    server.call::<()>(cmd("DEBUG").arg("RELOAD"))?;
    server.shut_down()
}
