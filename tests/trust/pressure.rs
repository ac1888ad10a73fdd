//! What the rows about memory look at: the server's own figures, on a server that does as little as can be for itself.

use support::{Builder, Client, Server};

/// A server whose memory is that of its data: no log of slow commands, no histogram of every command.
pub fn quiet() -> Builder {
    let server = Server::builder().without_schemas().arg("--loglevel").arg("warning");
    server.arg("--latency-tracking").arg("no").arg("--slowlog-log-slower-than").arg("-1")
}

/// One number of INFO.
#[track_caller]
pub fn number(client: &mut Client, section: &str, name: &str) -> u64 {
    client.info(section, name).parse().expect("a number")
}

pub fn used_bytes(client: &mut Client) -> u64 {
    number(client, "memory", "used_memory")
}
