//! TURN: snapshots and steps back count turns, not commits (S36, S58).

use support::{Client, Cluster, Reply, Server, fingerprint, state_test};

use crate::baseline::{AUDIT, KEY, audit_values};

const COMMITS: u64 = 8;

/// The commits of one message of the user.
fn message(client: &mut Client, number: u64) {
    for commit in 1..=COMMITS {
        let json = format!(r#"{{"message":{number},"commit":{commit}}}"#);
        client.ok(&["STATE.UPDATE", KEY, "*", &json, "TURN", &format!("wamid.{number}")]);
    }
}

fn update(client: &mut Client, json: &str, options: &[&str]) -> String {
    client.text(&[&["STATE.UPDATE", KEY, "*", json], options].concat())
}

/// A field of each kept version, newest first.
#[track_caller]
fn history(client: &mut Client, field: &str) -> Vec<String> {
    let history = client.ok(&["STATE.HISTORY", KEY]);
    history.array().iter().map(|version| version.field(field).to_string()).collect()
}

#[track_caller]
fn versions(client: &mut Client) -> Vec<i64> {
    let history = client.ok(&["STATE.HISTORY", KEY]);
    history.array().iter().map(|version| version.field("version").int()).collect()
}

/// Thirty messages of eight commits each: the ten snapshots are the ends of ten messages, and
/// "back" leads from one to the other.
#[test]
fn steps_back_count_messages() {
    state_test(|_, client| {
        client.ok(&["CONFIG", "SET", "state.audit-maxlen", "1000"]);
        (1..=30).for_each(|number| message(client, number));
        let ends: Vec<i64> = (20..=30).rev().map(|number| number * COMMITS as i64).collect();
        assert_eq!(versions(client), ends);
        assert_eq!(history(client, "parent")[..2], ["232", "224"]);
        assert_eq!(client.ok(&["XLEN", AUDIT]).int(), 240, "each commit has its entry");
        for steps in 1..=10 {
            let copy = "channel:+263779999999";
            client.ok(&["COPY", KEY, copy, "REPLACE"]);
            client.ok(&["STATE.ROLLBACK", copy, "*", "STEPS", &steps.to_string()]);
            assert_eq!(client.state(copy).1, format!(r#"{{"message":{},"commit":8}}"#, 30 - steps));
        }
    });
}

/// A "back" is a message as well: with room for both, ten of them lead back through ten messages.
#[test]
fn repeated_back_leads_from_message_to_message() {
    state_test(|_, client| {
        client.ok(&["CONFIG", "SET", "state.snapshots", "20"]);
        (1..=30).for_each(|number| message(client, number));
        for back in 1..=10 {
            client.ok(&["STATE.ROLLBACK", KEY, "*", "TURN", &format!("wamid.back.{back}")]);
            assert_eq!(client.state(KEY).1, format!(r#"{{"message":{},"commit":8}}"#, 30 - back));
        }
    });
}

/// A rollback in the middle of a turn goes to the end of the turn before, with TURN and without;
/// LASTVALID does not stop inside a turn either.
#[test]
fn rollback_inside_a_turn_goes_to_the_end_of_the_turn_before() {
    state_test(|_, client| {
        (1..=2).for_each(|number| message(client, number));
        let copy = "channel:+263779999999";
        for options in [&[][..], &["TURN", "wamid.2"], &["TURN", "wamid.3"], &["LASTVALID"]] {
            client.ok(&["COPY", KEY, copy, "REPLACE"]);
            client.ok(&[&["STATE.ROLLBACK", copy, "*"], options].concat());
            assert_eq!(client.state(copy).1, r#"{"message":1,"commit":8}"#, "{options:?}");
        }
    });
    state_test(|_, client| {
        message(client, 1);
        let error = client.err(&["STATE.ROLLBACK", KEY, "*"]);
        assert_eq!(error, "NOVERSION there is no earlier version; kept: 8");
    });
}

#[test]
fn labelled_version_of_a_turn_stays() {
    state_test(|_, client| {
        let turn = ["TURN", "wamid.1"];
        update(client, r#"{"step":"menu"}"#, &[]);
        update(client, r#"{"step":"amount"}"#, &[&turn[..], &["LABEL", "amount"]].concat());
        update(client, r#"{"step":"handle"}"#, &turn);
        update(client, r#"{"step":"confirm"}"#, &turn);
        assert_eq!(versions(client), [4, 2, 1]);
        assert_eq!(history(client, "parent"), ["2", "1", "0"]);
        // A version that loses its label stays as a snapshot.
        update(client, r#"{"step":"done"}"#, &[&turn[..], &["LABEL", "amount"]].concat());
        assert_eq!(versions(client), [5, 2, 1]);
        client.ok(&["STATE.ROLLBACK", KEY, "*"]);
        assert_eq!(client.state(KEY).1, r#"{"step":"amount"}"#);
    });
}

/// A commit without TURN, or of another turn, ends a turn, also when its name comes again.
#[test]
fn only_commits_in_a_row_are_one_turn() {
    state_test(|_, client| {
        for (number, turn) in ["wamid.1", "wamid.2", "wamid.1", "", "", "wamid.1"].iter().enumerate() {
            let turn = ["TURN", turn];
            let options = if turn[1].is_empty() { &[][..] } else { &turn };
            update(client, &format!(r#"{{"page":{number}}}"#), options);
        }
        assert_eq!(versions(client), [6, 5, 4, 3, 2, 1]);
        // A command that makes no version does not begin a turn.
        update(client, r#"{"page":5}"#, &["TURN", "wamid.2", "EVENT", "shown"]);
        assert_eq!(client.ok(&["STATE.META", KEY]).field("turn").text(), "wamid.1");
        update(client, r#"{"page":6}"#, &["TURN", "wamid.1"]);
        assert_eq!(versions(client), [7, 5, 4, 3, 2, 1]);
    });
}

/// META, HISTORY, DIFF and each audit entry show turns.
#[test]
fn turns_are_shown() {
    state_test(|_, client| {
        update(client, r#"{"step":"menu"}"#, &[]);
        update(client, r#"{"step":"amount"}"#, &["TURN", "wamid.1"]);
        client.ok(&["STATE.ATTEMPT", KEY, "amount", "FAILURE", "TURN", "wamid.1"]);
        let patch = r#"[{"op":"remove","path":"/nothing"}]"#;
        client.err(&["STATE.UPDATE", KEY, "*", patch, "PATCH", "TURN", "wamid.1"]);
        assert_eq!(client.ok(&["STATE.META", KEY]).field("turn").text(), "wamid.1");
        assert_eq!(history(client, "turn"), ["wamid.1", "(nil)"]);
        let diff = client.ok(&["STATE.DIFF", KEY, "1", "2", "WITHTURNS"]);
        let [patch, from, to] = diff.array() else { panic!("three parts: {diff}") };
        assert_eq!(patch, &client.ok(&["STATE.DIFF", KEY, "1", "2"]));
        assert_eq!((from, to.text()), (&Reply::Nil, "wamid.1"));
        assert_eq!(audit_values(client, AUDIT, "turn"), ["-", "wamid.1", "wamid.1", "wamid.1"]);
        for line in [
            &["STATE.ROLLBACK", KEY, "*", "TURN", "wamid.2"][..],
            &["STATE.RESET", KEY, "*", "TURN", "wamid.2"],
            &["STATE.RECOVER", KEY, "TURN", "wamid.2"],
            &["STATE.TOUCH", KEY, "TURN", "wamid.2"],
            &["STATE.DELETE", KEY, "*", "TURN", "wamid.2"],
        ] {
            client.ok(line);
        }
        assert_eq!(audit_values(client, AUDIT, "turn").last().map(String::as_str), Some("wamid.2"));
    });
}

/// REBASE needs the version that the change was made for; the turn has replaced it.
#[test]
fn rebase_from_a_replaced_version_is_a_conflict() {
    state_test(|_, client| {
        update(client, r#"{"amount":5}"#, &["TURN", "wamid.1"]);
        let replaced = update(client, r#"{"handle":"tariro"}"#, &["TURN", "wamid.2"]);
        let end = update(client, r#"{"step":"confirm"}"#, &["TURN", "wamid.2"]);
        update(client, r#"{"page":1}"#, &[]);
        let rebase = |client: &mut Client, expected: &str| {
            client.call(&["STATE.UPDATE", KEY, expected, r#"{"note":"hi"}"#, "REBASE"])
        };
        let Reply::Error(error) = rebase(client, &replaced) else { panic!("{replaced} was replaced") };
        assert!(error.starts_with(&format!("CONFLICT expected {replaced}")), "{error}");
        assert!(matches!(rebase(client, &end), Reply::Bulk(_)));
    });
}

/// A lapse between two commits of a turn is a version of its own.
#[test]
fn lapse_belongs_to_no_turn() {
    state_test(|_, client| {
        let schema = r#"{"x-ttl":600,"properties":{"form":{"x-ttl":0.03}}}"#;
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.form", schema]);
        let first = r#"{"form":{"amount":5},"step":"menu"}"#;
        update(client, first, &["SCHEMA", "vimbiso.form", "TURN", "wamid.1"]);
        client.ok(&["DEBUG", "SLEEP", "0.05"]);
        update(client, r#"{"step":"amount"}"#, &["TURN", "wamid.1"]);
        update(client, r#"{"step":"handle"}"#, &["TURN", "wamid.1"]);
        assert_eq!(history(client, "event"), ["update", "lapse", "create"]);
        assert_eq!(history(client, "turn"), ["wamid.1", "(nil)", "wamid.1"]);
    });
}

/// A replica, a copy, a dump and a migrated slot have the same versions.
#[test]
fn replica_has_the_same_turns() {
    let (primary, replica) = (Server::start(), Server::start());
    replica.follow(&primary);
    let mut client = primary.client();
    (1..=3).for_each(|number| message(&mut client, number));
    update(&mut client, r#"{"commit":9}"#, &["TURN", "wamid.3", "LABEL", "offer"]);
    update(&mut client, r#"{"commit":10}"#, &["TURN", "wamid.3"]);
    replica.catch_up(&primary);
    assert_eq!(fingerprint(&mut replica.client()), fingerprint(&mut client));
    let Reply::Bulk(dump) = client.ok(&["DUMP", KEY]) else { panic!("a dump is bytes") };
    let shown = history(&mut client, "turn");
    client.ok(&["DEL", KEY]);
    let restore: [&[u8]; 4] = [b"RESTORE", KEY.as_bytes(), b"0", &dump];
    client.ok(&restore);
    assert_eq!(history(&mut client, "turn"), shown);
}

#[test]
fn migrated_slot_keeps_its_turns() {
    let cluster = Cluster::start();
    let key = cluster.keys("channel").remove(0);
    let from = cluster.owner(&key);
    let mut client = from.client();
    for (number, turn) in ["wamid.1", "wamid.2", "wamid.2"].iter().enumerate() {
        let json = format!(r#"{{"page":{number}}}"#);
        client.ok(&["STATE.UPDATE", &key, "*", &json, "TURN", turn]);
    }
    let before = client.ok(&["STATE.HISTORY", &key]);
    let to = cluster.primaries().iter().find(|other| other.port() != from.port()).expect("another primary");
    cluster.move_slot(&key, to, || {});
    let mut client = to.client();
    assert_eq!(client.ok(&["STATE.HISTORY", &key]), before);
    client.ok(&["STATE.UPDATE", &key, "*", r#"{"page":3}"#, "TURN", "wamid.2"]);
    assert_eq!(client.ok(&["STATE.HISTORY", &key]).array().len(), 2);
}
