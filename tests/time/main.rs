//! What time does to a state, and who waits for it: over a socket, as everywhere.

mod align;
mod wait;
mod wait_ends;
mod wait_who;

use support::{Client, wait_until};

pub const KEY: &str = "channel:+263771234567";
pub const AUDIT: &str = "{channel:+263771234567}:audit";

/// Waits until this many clients are blocked.
#[track_caller]
pub fn blocked(client: &mut Client, count: usize) {
    wait_until(&format!("{count} clients are blocked"), || {
        client.text(&["INFO", "clients"]).contains(&format!("\r\nblocked_clients:{count}\r\n"))
    });
}
