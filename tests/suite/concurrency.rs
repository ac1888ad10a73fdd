//! Concurrent writers (S32, S33): one client wins each version, no update is lost, and the audit
//! stream has one entry for each version. A rejected command does not disturb clients that watch
//! the key (S36).

use std::collections::BTreeSet;
use std::thread;

use crate::baseline::{AUDIT, KEY, OFFER, audit_entries, field, number};
use support::{Client, Reply, Server, fingerprint, state_test};

const CLIENTS: usize = 16;
const UPDATES_EACH: usize = 40;

/// One client's loop: read, change, write with the etag that it read, again after each conflict.
/// Returns the version of each of its updates, and its number of conflicts.
fn take_part(port: u16, number: usize) -> (Vec<u64>, usize) {
    let mut client = Client::connect(port).expect("the server accepts");
    let (mut versions, mut lost) = (Vec::new(), 0);
    for turn in 0..UPDATES_EACH {
        loop {
            let (etag, document) = client.state(KEY);
            let mut document: serde_json::Value = serde_json::from_str(&document).expect("JSON");
            // Read and changed by the client, as the bot does: a lost update would lose what others
            // added.
            document["done"].as_array_mut().expect("a list").push(format!("{number}/{turn}").into());
            let note = format!("{number}/{turn}");
            let text = document.to_string();
            match client.call(&["STATE.UPDATE", KEY, &etag, &text, "REPLACE", "NOTE", &note]) {
                Reply::Error(line) => {
                    assert!(line.starts_with(&format!("CONFLICT expected {etag}, current is ")), "{line}");
                    lost += 1;
                }
                reply => {
                    let version = Client::version(reply.text());
                    assert_eq!(
                        version,
                        Client::version(&etag) + 1,
                        "the version after the one that was read"
                    );
                    versions.push(version);
                    break;
                }
            }
        }
    }
    (versions, lost)
}

#[test]
fn sixteen_clients_on_one_key_lose_no_update() {
    state_test(|server, client| {
        client.ok(&["CONFIG", "SET", "state.audit-maxlen", "100000"]);
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"done":[]}"#]);
        let port = server.port();
        let clients: Vec<_> =
            (0..CLIENTS).map(|number| thread::spawn(move || take_part(port, number))).collect();
        let parts: Vec<_> =
            clients.into_iter().map(|part| part.join().expect("a client without a failure")).collect();

        let total = CLIENTS * UPDATES_EACH;
        let versions: BTreeSet<u64> =
            parts.iter().flat_map(|(versions, _)| versions.iter().copied()).collect();
        let all: BTreeSet<u64> = (2..=total as u64 + 1).collect();
        assert_eq!(versions, all, "each successful update has a version of its own");

        let (etag, document) = client.state(KEY);
        assert_eq!(Client::version(&etag), total as u64 + 1);
        let document: serde_json::Value = serde_json::from_str(&document).expect("JSON");
        let done = document["done"].as_array().expect("a list");
        let turns: BTreeSet<&str> = done.iter().filter_map(|turn| turn.as_str()).collect();
        assert_eq!((done.len(), turns.len()), (total, total), "the document holds every update once");
        for number in 0..CLIENTS {
            let own = done.iter().filter_map(|turn| turn.as_str()?.strip_prefix(&format!("{number}/")));
            let own: Vec<usize> = own.map(|turn| turn.parse().expect("a number")).collect();
            assert!(own.is_sorted(), "the updates of client {number} are in its order");
        }

        // The audit stream agrees: entry n is version n, by the client that got that version.
        let entries = audit_entries(client, AUDIT);
        assert_eq!(entries.len(), total + 1);
        for (index, entry) in entries.iter().enumerate() {
            assert_eq!(field(entry, "version"), Some((index + 1).to_string().as_str()));
            assert_eq!(field(entry, "event"), Some(if index == 0 { "create" } else { "update" }));
            if index > 0 {
                assert_eq!(field(entry, "parent"), Some(index.to_string().as_str()));
                assert_eq!(field(entry, "note"), done[index - 1].as_str());
            }
        }
        let lost: usize = parts.iter().map(|(_, lost)| lost).sum();
        assert!(lost > 0, "no conflict occurred: this test has shown nothing");
        assert_eq!(number(client, "state", "state_conflicts"), lost as i64);
        assert_eq!(number(client, "state", "state_updates"), total as i64);
    });
}

