//! The rules of a schema's annotations over a socket: no command gets around them.
//!
//! Most tests use a small schema of their own; the bot's transitions are tested with
//! `vimbiso.channel`. `properties.rs` tries random changes.

mod annotations;
mod attempts;
mod bindings;
mod immutable;
mod permissions;
mod properties;
mod protected;
mod recover;
mod reset;
mod secrets;
mod side_channels;
mod transitions;

use support::{Client, Reply};

pub const KEY: &str = "channel:+263771234567";
pub const AUDIT: &str = "{channel:+263771234567}:audit";

/// A protected member, an immutable one, a secret one and an ordinary one, at several depths.
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

/// A document with every member of [`RULES`].
pub const FULL: &str = concat!(
    r#"{"channel":{"type":"whatsapp","identifier":"+263771234567"},"dashboard":{"memberID":"mem_49d4","balance":1.10},"#,
    r#""auth":{"token":"eyJhbGciOiJIUzI1NiJ9","kind":"jwt"},"profile":{"member":{"tier":2},"name":"Zoë","since":"1990-01-02"},"#,
    r#""current":{"path":"login"}}"#
);

/// Creates the state that most tests begin with.
pub fn full_state(client: &mut Client) {
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.rules", RULES]);
    client.ok(&["STATE.SETPROTECTED", KEY, "0", FULL, "REPLACE", "SCHEMA", "vimbiso.rules"]);
}

/// The present document.
#[track_caller]
pub fn document(client: &mut Client) -> String {
    client.state(KEY).1
}

/// The text of a member, `None` if it is missing.
#[track_caller]
pub fn member(client: &mut Client, pointer: &str) -> Option<String> {
    match &client.ok(&["STATE.GET", KEY, pointer]).array()[1] {
        Reply::Nil => None,
        value => Some(value.text().to_owned()),
    }
}

/// The command fails with this beginning of the error, and has moved neither document, version nor
/// expiry.
#[track_caller]
pub fn rejected(client: &mut Client, line: &[&str], begin: &str) -> String {
    let before = (client.state(KEY), client.ok(&["PEXPIRETIME", KEY]));
    let error = client.err(line);
    assert!(error.starts_with(begin), "{line:?} answered {error:?}, not {begin}");
    assert_eq!((client.state(KEY), client.ok(&["PEXPIRETIME", KEY])), before, "{line:?}");
    error
}

/// The newest audit entry.
#[track_caller]
pub fn newest(client: &mut Client) -> Reply {
    client.ok(&["XREVRANGE", AUDIT, "+", "-", "COUNT", "1"]).array()[0].array()[1].clone()
}

/// Values of a field in the audit stream, oldest first; `-` where an entry has none.
#[track_caller]
pub fn audit_values(client: &mut Client, name: &str) -> Vec<String> {
    let entries = client.ok(&["XRANGE", AUDIT, "-", "+"]);
    let value = |entry: &Reply| {
        let fields = entry.array()[1].array();
        let found = fields.chunks(2).find(|pair| pair[0].text() == name);
        found.map_or("-".to_owned(), |pair| pair[1].text().to_owned())
    };
    entries.array().iter().map(value).collect()
}
