//! STATE.DELETE ends a state, with an audit entry.

use support::{Client, Reply, state_test};

use crate::baseline::{AUDIT, KEY, audit_entries, field};

#[test]
fn deletion_is_audited_and_the_stream_stays() {
    state_test(|_, client| {
        let etag = client.text(&["STATE.UPDATE", KEY, "0", r#"{"page":1}"#]);
        let args = ["STATE.DELETE", KEY, &etag, "EVENT", "logout", "ACTOR", "menu", "NOTE", "asked for"];
        assert_eq!(client.ok(&args), Reply::Int(1));
        assert!(client.ok(&["STATE.GET", KEY]).is_nil());
        let entries = audit_entries(client, AUDIT);
        let said = |name| field(&entries[1], name).unwrap_or("-");
        assert_eq!([said("event"), said("etag"), said("version")], ["delete", &etag, "1"]);
        assert_eq!([said("name"), said("actor"), said("note")], ["logout", "menu", "asked for"]);
        assert!(client.ok(&["PTTL", AUDIT]).int() > 86_000_000);
    });
}

/// What PURGE removed: states, audit entries, entries of the feed.
#[track_caller]
fn purged(client: &mut Client, key: &str) -> [i64; 3] {
    let reply = client.ok(&["STATE.DELETE", key, "*", "PURGE"]);
    assert!(reply.field("feed_from").is_nil());
    ["state", "audit", "feed"].map(|name| reply.field(name).int())
}

#[test]
fn purge_deletes_the_audit_stream() {
    state_test(|_, client| {
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"page":1}"#]);
        assert_eq!(purged(client, KEY), [1, 1, 0]);
        assert_eq!(client.ok(&["DBSIZE"]), Reply::Int(0));
        assert_eq!(purged(client, KEY), [0, 0, 0], "there is nothing left");
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"page":1}"#]);
        client.ok(&["STATE.DELETE", KEY, "*"]);
        for expected in ["1", "1-0123456789abcdef"] {
            let error = client.err(&["STATE.DELETE", KEY, expected, "PURGE"]);
            assert!(error.starts_with("NOSTATE "), "{expected}: {error}");
        }
        assert_eq!(purged(client, KEY), [0, 2, 0], "the stream of a deleted state");
    });
}

#[test]
fn delete_with_a_stale_version_is_rejected() {
    state_test(|_, client| {
        assert!(client.err(&["STATE.DELETE", KEY, "*"]).starts_with("NOSTATE"));
        let etag = client.text(&["STATE.UPDATE", KEY, "0", r#"{"page":1}"#]);
        assert_eq!(
            client.err(&["STATE.DELETE", KEY, "2"]),
            format!("CONFLICT expected 2, current is {etag}")
        );
        assert_eq!(client.state(KEY).0, etag);
    });
}