#[test]
fn one_of_sixteen_concurrent_creations_wins() {
    let server = Server::start();
    let port = server.port();
    for round in 0..10 {
        let key = format!("channel:{round}");
        let create = |number: usize| {
            let key = key.clone();
            thread::spawn(move || {
                let mut client = Client::connect(port).expect("the server accepts");
                matches!(
                    client.call(&["STATE.UPDATE", &key, "0", &format!(r#"{{"by":{number}}}"#)]),
                    Reply::Bulk(_)
                )
            })
        };
        let clients: Vec<_> = (0..CLIENTS).map(create).collect();
        let created: Vec<bool> =
            clients.into_iter().map(|client| client.join().expect("no failure")).collect();
        let won: Vec<usize> = (0..CLIENTS).filter(|number| created[*number]).collect();
        let (etag, document) = server.client().state(&key);
        assert_eq!(won.len(), 1, "round {round}");
        assert_eq!(document, format!(r#"{{"by":{}}}"#, won[0]));
        assert_eq!(Client::version(&etag), 1);
    }
}

#[test]
fn sixteen_clients_without_an_etag_lose_no_update() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"done":[]}"#]);
    let port = server.port();
    let add = |number: usize| {
        thread::spawn(move || {
            let mut client = Client::connect(port).expect("the server accepts");
            for turn in 0..UPDATES_EACH {
                // The server applies the change, so no update can be lost between a read and a
                // write.
                let patch = format!(r#"[{{"op":"add","path":"/done/-","value":"{number}/{turn}"}}]"#);
                client.ok(&["STATE.UPDATE", KEY, "*", &patch, "PATCH"]);
            }
        })
    };
    let clients: Vec<_> = (0..CLIENTS).map(add).collect();
    clients.into_iter().for_each(|client| client.join().expect("a client without a failure"));
    let (etag, document) = client.state(KEY);
    let document: serde_json::Value = serde_json::from_str(&document).expect("JSON");
    assert_eq!(document["done"].as_array().map(Vec::len), Some(CLIENTS * UPDATES_EACH));
    assert_eq!(Client::version(&etag), (CLIENTS * UPDATES_EACH) as u64 + 1);
}

/// Whether a transaction that watches `key` succeeds although another client sends `command`.
fn transaction_succeeds(server: &Server, key: &str, command: &[&str]) -> bool {
    let (mut watching, mut other) = (server.client(), server.client());
    watching.ok(&["WATCH", key]);
    let _either_way = other.call(command);
    watching.ok(&["MULTI"]);
    watching.ok(&["ECHO", "still here"]);
    !watching.ok(&["EXEC"]).is_nil()
}

#[test]
fn rejection_does_not_break_watch() {
    state_test(|server, client| {
        let schema = r#"{"properties":{"amount":{"type":"number"}}}"#;
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.offer", schema]);
        client.ok(&["STATE.UPDATE", KEY, "0", OFFER, "SCHEMA", "vimbiso.offer"]);
        let before = fingerprint(client);
        let (etag, _) = client.state(KEY);
        let failing: [&[&str]; 13] = [
            &["STATE.UPDATE", KEY, "7", "{}"],
            &["STATE.UPDATE", KEY, "0", "{}"],
            &["STATE.UPDATE", KEY, &etag, r#"{"amount":"ten"}"#],
            &["STATE.UPDATE", KEY, "*", r#"[{"op":"remove","path":"/none"}]"#, "PATCH"],
            &["STATE.UPDATE", KEY, "*", "{"],
            &["STATE.UPDATE", KEY, "*", "{}", "SCHEMA", "none"],
            &["STATE.UPDATE", KEY, "*", "{}", "EX", "0"],
            &["STATE.UPDATE", KEY, "*", "{}", "AUDIT", "admin:1"],
            &["STATE.ROLLBACK", KEY, "7"],
            &["STATE.ROLLBACK", KEY, "*", "TO", "7"],
            &["STATE.DELETE", KEY, "7"],
            &["STATE.UPDATE", KEY, "*", r#"{"stage":"dry"}"#, "DRYRUN"],
            &["STATE.GET", KEY],
        ];
        for command in failing {
            assert!(transaction_succeeds(server, KEY, command), "{command:?} has touched the key");
        }
        let state = format!("0 {KEY}");
        assert_eq!(fingerprint(client).get(&state), before.get(&state));
        for command in [["STATE.META", KEY], ["STATE.HISTORY", KEY]] {
            assert!(transaction_succeeds(server, KEY, &command), "{command:?} is a read");
            assert!(transaction_succeeds(server, AUDIT, &command), "{command:?} is a read");
        }
        assert!(
            transaction_succeeds(server, AUDIT, &["STATE.UPDATE", KEY, "7", "{}"]),
            "a conflict adds no audit entry"
        );
        let rejected = ["STATE.UPDATE", KEY, "*", r#"{"amount":"ten"}"#];
        assert!(!transaction_succeeds(server, AUDIT, &rejected), "a rejection adds an audit entry");
        assert!(transaction_succeeds(server, "channel:none", &["STATE.UPDATE", "channel:none", "7", "{}"]));
        assert!(transaction_succeeds(server, "channel:none", &["STATE.TOUCH", "channel:none"]));
    });
}

#[test]
fn commit_breaks_watch_of_the_key_and_its_audit_stream() {
    let server = Server::start();
    let commits: [&[&str]; 6] = [
        &["STATE.UPDATE", KEY, "0", OFFER],
        &["STATE.UPDATE", KEY, "*", r#"{"stage":"menu"}"#],
        &["STATE.UPDATE", KEY, "*", "{}", "LABEL", "menu"],
        &["STATE.ROLLBACK", KEY, "*"],
        &["STATE.DELETE", KEY, "*"],
        &["STATE.UPDATE", KEY, "*", "{}"],
    ];
    for command in commits {
        assert!(!transaction_succeeds(&server, KEY, command), "{command:?} changes the state");
    }
    for command in [
        &["STATE.UPDATE", KEY, "*", r#"{"stage":"menu"}"#],
        &["STATE.UPDATE", KEY, "*", r#"{"stage":"offer"}"#],
    ] {
        assert!(!transaction_succeeds(&server, AUDIT, command), "{command:?} writes to the audit stream");
    }
}

#[test]
fn etag_and_watch_agree_on_the_winner() {
    let server = Server::start();
    let (mut watching, mut other) = (server.client(), server.client());
    watching.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
    watching.ok(&["WATCH", KEY]);
    let (etag, _) = watching.state(KEY);
    other.ok(&["STATE.UPDATE", KEY, &etag, r#"{"stage":"other"}"#]);
    watching.ok(&["MULTI"]);
    watching.ok(&["STATE.UPDATE", KEY, &etag, r#"{"stage":"mine"}"#]);
    assert!(watching.ok(&["EXEC"]).is_nil());
    assert!(watching.err(&["STATE.UPDATE", KEY, &etag, r#"{"stage":"mine"}"#]).starts_with("CONFLICT "));
    assert!(other.state(KEY).1.contains(r#""stage":"other""#));
}
