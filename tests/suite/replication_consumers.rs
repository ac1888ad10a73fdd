//! A server without AOF, replica and backlog replicates no effects, and each consumer that appears
//! misses nothing: a first replica during its full resynchronization, a returning one, the replicas
//! of a promoted one, and an AOF that is switched on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::baseline::{KEY, OFFER};
use crate::replication::{quiet, same};
use support::{Client, Server, fingerprint, wait_until};

/// Enough sessions for the full resynchronization to take a while.
const SESSIONS: usize = 100;
/// The delay of the child process at each key, in microseconds.
const KEY_DELAY: &str = "2000";

fn channel(number: usize) -> String {
    format!("channel:+26377123{number:04}")
}

fn type_amount(client: &mut Client, channel: &str, amount: usize) {
    client.ok(&["STATE.UPDATE", channel, "*", &format!(r#"{{"amount":"{amount}.50"}}"#)]);
}

/// Writes to every session, over and over, until `done`; returns whether that took more than one
/// turn.
fn write_until(client: &mut Client, mut done: impl FnMut() -> bool) -> bool {
    for turn in 0..1_000 {
        (0..SESSIONS).for_each(|number| type_amount(client, &channel(number), turn));
        if done() {
            return turn > 0;
        }
    }
    panic!("it takes too long");
}

#[test]
fn first_replica_gets_writes_during_its_full_sync() {
    for diskless in ["yes", "no"] {
        let primary = quiet()
            .arg("--repl-diskless-sync")
            .arg(diskless)
            .arg("--repl-diskless-sync-delay")
            .arg("0")
            .start();
        let replica = quiet().start();
        let mut client = primary.client();
        client.ok(&["CONFIG", "SET", "rdb-key-save-delay", KEY_DELAY]);
        (0..SESSIONS).for_each(|number| {
            client.ok(&["STATE.UPDATE", &channel(number), "0", OFFER]);
        });
        let is_linked = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                replica.follow(&primary);
                is_linked.store(true, Ordering::Relaxed);
            });
            assert!(write_until(&mut client, || is_linked.load(Ordering::Relaxed)), "written meanwhile");
        });
        same(&primary, &replica);
    }
}

/// Numbers of full and of accepted partial resynchronizations.
fn syncs(primary: &Server) -> [String; 2] {
    let mut client = primary.client();
    ["sync_full", "sync_partial_ok"].map(|name| client.info("stats", name))
}

#[test]
fn returning_replica_gets_what_it_missed() {
    let (primary, replica) = (quiet().arg("--repl-backlog-size").arg("64mb").start(), quiet().start());
    let mut client = primary.client();
    client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
    replica.follow(&primary);
    replica.freeze();
    client.ok(&["CLIENT", "KILL", "TYPE", "REPLICA"]);
    wait_until("the replica is disconnected", || client.info("replication", "connected_slaves") == "0");
    // Longer than the backlog from the time of the first replica covers.
    let begun = std::time::Instant::now();
    let mut amount = 0;
    while begun.elapsed().as_millis() < 1_500 {
        amount += 1;
        type_amount(&mut client, KEY, amount);
    }
    replica.thaw();
    wait_until("the replica is back", || client.info("replication", "connected_slaves") == "1");
    same(&primary, &replica);
    assert_eq!(syncs(&primary), ["1", "1"]);
}

#[test]
fn restarted_primary_keeps_its_backlog() {
    let (mut primary, replica) = (quiet().start(), quiet().start());
    primary.client().ok(&["STATE.UPDATE", KEY, "0", OFFER]);
    replica.follow(&primary);
    assert_eq!(primary.client().ok(&["WAIT", "1", "30000"]).int(), 1);
    // The request for that acknowledgement is part of the stream.
    replica.catch_up(&primary);
    replica.freeze();
    // The child of the resynchronization may still be running.
    wait_until("no save is running", || {
        primary.client().info("persistence", "rdb_bgsave_in_progress") == "0"
    });
    primary.client().ok(&["SAVE"]);
    primary.restart();
    let mut client = primary.client();
    type_amount(&mut client, KEY, 1);
    replica.thaw();
    replica.follow(&primary);
    same(&primary, &replica);
    assert_eq!(syncs(&primary), ["0", "1"], "a partial resynchronization");
}

#[test]
fn replica_of_a_promoted_replica_gets_its_earlier_writes() {
    let (first, second, third) = (quiet().start(), quiet().start(), quiet().start());
    first.client().ok(&["STATE.UPDATE", KEY, "0", OFFER]);
    third.follow(&first);
    // Until now the second server has had no consumer.
    second.client().ok(&["STATE.UPDATE", "channel:+263771234568", "0", OFFER]);
    second.follow(&first);
    second.catch_up(&first);
    let mut promoted = second.client();
    promoted.ok(&["REPLICAOF", "NO", "ONE"]);
    type_amount(&mut promoted, KEY, 1);
    third.follow(&second);
    same(&second, &third);
    assert_eq!(syncs(&second), ["0", "1"], "a partial resynchronization");
}

#[test]
fn enabled_aof_has_everything() {
    let mut server = quiet().start();
    let mut client = server.client();
    client.ok(&["CONFIG", "SET", "rdb-key-save-delay", KEY_DELAY]);
    (0..SESSIONS).for_each(|number| {
        client.ok(&["STATE.UPDATE", &channel(number), "0", OFFER]);
    });
    client.ok(&["CONFIG", "SET", "appendonly", "yes"]);
    let mut other = server.client();
    let is_rewritten = || other.info("persistence", "aof_rewrite_in_progress") == "0";
    assert!(write_until(&mut client, is_rewritten), "written meanwhile");
    let before = fingerprint(&mut client);
    server.set_arg("--appendonly", "yes");
    server.restart();
    assert_eq!(fingerprint(&mut server.client()), before);
}

/// `save 3600 1` relies on this counter to know when a snapshot is due.
#[test]
fn dirty_counter_counts_without_consumers() {
    let server = quiet().start();
    let mut client = server.client();
    client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
    client.ok(&["SAVE"]);
    let changes = |client: &mut Client| client.info("persistence", "rdb_changes_since_last_save");
    assert_eq!(changes(&mut client), "0");
    type_amount(&mut client, KEY, 1);
    assert_eq!(changes(&mut client), "1");
    client.ok(&["STATE.UPDATE", KEY, "*", r#"{"amount":"2.50"}"#, "DRYRUN"]);
    assert_eq!(changes(&mut client), "1");
    client.ok(&["STATE.ROLLBACK", KEY, "*"]);
    assert_eq!(changes(&mut client), "2");
}
