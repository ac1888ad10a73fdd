//! The rules that a schema's annotations make, over a socket: nothing a client says gets around them.
//!
//! Most tests use a small schema of their own, which shows what it is about; the steps of the bot are walked on
//! `vimbiso.channel` itself. `properties.rs` tries changes that nobody thought of.

mod annotations;
mod attempts;
mod bindings;
mod immutable;
mod properties;
mod protected;
mod recover;
mod reset;
mod rights;
mod secrets;
mod steps;
mod unseen;

use support::{Client, Reply};

pub const KEY: &str = "channel:+263771234567";
pub const AUDIT: &str = "{channel:+263771234567}:audit";

/// A member that nobody may touch, one that stays, one that nobody may see, and a free one, at several depths.
pub const RULES: &str = r##"{
    "type": "object", "x-ttl": 1800,
    "properties": {
        "channel": {"x-immutable": true},
        "dashboard": {"x-protected": true},
        "auth": {"type": "object", "properties": {"token": {"$ref": "#/$defs/token"}, "kind": {"type": "string"}}},
        "profile": {
            "type": "object",
            "properties": {"member": {"allOf": [{"x-protected": true}]}, "name": {"type": ["string", "null"]}, "since": {"x-immutable": true}}
        },
        "current": {"type": ["object", "null"]}
    },
    "$defs": {"token": {"type": "string", "x-protected": true, "x-secret": true}}
}"##;

/// A state that has every member of [`RULES`].
pub const FULL: &str = concat!(
    r#"{"channel":{"type":"whatsapp","identifier":"+263771234567"},"dashboard":{"memberID":"mem_49d4","balance":1.10},"#,
    r#""auth":{"token":"eyJhbGciOiJIUzI1NiJ9","kind":"jwt"},"profile":{"member":{"tier":2},"name":"Zoë","since":"1990-01-02"},"#,
    r#""current":{"path":"login"}}"#
);

/// Puts the state in place that most tests begin with.
pub fn full_state(client: &mut Client) {
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.rules", RULES]);
    client.ok(&["STATE.SETPROTECTED", KEY, "0", FULL, "REPLACE", "SCHEMA", "vimbiso.rules"]);
}

/// The present document.
#[track_caller]
pub fn document(client: &mut Client) -> String {
    client.state(KEY).1
}

/// The value of a member, `None` where it is not there.
#[track_caller]
pub fn member(client: &mut Client, pointer: &str) -> Option<String> {
    match &client.ok(&["STATE.GET", KEY, pointer]).array()[1] {
        Reply::Nil => None,
        value => Some(value.text().to_owned()),
    }
}

/// The command is refused with this beginning, and neither document, version nor expiry has moved.
#[track_caller]
pub fn refused(client: &mut Client, line: &[&str], begin: &str) -> String {
    let before = (client.state(KEY), client.ok(&["PEXPIRETIME", KEY]));
    let error = client.err(line);
    assert!(error.starts_with(begin), "{line:?} answered {error:?}, not {begin}");
    assert_eq!((client.state(KEY), client.ok(&["PEXPIRETIME", KEY])), before, "{line:?}");
    error
}

/// The newest entry of the trail.
#[track_caller]
pub fn newest(client: &mut Client) -> Reply {
    client.ok(&["XREVRANGE", AUDIT, "+", "-", "COUNT", "1"]).array()[0].array()[1].clone()
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
