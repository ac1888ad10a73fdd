//! What time does to a state, over a socket.

mod cluster;
mod ends;
mod feed;

use support::{Client, Reply};

pub const KEY: &str = "channel:+263771234567";
pub const AUDIT: &str = "{channel:+263771234567}:audit";

/// Values of a field of a stream, oldest entry first; `-` where an entry has none.
#[track_caller]
pub fn fields_of(client: &mut Client, stream: &str, name: &str) -> Vec<String> {
    let entries = client.ok(&["XRANGE", stream, "-", "+"]);
    entries.array().iter().map(|entry| field(entry, name)).collect()
}

/// The value of a field of a stream's entry; `-` where it has none.
#[track_caller]
pub fn field(entry: &Reply, name: &str) -> String {
    let fields = entry.array()[1].array();
    let found = fields.chunks(2).find(|pair| pair[0].text() == name);
    found.map_or("-".to_owned(), |pair| pair[1].text().to_owned())
}

/// One number of INFO state, without its prefix.
#[track_caller]
pub fn counter(client: &mut Client, name: &str) -> i64 {
    let text = client.text(&["INFO", "state"]);
    let line =
        text.lines().find_map(|line| line.strip_prefix("state_")?.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no state_{name} in {text}")).trim().parse().expect("a number")
}
