//! Snapshots: STATE.HISTORY, labels, STATE.DIFF, and earlier versions by STATE.GET.

use support::{Client, Reply, state_test, words};

use crate::baseline::KEY;

fn pages(client: &mut Client, from: u64, to: u64) {
    for page in from..=to {
        let json = format!(r#"{{"page":{page}}}"#);
        client.ok(&["STATE.UPDATE", KEY, &(page - 1).to_string(), &json, "ACTOR", "ledger"]);
    }
}

fn versions(client: &mut Client) -> Vec<i64> {
    let history = client.ok(&["STATE.HISTORY", KEY]);
    history.array().iter().map(|version| version.field("version").int()).collect()
}

/// The newest ten earlier versions are kept, and each can be read.
#[test]
fn newest_versions_are_kept() {
    state_test(|_, client| {
        pages(client, 1, 13);
        assert_eq!(versions(client), [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
        let old = client.ok(&["STATE.GET", KEY, "VERSION", "3"]);
        assert_eq!(Client::version(old.array()[0].text()), 3);
        assert_eq!(old.array()[1].text(), r#"{"page":3}"#);
        assert_eq!(client.ok(&["STATE.GET", KEY, "version", "4", "/page"]).array()[1].text(), "4");
        assert_eq!(client.err(&["STATE.GET", KEY, "VERSION", "2"]), "NOVERSION kept: 3..13");
        assert_eq!(client.ok(&["STATE.HISTORY", KEY, "COUNT", "2"]).array().len(), 2);
        assert_eq!(client.ok(&["STATE.META", KEY]).field("snapshots").int(), 10);
    });
}

/// Each version has its time, event, actor and size.
#[test]
fn history_describes_each_version() {
    state_test(|_, client| {
        pages(client, 1, 2);
        client.ok(&["STATE.ROLLBACK", KEY, "2", "ACTOR", "back_button"]);
        let history = client.ok(&["STATE.HISTORY", KEY]);
        let [present, second, first] = history.array() else { panic!("three versions: {history}") };
        assert_eq!(
            present.field_names(),
            ["version", "parent", "at", "event", "actor", "turn", "label", "bytes"]
        );
        assert_eq!((present.field("version").int(), present.field("parent").int()), (3, 0));
        assert_eq!(
            [present.field("event").text(), present.field("actor").text()],
            ["rollback", "back_button"]
        );
        assert_eq!([second.field("event").text(), second.field("actor").text()], ["update", "ledger"]);
        assert_eq!((first.field("event").text(), first.field("bytes").int()), ("create", 10));
        assert!(first.field("label").is_nil());
        let at = first.field("at").text();
        assert!(at.len() == 24 && at.ends_with('Z') && at.as_bytes()[10] == b'T', "{at} is ISO 8601");
    });
}

/// A labelled version is kept beside the newest ten; reusing a label moves it.
#[test]
fn labelled_versions_are_kept() {
    state_test(|_, client| {
        pages(client, 1, 1);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"page":2}"#, "LABEL", "dashboard"]);
        pages(client, 3, 14);
        assert_eq!(versions(client), [14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 2]);
        assert_eq!(client.err(&["STATE.GET", KEY, "VERSION", "3"]), "NOVERSION kept: 2, 4..14");
        // On the present version, without a new one: the label moves, and version 2 is trimmed.
        client.ok(&["STATE.UPDATE", KEY, "14", "{}", "LABEL", "dashboard"]);
        assert_eq!(versions(client), [14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4]);
        let history = client.ok(&["STATE.HISTORY", KEY, "COUNT", "1"]);
        assert_eq!(history.array()[0].field("label").text(), "dashboard");
    });
}

/// One label more than `state.labels` drops the one that was set longest ago.
#[test]
fn labels_are_limited() {
    state_test(|_, client| {
        for version in 0..9_u64 {
            let json = format!(r#"{{"page":{version}}}"#);
            client.ok(&["STATE.UPDATE", KEY, &version.to_string(), &json, "LABEL", &format!("l{version}")]);
        }
        assert!(client.err(&["STATE.ROLLBACK", KEY, "*", "LABEL", "l0"]).starts_with("NOVERSION label l0"));
        assert_eq!(client.text(&["STATE.ROLLBACK", KEY, "9", "LABEL", "l1"]).split('-').next(), Some("10"));
        assert_eq!(client.state(KEY).1, r#"{"page":1}"#);
    });
}

/// `state.snapshots 0` keeps labelled versions only.
#[test]
fn without_snapshots_only_labels_are_kept() {
    state_test(|_, client| {
        client.ok(&["CONFIG", "SET", "state.snapshots", "0"]);
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"page":1}"#, "LABEL", "start"]);
        pages(client, 2, 5);
        assert_eq!(versions(client), [5, 1]);
        assert_eq!(client.err(&["STATE.ROLLBACK", KEY, "5"]), "NOVERSION kept: 1, 5");
        client.ok(&["STATE.ROLLBACK", KEY, "5", "LABEL", "start"]);
        assert_eq!(client.state(KEY).1, r#"{"page":1}"#);
    });
}

/// The patch between two versions turns one into the other.
#[test]
fn diff_is_a_json_patch() {
    state_test(|_, client| {
        client.ok(&[
            "STATE.UPDATE",
            KEY,
            "0",
            r#"{"accounts":[{"id":1},{"id":2}],"auth":{"token":null}}"#,
            "REPLACE",
        ]);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"accounts":[{"id":2}],"auth":{"token":1.0}}"#]);
        let there = client.text(&["STATE.DIFF", KEY, "1", "2"]);
        assert_eq!(
            there,
            r#"[{"op":"remove","path":"/accounts/0"},{"op":"replace","path":"/auth/token","value":1.0}]"#
        );
        let back = client.text(&["STATE.DIFF", KEY, "2", "1"]);
        client.ok(&["STATE.UPDATE", KEY, "2", &back, "PATCH"]);
        assert_eq!(client.state(KEY).1, r#"{"accounts":[{"id":1},{"id":2}],"auth":{"token":null}}"#);
        assert_eq!(client.text(&["STATE.DIFF", KEY, "1", "3"]), "[]");
        assert_eq!(client.err(&["STATE.DIFF", KEY, "1", "9"]), "NOVERSION kept: 1..3");
    });
}

/// Reads of a missing state return nil.
#[test]
fn reads_of_a_missing_state_return_nil() {
    state_test(|_, client| {
        for line in [
            "STATE.GET k",
            "STATE.GET k /a",
            "STATE.GET k VERSION 1",
            "STATE.HISTORY k",
            "STATE.META k",
            "STATE.DIFF k 1 2",
        ] {
            assert_eq!(
                client.ok(&words(&line.replace(" k", " channel:+263770000000"))),
                Reply::Nil,
                "{line}"
            );
        }
    });
}

/// S30: STATE.META returns everything about a state besides its document.
#[test]
fn meta_describes_a_state() {
    state_test(|_, client| {
        let etag = crate::create::first_contact(client);
        let meta = client.ok(&["STATE.META", KEY]);
        let names = "etag version turn schema revision initialized_at updated_at ttl bytes snapshots deadlines attempts audit valid";
        assert_eq!(meta.field_names().join(" "), names);
        assert_eq!(meta.field("etag").text(), etag);
        assert_eq!((meta.field("version").int(), meta.field("revision").int()), (1, 1));
        assert_eq!(meta.field("schema").text(), "vimbiso.small");
        assert_eq!(meta.field("initialized_at"), meta.field("updated_at"));
        assert_eq!(meta.field("bytes").int(), crate::create::GREETING.len() as i64);
        assert_eq!(meta.field("audit").text(), crate::baseline::AUDIT);
        assert_eq!((meta.field("valid").int(), meta.field("snapshots").int()), (1, 0));
        assert!((1_780_000..=1_800_000).contains(&meta.field("ttl").int()));
        // S24: the server sets the times.
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"dashboard":{}}"#]);
        let later = client.ok(&["STATE.META", KEY]);
        assert_eq!(later.field("initialized_at"), meta.field("initialized_at"));
        assert!(later.field("updated_at").text() >= meta.field("updated_at").text());
    });
}
