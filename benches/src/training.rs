//! `make profile`: plays what the module is for to a build of it that counts what it runs through.
//!
//! The counts are written when the server ends in order. Whether somebody listens to its effects is two ways through the same
//! commands, so everything is played with and without an AOF; then what was written is read again, as when a server starts. The
//! tests were rejected as what to play: they are mostly about what is refused.

use std::path::Path;
use std::time::Duration;

use redis_state_benches::schema::Rules;

use crate::kind::Kind;
use crate::server::Server;
use crate::throughput::{KINDS, measure, shapes};
use crate::workload::{Shape, Workload};

/// Each command of each shape for so long.
const STRETCH: Duration = Duration::from_millis(50);
/// Sessions that are there when the AOF is read, and an RDB written and read.
const SESSIONS: usize = 500;

pub fn run(module: &Path) -> Result<(), String> {
    let server = Server::start_with(module, &["--enable-debug-command", "local"])?;
    let kinds: Vec<Kind> = KINDS.into_iter().chain([Kind::StateGetSecret]).collect();
    measure(&server, &shapes(), &kinds, 1, STRETCH)?;
    server.call(&[b"CONFIG", b"SET", b"appendonly", b"yes"])?;
    measure(&server, &shapes(), &kinds, 1, STRETCH)?;
    let kind = Kind::StateUpdate(Rules::Whole);
    Workload { kind, shape: Shape::BASE, family: 0 }.create(&server, 0..SESSIONS)?;
    server.call(&[b"DEBUG", b"LOADAOF"])?;
    server.call(&[b"DEBUG", b"RELOAD"])?;
    server.shut_down()
}
