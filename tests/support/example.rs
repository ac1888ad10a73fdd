//! The frame of an example in the client crate's documentation: a fresh server with the bot's
//! schemas, whose address the example gets. It fails as a test does.

use std::error::Error;

use crate::{Cluster, Server};

type Outcome = Result<(), Box<dyn Error>>;

/// Runs an async example.
pub fn example(body: impl AsyncFnOnce(&str) -> Outcome) {
    let server = Server::start();
    block_on(body(&server.url())).expect("the example works");
}

/// Runs a blocking example.
pub fn example_blocking(body: impl FnOnce(&str) -> Outcome) {
    let server = Server::start();
    body(&server.url()).expect("the example works");
}

/// Runs an async example against a cluster of three primaries, whose addresses it gets.
pub fn example_cluster(body: impl AsyncFnOnce(&[String]) -> Outcome) {
    let cluster = Cluster::start();
    block_on(body(&cluster.urls())).expect("the example works");
}

/// Runs a future to completion on a new runtime with I/O and time.
pub fn block_on<F: Future>(work: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work)
}
