//! The client crate against a real server: connections, conflicts and lost replies.

mod audit;
mod cluster;
mod connections;
mod consumer;
mod consumer_breaks;
mod cutting_proxy;
mod errors;
mod events;
mod requests;
mod retries;
mod schemas;
mod sentinel;
mod spans;
mod tls;
mod watch;

use std::time::Duration;

use support::Client;

/// Fails the test when the work hangs.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), work).await.expect("it ends within a minute")
}

/// Cuts the connections of all other clients.
fn cut(client: &mut Client) {
    client.ok(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    client.ok(&["CLIENT", "KILL", "TYPE", "pubsub"]);
}
