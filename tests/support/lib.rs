//! The base of all tests: a real redis-server with the module, on a free port in a temporary
//! folder, killed when the test ends; and a client that shows raw replies.
//!
//! `state_test` is the frame of an end-to-end test. It starts a server with the schemas of
//! `schemas/`, runs the body, and checks that the data survive a reload and restarts in every
//! persistence mode. Not a ready-made Redis client, because it hides the reply types that the tests
//! compare.

mod builder;
mod certificates;
mod client;
mod cluster;
pub mod console;
mod example;
mod memcheck;
mod payload;
mod persistence;
pub mod rounds;
mod sentinel;
mod server;
mod signals;

pub use builder::Builder;
pub use client::{Client, Reply, words};
pub use cluster::Cluster;
pub use example::{block_on, example, example_blocking, example_cluster};
pub use memcheck::{Memcheck, Reports};
pub use payload::{crc64, sealed};
pub use persistence::{Fingerprint, fingerprint};
pub use sentinel::Sentinel;
pub use server::{CONFIGURED_OTHERWISE, Server, module_path, repository, wait_until};
pub use signals::{Signal, send_signal};

/// Runs `body` against a fresh server, then checks that its data survive DEBUG RELOAD and restarts
/// from an AOF with and without the RDB preamble.
pub fn state_test(body: impl FnOnce(&Server, &mut Client)) {
    let mut server = Server::start();
    let mut client = server.client();
    body(&server, &mut client);
    drop(client);
    server.survives_persistence();
}
