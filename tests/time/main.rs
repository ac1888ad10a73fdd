//! What time does to a state, and what it can't: messages that come twice, or too late.

mod ids;
mod rebase;
mod rebase_properties;

use support::{Client, Reply};

pub const KEY: &str = "channel:+263771234567";
pub const AUDIT: &str = "{channel:+263771234567}:audit";

/// One number of `INFO state`.
#[track_caller]
pub fn counter(client: &mut Client, name: &str) -> i64 {
    let text = client.text(&["INFO", "state"]);
    let line =
        text.lines().find_map(|line| line.strip_prefix("state_")?.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no state_{name} in {text}"))
}

/// Values of a field of the trail, oldest first; `-` where an entry has none.
#[track_caller]
pub fn trail_of(client: &mut Client, name: &str) -> Vec<String> {
    let entries = client.ok(&["XRANGE", AUDIT, "-", "+"]);
    let value = |entry: &Reply| {
        let fields = entry.array()[1].array();
        let found = fields.chunks(2).find(|pair| pair[0].text() == name);
        found.map_or("-".to_owned(), |pair| pair[1].text().to_owned())
    };
    entries.array().iter().map(value).collect()
}
