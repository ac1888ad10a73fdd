//! The `state.audit-*` settings: whether the audit stream is written, its length, the size of its
//! patches, and after how many rejections it records no more of them.

use crate::baseline::{AUDIT, KEY, OFFER, audit_entries, audit_values, field};
use support::{Client, Server, state_test};

fn set(client: &mut Client, name: &str, value: &str) {
    client.ok(&["CONFIG", "SET", &format!("state.{name}"), value]);
}

#[test]
fn without_audit_no_stream_is_written() {
    let server = Server::builder().without_schemas().start();
    let mut client = server.client();
    set(&mut client, "audit", "no");
    client.ok(&["STATE.UPDATE", KEY, "0", OFFER, "EVENT", "begun"]);
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#]);
    client.ok(&["STATE.UPDATE", KEY, "2", "{}", "NOTE", "shown"]);
    client.err(&["STATE.UPDATE", KEY, "2", "[1]"]);
    client.ok(&["STATE.ROLLBACK", KEY, "2"]);
    assert_eq!(client.ok(&["DBSIZE"]).int(), 1);
    set(&mut client, "audit", "yes");
    client.ok(&["STATE.UPDATE", KEY, "3", r#"{"stage":"menu"}"#]);
    assert_eq!(audit_values(&mut client, AUDIT, "version"), ["4"]);
}

#[test]
fn audit_stream_is_trimmed_to_about_its_maximum_length() {
    state_test(|_, client| {
        set(client, "audit-maxlen", "200");
        client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
        for amount in 1..1000 {
            client.ok(&["STATE.UPDATE", KEY, "*", &format!(r#"{{"amount":{amount}}}"#)]);
        }
        let length = client.ok(&["XLEN", AUDIT]).int();
        assert!((200..=310).contains(&length), "about 200, in whole stream nodes: {length}");
        let versions = audit_values(client, AUDIT, "version");
        assert_eq!(versions.last().map(String::as_str), Some("1000"), "the newest stay");
    });
}

#[test]
fn audit_stream_has_its_own_expiry() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
    let ttl = |client: &mut Client| client.ok(&["PTTL", AUDIT]).int();
    assert!((86_390_000..=86_400_000).contains(&ttl(&mut client)), "a day after the last entry");
    set(&mut client, "audit-ttl", "3600");
    client.ok(&["STATE.UPDATE", KEY, "1", "{}", "EVENT", "shown"]);
    assert!((3_590_000..=3_600_000).contains(&ttl(&mut client)));
    client.ok(&["PEXPIRE", AUDIT, "5000"]);
    client.err(&["STATE.UPDATE", KEY, "*", "[1]"]);
    assert!(ttl(&mut client) > 3_590_000, "a rejection adds an entry too");
    client.ok(&["PEXPIRE", AUDIT, "5000"]);
    client.err(&["STATE.UPDATE", KEY, "7", "{}"]);
    client.ok(&["STATE.TOUCH", KEY]);
    assert!(ttl(&mut client) <= 5000, "a command without an audit entry does not move the expiry");
    client.ok(&["STATE.DELETE", KEY, "1"]);
    assert!(ttl(&mut client) > 3_590_000);
    assert_eq!(audit_values(&mut client, AUDIT, "event"), ["create", "note", "reject", "delete"]);
}

#[test]
fn long_patch_is_cut_and_marked() {
    state_test(|_, client| {
        set(client, "audit-patch-bytes", "60");
        client.ok(&["STATE.UPDATE", KEY, "0", "{}"]);
        // [{"op":"add","path":"/note","value":"…"}] is 40 bytes with 0 letters in it.
        for letters in [19_usize, 20, 21] {
            client.ok(&["STATE.UPDATE", KEY, "*", "{}", "REPLACE"]);
            client.ok(&["STATE.UPDATE", KEY, "*", &format!(r#"{{"note":"{}"}}"#, "x".repeat(letters))]);
            let entries = audit_entries(client, AUDIT);
            let entry = entries.last().expect("an entry");
            let whole = format!(r#"[{{"op":"add","path":"/note","value":"{}"}}]"#, "x".repeat(letters));
            assert_eq!(field(entry, "patch"), Some(&whole[..whole.len().min(60)]));
            let mark = (whole.len() > 60).then(|| whole.len().to_string());
            assert_eq!(field(entry, "patch_bytes"), mark.as_deref(), "{} bytes", whole.len());
        }
        // A UTF-8 character is not cut in two.
        client.ok(&["STATE.UPDATE", KEY, "*", &format!(r#"{{"note":"{}"}}"#, "é一😀".repeat(20)), "REPLACE"]);
        let entries = audit_entries(client, AUDIT);
        let patch = field(entries.last().expect("an entry"), "patch").expect("a patch");
        assert!((57..=60).contains(&patch.len()), "{patch}");
    });
}

#[test]
fn document_is_recorded_at_creation_and_every_64th_version() {
    state_test(|_, client| {
        let document =
            |n: usize| format!(r#"{{"n":{n:03},"note":"{}"}}"#, "x".repeat(10)).replace(":0", ":1");
        let length = document(1).len();
        client.ok(&["STATE.UPDATE", KEY, "0", &document(1)]);
        for n in 2..=130 {
            client.ok(&["STATE.UPDATE", KEY, "*", &document(n)]);
        }
        let entries = audit_entries(client, AUDIT);
        let carried = entries.iter().filter(|entry| field(entry, "document").is_some());
        let carried: Vec<&str> = carried.filter_map(|entry| field(entry, "version")).collect();
        assert_eq!(carried, ["1", "64", "128"]);
        assert_eq!(field(&entries[63], "document"), Some(document(64).as_str()));
        for (limit, expected) in
            [(length - 1, None), (length, Some(document(1))), (length + 1, Some(document(1)))]
        {
            set(client, "audit-document-bytes", &limit.to_string());
            let key = format!("channel:{limit}");
            client.ok(&["STATE.UPDATE", &key, "0", &document(1)]);
            let entries = audit_entries(client, &format!("{{{key}}}:audit"));
            assert_eq!(field(&entries[0], "document"), expected.as_deref(), "limit {limit}");
        }
    });
}

#[test]
fn rejections_beyond_the_limit_are_dropped_until_the_next_commit() {
    state_test(|_, client| {
        set(client, "audit-rejects", "3");
        client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
        let reject = |client: &mut Client, times: usize| {
            for _ in 0..times {
                client.err(&["STATE.UPDATE", KEY, "*", "[1]"]);
            }
        };
        reject(client, 3);
        assert_eq!(audit_values(client, AUDIT, "event"), ["create", "reject", "reject", "reject"]);
        reject(client, 20);
        let entries = audit_entries(client, AUDIT);
        assert_eq!(entries.len(), 5, "three rejections, and one marker that further ones are dropped");
        assert_eq!(field(&entries[4], "event"), Some("reject"));
        assert!(field(&entries[4], "error").is_some_and(|error| error.starts_with("suppressed: ")));
        assert_eq!(
            crate::baseline::number(client, "state", "state_rejections_invalid"),
            23,
            "INFO counts them all"
        );
        client.ok(&["STATE.UPDATE", KEY, "1", "{}", "NOTE", "no commit"]);
        reject(client, 2);
        assert_eq!(audit_entries(client, AUDIT).len(), 6, "a note does not resume recording of rejections");
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#]);
        reject(client, 5);
        let events = audit_values(client, AUDIT, "event");
        assert_eq!(events[5..], ["note", "update", "reject", "reject", "reject", "reject"]);
        set(client, "audit-rejects", "0");
        client.ok(&["STATE.UPDATE", KEY, "2", r#"{"stage":"offer"}"#]);
        reject(client, 2);
        let errors = audit_values(client, AUDIT, "error");
        assert!(errors.last().is_some_and(|error| error.starts_with("suppressed: ")), "{errors:?}");
    });
}

#[test]
fn conflicts_are_recorded_only_when_configured() {
    state_test(|_, client| {
        client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
        client.err(&["STATE.UPDATE", KEY, "7", "{}", "ACTOR", "webhook"]);
        assert_eq!(audit_entries(client, AUDIT).len(), 1);
        set(client, "audit-conflicts", "yes");
        let error = client.err(&["STATE.UPDATE", KEY, "7", "{}", "ACTOR", "webhook"]);
        let entries = audit_entries(client, AUDIT);
        let last = entries.last().expect("an entry");
        assert_eq!((field(last, "event"), field(last, "actor")), (Some("reject"), Some("webhook")));
        assert_eq!(field(last, "error"), Some(error.as_str()));
        assert_eq!(field(last, "version"), Some("1"));
        client.err(&["STATE.ROLLBACK", KEY, "7"]);
        client.err(&["STATE.DELETE", KEY, "7"]);
        assert_eq!(audit_values(client, AUDIT, "event"), ["create", "reject", "reject", "reject"]);
        client.err(&["STATE.UPDATE", "channel:none", "7", "{}"]);
        assert_eq!(
            client.ok(&["EXISTS", "{channel:none}:audit"]).int(),
            0,
            "without a state there is no audit entry"
        );
    });
}
