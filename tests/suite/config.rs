//! Every `state.*` setting by CONFIG GET and SET: its default, the values at its limits, and those
//! one below and one above, which are rejected (invariant I7). Start-up is in `config_start.rs`.

use crate::baseline::KEY;
use support::{Client, Server};

/// Name, default, accepted values with what CONFIG GET then returns, rejected values.
pub type Setting =
    (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

pub const SETTINGS: [Setting; 17] = [
    (
        "snapshots",
        "10",
        &[("0", "0"), ("1", "1"), ("999", "999"), ("1000", "1000")],
        &["-1", "1001", "ten", "1.5"],
    ),
    ("labels", "8", &[("0", "0"), ("1", "1"), ("63", "63"), ("64", "64")], &["-1", "65", "all"]),
    (
        "default-ttl",
        "300",
        &[("1", "1"), ("2", "2"), ("31536000", "31536000")],
        &["0", "-1", "31536001", "soon"],
    ),
    (
        "max-bytes",
        "1048576",
        &[("1024", "1024"), ("64kb", "65536"), ("64mb", "67108864")],
        &["1023", "67108865", "x"],
    ),
    (
        "max-depth",
        "64",
        &[("1", "1"), ("2", "2"), ("127", "127"), ("128", "128")],
        &["0", "129", "-1", "deep"],
    ),
    (
        "max-cost",
        "20000000",
        &[("1000000", "1000000"), ("1000001", "1000001"), ("1000000000000", "1000000000000")],
        &["999999", "1000000000001", "-1", "much"],
    ),
    ("audit", "yes", &[("yes", "yes"), ("no", "no")], &["maybe", "2", ""]),
    ("audit-maxlen", "200", &[("1", "1"), ("2", "2"), ("1000000", "1000000")], &["0", "-1", "1000001", "x"]),
    (
        "audit-ttl",
        "86400",
        &[("1", "1"), ("2", "2"), ("31536000", "31536000")],
        &["0", "-1", "31536001", "x"],
    ),
    ("audit-patch-bytes", "4096", &[("0", "0"), ("1", "1"), ("1mb", "1048576")], &["-1", "1048577", "x"]),
    (
        "audit-document-bytes",
        "65536",
        &[("0", "0"), ("1", "1"), ("64mb", "67108864")],
        &["-1", "67108865", "x"],
    ),
    ("audit-rejects", "100", &[("0", "0"), ("1", "1"), ("100000", "100000")], &["-1", "100001", "x"]),
    ("attempts-history", "100", &[("0", "0"), ("1", "1"), ("1000", "1000")], &["-1", "1001", "x"]),
    ("feed", "", &[("", ""), ("sessions", "sessions")], &[]),
    (
        "feed-maxlen",
        "100000",
        &[("1", "1"), ("2", "2"), ("100000000", "100000000")],
        &["0", "-1", "100000001", "x"],
    ),
    ("idempotency-ids", "64", &[("0", "0"), ("1", "1"), ("1000", "1000")], &["-1", "1001", "x"]),
    ("audit-conflicts", "no", &[("no", "no"), ("yes", "yes")], &["maybe", "1.0"]),
];

pub fn get(client: &mut Client, name: &str) -> String {
    let reply = client.ok(&["CONFIG", "GET", &format!("state.{name}")]);
    reply.field(&format!("state.{name}")).text().to_owned()
}

#[test]
fn every_setting_has_its_default_and_limits() {
    let server = Server::builder().without_schemas().start();
    let mut client = server.client();
    let all = client.ok(&["CONFIG", "GET", "state.*"]);
    let mut names = all.field_names();
    names.sort();
    let mut expected: Vec<String> = SETTINGS.iter().map(|(name, ..)| format!("state.{name}")).collect();
    expected.push("state.schema-dir".to_owned());
    expected.sort();
    assert_eq!(names, expected);
    for (name, default, taken, rejected) in SETTINGS {
        assert_eq!(get(&mut client, name), default, "default of {name}");
        for (value, shown) in taken {
            client.ok(&["CONFIG", "SET", &format!("state.{name}"), value]);
            assert_eq!(get(&mut client, name), *shown, "{name} {value}");
        }
        let last = get(&mut client, name);
        for value in rejected {
            let error = client.err(&["CONFIG", "SET", &format!("state.{name}"), value]);
            assert!(error.starts_with("ERR CONFIG SET failed"), "{name} {value}: {error}");
            assert_eq!(get(&mut client, name), last);
        }
    }
    assert_eq!(get(&mut client, "schema-dir"), "");
    let error = client.err(&["CONFIG", "SET", "state.schema-dir", "/tmp"]);
    assert!(error.contains("immutable"), "{error}");
}

#[test]
fn changed_limits_apply_at_once() {
    let server = Server::builder().without_schemas().start();
    let mut client = server.client();
    let versions = |client: &mut Client| client.ok(&["STATE.HISTORY", KEY]).array().len();
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"n":0}"#]);
    for n in 1..12 {
        client.ok(&["STATE.UPDATE", KEY, "*", &format!(r#"{{"n":{n}}}"#)]);
    }
    assert_eq!(versions(&mut client), 11);
    client.ok(&["CONFIG", "SET", "state.snapshots", "3"]);
    assert_eq!(versions(&mut client), 11, "the next commit trims the snapshots");
    client.ok(&["STATE.UPDATE", KEY, "*", r#"{"n":12}"#]);
    assert_eq!(versions(&mut client), 4);
    client.ok(&["CONFIG", "SET", "state.labels", "2"]);
    for label in ["menu", "offer", "confirm"] {
        client.ok(&["STATE.UPDATE", KEY, "*", &format!(r#"{{"n":"{label}"}}"#), "LABEL", label]);
    }
    assert!(client.err(&["STATE.ROLLBACK", KEY, "*", "LABEL", "menu"]).starts_with("NOVERSION "));
    client.ok(&["STATE.ROLLBACK", KEY, "*", "LABEL", "offer"]);
    client.ok(&["CONFIG", "SET", "state.default-ttl", "7"]);
    client.ok(&["STATE.TOUCH", KEY]);
    let ttl = client.ok(&["PTTL", KEY]).int();
    assert!((6_000..=7_000).contains(&ttl), "{ttl}");
    client.ok(&["CONFIG", "SET", "state.max-depth", "1"]);
    client.ok(&["STATE.UPDATE", KEY, "*", r#"{"n":13}"#]);
    assert!(client.err(&["STATE.UPDATE", KEY, "*", r#"{"n":[]}"#]).starts_with("TOODEEP "));
}
