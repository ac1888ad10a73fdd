//! The server's own memory figures, on a server with as little bookkeeping as possible.

use support::{Builder, Client, Server};

/// A server whose memory is that of its data: without a slow log and latency histograms.
pub fn quiet() -> Builder {
    let server = Server::builder().without_schemas().arg("--loglevel").arg("warning");
    server.arg("--latency-tracking").arg("no").arg("--slowlog-log-slower-than").arg("-1")
}

/// A number in INFO.
#[track_caller]
pub fn number(client: &mut Client, section: &str, name: &str) -> u64 {
    client.info(section, name).parse().expect("a number")
}

pub fn used_bytes(client: &mut Client) -> u64 {
    number(client, "memory", "used_memory")
}
