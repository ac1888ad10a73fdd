//! What happens when nobody acts, and when everybody acts at once, over a socket.
//!
//! There is no clock to be set: a key's own expiry goes by the server's clock, and nothing may differ from it. So deadlines
//! are some tens of milliseconds long, and a test waits for what it wants to see, never for a time. Where a lapse has to wait to
//! be committed, writes are paused.

mod align;
mod cluster;
mod deadlines;
mod ends;
mod feed;
mod frozen;
mod idle;
mod ids;
mod lapses;
mod places;
mod rebase;
mod rebase_properties;
mod replicas;
mod shipped;
mod standing;
mod wait;
mod wait_crowd;
mod wait_ends;
mod wait_who;

use support::{Client, Reply, wait_until};

pub const KEY: &str = "channel:+263771234567";
pub const AUDIT: &str = "{channel:+263771234567}:audit";

/// Members that last for a while: a token, a form, and where the conversation is, which lasts as long as somebody talks.
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

/// The same with deadlines that no test sees.
pub fn patient() -> String {
    FORMS.replace("0.08", "1800")
}

/// A state that obeys a schema.
pub fn state(client: &mut Client, schema: &str, document: &str) {
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", schema]);
    client.ok(&creation(document));
}

/// Commands in one transaction: nothing happens between them, however busy the machine is.
pub fn at_once(client: &mut Client, commands: &[&[&str]]) -> Vec<Reply> {
    client.ok(&["MULTI"]);
    commands.iter().for_each(|command| drop(client.ok(command)));
    client.ok(&["EXEC"]).array().to_vec()
}

/// The command that makes a state which obeys [`FORMS`], or what was set in its place.
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

/// Commands in one write: the server carries them out one behind the other, each with a clock of its own.
#[track_caller]
pub fn in_one_go(client: &mut Client, commands: &[&[&str]]) -> Vec<Reply> {
    client.pipeline(commands)
}

/// Names and instants of the deadlines.
#[track_caller]
pub fn deadlines(client: &mut Client) -> Vec<(String, String)> {
    deadlines_of(&client.ok(&["STATE.META", KEY]))
}

/// As [`deadlines`], from a reply of STATE.META.
pub fn deadlines_of(meta: &Reply) -> Vec<(String, String)> {
    let deadlines = meta.field("deadlines").array();
    deadlines.chunks(2).map(|pair| (pair[0].text().to_owned(), pair[1].text().to_owned())).collect()
}

/// Waits until the trail has so many lapses.
#[track_caller]
pub fn lapsed(client: &mut Client, count: usize) {
    wait_until("the lapses are in the trail", || {
        trail_of(client, "event").iter().filter(|event| *event == "lapse").count() >= count
    });
}

/// Values of a field of the trail, oldest entry first; `-` where an entry has none.
#[track_caller]
pub fn trail_of(client: &mut Client, name: &str) -> Vec<String> {
    fields_of(client, AUDIT, name)
}

/// As [`trail_of`], of any stream.
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
    client.info("state", &format!("state_{name}")).parse().expect("a number")
}

/// Waits until this many clients are blocked.
#[track_caller]
pub fn blocked(client: &mut Client, count: usize) {
    wait_until(&format!("{count} clients are blocked"), || {
        client.text(&["INFO", "clients"]).contains(&format!("\r\nblocked_clients:{count}\r\n"))
    });
}
