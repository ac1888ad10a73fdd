//! What the rows about memory look at: the server's own figures, on a server that does as little as can be for itself.

use support::{Builder, Client, Server};

/// A server whose memory is that of its data: no log of slow commands, no histogram of every command.
pub fn quiet() -> Builder {
    let server = Server::builder().without_schemas().arg("--loglevel").arg("warning");
    server.arg("--latency-tracking").arg("no").arg("--slowlog-log-slower-than").arg("-1")
}

/// Whether this is no `make test`: a row that needs large servers is played on small ones there.
pub fn is_long() -> bool {
    ["REDIS_STATE_SOAK", "REDIS_STATE_ROUND"].iter().any(|name| std::env::var_os(name).is_some())
}

/// One number of INFO.
#[track_caller]
pub fn number(client: &mut Client, section: &str, name: &str) -> u64 {
    let info = client.text(&["INFO", section]);
    let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {name} in INFO {section}: {info}")).trim().parse().expect("a number")
}

pub fn used_bytes(client: &mut Client) -> u64 {
    number(client, "memory", "used_memory")
}
