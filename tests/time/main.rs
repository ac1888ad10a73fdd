//! Deadlines, session expiry, the feed and concurrency over a socket.
//!
//! The tests can't set a clock, since the server's clock decides about key expiry. So deadlines are
//! some tens of milliseconds, and a test waits for a result, never for a duration. Where a lapse
//! must stay uncommitted for a while, writes are paused.

mod align;
mod claims;
mod cluster;
mod deadlines;
mod deadlines_survive;
mod feed;
mod idempotency;
mod idle_time;
mod lapse_resets;
mod lapses;
mod project_schemas;
mod rebase;
mod rebase_properties;
mod replicas;
mod script_clock;
mod session_expiry;
mod ttl_annotations;
mod wait;
mod wait_clients;
mod wait_crowd;
mod wait_deletion;

use support::{Client, Reply, wait_until};

pub const KEY: &str = "channel:+263771234567";
pub const AUDIT: &str = "{channel:+263771234567}:audit";

/// Members with deadlines: a token, a form, and the place of the conversation, which slides.
pub const FORMS: &str = r#"{
    "type": "object", "x-ttl": 60,
    "properties": {
        "auth": {"type": "object", "properties": {"token": {"type": "string", "x-ttl": 0.08, "x-protected": true}}},
        "form": {
            "type": "object", "x-ttl": 0.08,
            "properties": {"draft": {"x-protected": true}, "origin": {"x-immutable": true}}
        },
        "current": {"type": "object", "x-ttl": 0.08, "x-sliding": true, "default": {"path": "menu"}}
    }
}"#;

/// The same with deadlines beyond the end of a test.
pub fn patient() -> String {
    FORMS.replace("0.08", "1800")
}

/// Creates a state with a schema.
pub fn state(client: &mut Client, schema: &str, document: &str) {
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", schema]);
    client.ok(&creation(document));
}

/// Runs commands in one transaction, so that nothing happens between them.
pub fn at_once(client: &mut Client, commands: &[&[&str]]) -> Vec<Reply> {
    client.ok(&["MULTI"]);
    commands.iter().for_each(|command| drop(client.ok(command)));
    client.ok(&["EXEC"]).array().to_vec()
}

/// The command that creates a state with [`FORMS`], or the schema set in its place.
pub fn creation(document: &str) -> [&str; 6] {
    ["STATE.SETPROTECTED", KEY, "0", document, "SCHEMA", "vimbiso.forms"]
}

/// Pauses writes, timers included.
pub const PAUSE: [&str; 4] = ["CLIENT", "PAUSE", "60000", "WRITE"];
/// Lets the deadlines of [`FORMS`] pass.
pub const SLEEP: [&str; 3] = ["DEBUG", "SLEEP", "0.1"];

/// The present document.
#[track_caller]
pub fn document(client: &mut Client) -> String {
    client.state(KEY).1
}

/// Sends commands in one write: the server runs them one after another, each with its own clock.
#[track_caller]
pub fn in_one_go(client: &mut Client, commands: &[&[&str]]) -> Vec<Reply> {
    client.pipeline(commands)
}

/// Pointers and times of the deadlines.
#[track_caller]
pub fn deadlines(client: &mut Client) -> Vec<(String, String)> {
    deadlines_of(&client.ok(&["STATE.META", KEY]))
}

/// As [`deadlines`], from a reply of STATE.META.
pub fn deadlines_of(meta: &Reply) -> Vec<(String, String)> {
    let deadlines = meta.field("deadlines").array();
    deadlines.chunks(2).map(|pair| (pair[0].text().to_owned(), pair[1].text().to_owned())).collect()
}

/// Waits until the audit stream has this many lapses.
#[track_caller]
pub fn lapsed(client: &mut Client, count: usize) {
    wait_until("the lapses are in the audit stream", || {
        audit_values(client, "event").iter().filter(|event| *event == "lapse").count() >= count
    });
}

/// Values of a field in the audit stream, oldest entry first; `-` where an entry has none.
#[track_caller]
pub fn audit_values(client: &mut Client, name: &str) -> Vec<String> {
    fields_of(client, AUDIT, name)
}

/// As [`audit_values`], of any stream.
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

/// A number of INFO state, by its name without the prefix.
#[track_caller]
pub fn counter(client: &mut Client, name: &str) -> i64 {
    client.info("state", &format!("state_{name}")).parse().expect("a number")
}

/// Waits until this many clients are blocked.
#[track_caller]
pub fn blocked(client: &mut Client, count: usize) {
    wait_until(&format!("{count} clients are blocked"), || {
        client.text(&["INFO", "clients"]).contains(&format!("\r\nblocked_clients:{count}\r\n"))
    });
}
