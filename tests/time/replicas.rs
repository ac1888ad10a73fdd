//! A primary and its replica return the same at the same instant, whatever lapses meanwhile, and
//! end equal (S7, S13).

use std::cell::Cell;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use support::{Client, Server, fingerprint, wait_until};

use crate::lapse_resets::ORDER;
use crate::{AUDIT, FORMS, KEY, PAUSE, at_once, counter, creation, fields_of, lapsed};

const KEYS: [&str; 3] = [KEY, "channel:+263772345678", "user:{+263773456789}:state"];

/// A command, or a moment at which both servers are compared.
#[derive(Clone, Debug)]
enum Move {
    Write(Vec<&'static str>),
    Compare,
    Sleep(u64),
}

/// Changes under [`FORMS`].
const FORM_CHANGES: [&str; 7] = [
    r#"{"form":{"amount":5}}"#,
    r#"{"form":{"amount":5,"draft":1}}"#,
    r#"{"form":null}"#,
    r#"{"current":{"path":"offer"}}"#,
    r#"{"auth":{"token":"eyJ"}}"#,
    r#"{"note":1}"#,
    r#"{"note":2}"#,
];

/// Changes under [`ORDER`], whose lapses reset the conversation.
const ORDER_CHANGES: [&str; 6] = [
    r#"{"step":"pay","address":"12 Samora Machel Ave"}"#,
    r#"{"step":"pay","address":"12 Samora Machel Ave","card":{"number":"4111"}}"#,
    r#"{"step":"done"}"#,
    r#"{"step":"menu"}"#,
    r#"{"customer":{"tier":2},"token":"tok_a4c1"}"#,
    r#"{"note":1}"#,
];

fn moves(changes: &'static [&'static str]) -> impl Strategy<Value = Vec<Move>> {
    let change = select(changes);
    let command = prop_oneof![
        8 => change.prop_map(|json| vec!["STATE.SETPROTECTED", "KEY", "*", json, "SCHEMA", "vimbiso.forms"]),
        2 => Just(vec!["STATE.ROLLBACK", "KEY", "*"]),
        1 => Just(vec!["STATE.TOUCH", "KEY"]),
        1 => Just(vec!["STATE.RESET", "KEY", "*"]),
        1 => Just(vec!["STATE.ATTEMPT", "KEY", "login", "FAILURE"]),
        1 => Just(vec!["STATE.DELETE", "KEY", "*"]),
    ];
    let write = (select(&KEYS[..]), command).prop_map(|(key, mut line)| {
        line[1] = key;
        Move::Write(line)
    });
    let one = prop_oneof![6 => write, 4 => Just(Move::Compare), 3 => (1_u64..60).prop_map(Move::Sleep)];
    prop::collection::vec(one, 40)
}

/// The documents of all keys, with the server's time before and after reading them.
fn shown(client: &mut Client) -> (i64, Vec<String>, i64) {
    let time = |client: &mut Client| {
        let time = client.ok(&["TIME"]);
        let part = |at: usize| time.array()[at].text().parse::<i64>().expect("a number");
        part(0) * 1000 + part(1) / 1000
    };
    let begun = time(client);
    let mut seen = Vec::new();
    for key in KEYS {
        seen.push(client.ok(&["STATE.GET", key]).to_string());
        seen.push(client.ok(&["STATE.HISTORY", key]).to_string());
        let meta = client.ok(&["STATE.META", key]);
        seen.push(if meta.is_nil() { String::new() } else { meta.field("deadlines").to_string() });
    }
    (begun, seen, time(client))
}

/// Deadlines fall during random updates, rollbacks, touches and deletions; both servers are read
/// within one millisecond.
#[test]
fn primary_and_replica_return_the_same_at_the_same_instant() {
    compare(FORMS, &FORM_CHANGES);
}

/// The same where lapses reset the conversation. Secrets and forms lapse at different times.
#[test]
fn primary_and_replica_reset_the_same_at_the_same_instant() {
    let schema = ORDER.replace("1800", "0.12").replace(r#"["menu"], "allow""#, r#"["menu", "pay"], "allow""#);
    let resets = compare(&schema, &ORDER_CHANGES);
    assert!(resets > 10, "{resets} resets");
}

/// The number of lapses that reset a conversation.
fn compare(schema: &str, changes: &'static [&'static str]) -> usize {
    let (primary, replica) = (Server::start(), Server::start());
    replica.follow(&primary);
    let mut runner = TestRunner::new(Config {
        cases: 24,
        failure_persistence: None,
        max_shrink_iters: 0,
        ..Config::default()
    });
    let (compared, resets) = (Cell::new(0), Cell::new(0));
    runner
        .run(&moves(changes), |moves| {
            let (mut client, mut reader) = (primary.client(), replica.client());
            client.ok(&["FLUSHALL"]);
            client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", schema]);
            for step in moves {
                match step {
                    Move::Write(line) => drop(client.call(&line)),
                    Move::Sleep(ms) => std::thread::sleep(std::time::Duration::from_millis(ms)),
                    Move::Compare => {
                        replica.catch_up(&primary);
                        let (one, other) = (shown(&mut client), shown(&mut reader));
                        // A deadline may fall between the two reads: only reads within one
                        // millisecond are comparable.
                        if one.0 == other.2 {
                            prop_assert_eq!(&one.1, &other.1);
                            compared.set(compared.get() + 1);
                        }
                    }
                }
            }
            wait_until("everything has lapsed", || counter(&mut client, "states_with_deadlines") == 0);
            replica.catch_up(&primary);
            prop_assert_eq!(fingerprint(&mut client), fingerprint(&mut reader));
            let rungs = fields_of(&mut client, AUDIT, "rung");
            resets.set(resets.get() + rungs.iter().filter(|rung| *rung == "reset").count());
            Ok(())
        })
        .expect("equal");
    let lapsed = counter(&mut primary.client(), "lapses");
    assert!(compared.get() > 0 && lapsed > 50, "{} comparisons, {lapsed} lapses", compared.get());
    resets.get()
}

/// A replica shows a lapse without committing it; once promoted, it commits what is due.
#[test]
fn replica_shows_lapses_and_commits_them_when_promoted() {
    let (mut primary, replica) = (Server::start(), Server::start());
    replica.follow(&primary);
    let mut client = primary.client();
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", FORMS]);
    at_once(&mut client, &[&creation(r#"{"form":{"amount":12.50},"note":"kept"}"#), &PAUSE]);
    replica.catch_up(&primary);
    primary.kill();
    let mut reader = replica.client();
    wait_until("the replica shows the lapse", || !reader.state(KEY).1.contains("form"));
    let shown = reader.state(KEY);
    assert_eq!(crate::audit_values(&mut reader, "event"), ["create"], "a replica commits nothing");
    reader.ok(&["REPLICAOF", "NO", "ONE"]);
    lapsed(&mut reader, 1);
    assert_eq!(reader.state(KEY), shown);
}

/// FAILOVER while deadlines fall: neither server stops, and the new primary commits what is due.
#[test]
fn failover_while_deadlines_fall_loses_no_lapse() {
    let (primary, replica) = (Server::start(), Server::start());
    replica.follow(&primary);
    let (mut client, mut reader) = (primary.client(), replica.client());
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", FORMS]);
    replica.catch_up(&primary);
    client.ok(&creation(r#"{"form":{"amount":12.50},"note":"kept"}"#));
    client.ok(&["FAILOVER"]);
    wait_until("the replica is the primary", || reader.ok(&["ROLE"]).array()[0].text() == "master");
    lapsed(&mut reader, 1);
    assert_eq!(reader.state(KEY).1, r#"{"current":{"path":"menu"},"note":"kept"}"#);
    primary.catch_up(&replica);
    assert_eq!(fingerprint(&mut primary.client()), fingerprint(&mut reader));
    for server in [&primary, &replica] {
        assert!(!server.log().contains("ASSERTION"), "{}", server.log());
    }
}
