//! `repl-diskless-load swapdb`: a replica loads the primary's dataset beside its own, which it
//! still serves, and then swaps them. Schemas and deadlines belong to no key, and must be swapped
//! with their dataset.

use crate::baseline::KEY;
use support::{Client, Server, wait_until};

const FORMER: &str = r#"{"properties":{"pin":{"x-secret":true},"token":{"type":"string","x-ttl":3600}}}"#;
const LATTER: &str = r#"{"properties":{"pin":{},"token":{"type":"string","x-ttl":3600,"x-secret":true}}}"#;
const DOCUMENT: &str = r#"{"pin":"4321","token":"tok_a4c1"}"#;
/// Enough keys that a load of 10 ms each can be observed.
const KEYS: usize = 200;

fn channel(number: usize) -> String {
    format!("channel:+2637712{number:05}")
}

fn revision(client: &mut Client) -> i64 {
    client.ok(&["STATE.SCHEMA", "LIST"]).array()[0].field("revision").int()
}

fn document(client: &mut Client) -> String {
    client.ok(&["STATE.GET", KEY]).array()[1].text().to_owned()
}

fn of_info(client: &mut Client, section: &str, name: &str) -> i64 {
    client.info(section, name).parse().expect("a number")
}

/// A primary and a replica that is about to load another dataset beside its own: it was frozen
/// while the primary wrote more than its backlog holds. A primary that `dies` takes ten seconds to
/// send the dataset.
fn loading(dies: bool) -> (Server, Server) {
    let server = || Server::builder().without_schemas().arg("--repl-backlog-size").arg("16384");
    let primary = server().start();
    let replica = server()
        .arg("--repl-diskless-load")
        .arg("swapdb")
        .arg("--loading-process-events-interval-bytes")
        .arg("1024")
        .start();
    let mut writer = primary.client();
    writer.ok(&["STATE.SCHEMA", "SET", "vimbiso.channel", FORMER]);
    writer.ok(&["STATE.UPDATE", KEY, "0", DOCUMENT, "SCHEMA", "vimbiso.channel", "PERSIST"]);
    replica.follow(&primary);
    replica.catch_up(&primary);
    if dies {
        // From Redis 8 on, a child of the primary may send the dataset on its own connection and
        // outlive the primary.
        for server in [&primary, &replica] {
            let _unknown_elsewhere = server.client().call(&["CONFIG", "SET", "repl-rdb-channel", "no"]);
        }
    }
    let mut reader = replica.client();
    reader.ok(&["ACL", "SETUSER", "flow", "on", "nopass", "~*", "+@all", "-state.setprotected"]);
    reader.ok(&["CONFIG", "SET", "key-load-delay", "10000"]);
    replica.freeze();
    writer.ok(&["CONFIG", "SET", "rdb-key-save-delay", if dies { "50000" } else { "10000" }]);
    writer.ok(&["CLIENT", "KILL", "TYPE", "replica"]);
    writer.ok(&["STATE.SCHEMA", "SET", "vimbiso.channel", LATTER]);
    writer.ok(&["STATE.UPDATE", KEY, "1", r#"{"token":"tok_b5d2"}"#]);
    for number in 0..KEYS {
        let line = ["STATE.UPDATE", &channel(number), "0", DOCUMENT, "SCHEMA", "vimbiso.channel", "PERSIST"];
        writer.ok(&line);
    }
    replica.thaw();
    wait_until("the replica loads and serves", || {
        let mut reader = replica.client();
        of_info(&mut reader, "persistence", "async_loading") == 1
    });
    (primary, replica)
}

/// The replica serves the former dataset, with the former schema.
#[track_caller]
fn serves_the_former(replica: &Server) {
    let mut reader = replica.client();
    assert_eq!(revision(&mut reader), 1);
    reader.ok(&["AUTH", "flow", "any"]);
    assert_eq!(document(&mut reader), r#"{"pin":"***","token":"tok_a4c1"}"#);
    assert!(reader.ok(&["STATE.GET", &channel(0)]).is_nil());
    assert_eq!(of_info(&mut reader, "state", "state_states_with_deadlines"), 1);
}

#[test]
fn schemas_and_deadlines_are_swapped_with_their_dataset() {
    let (primary, replica) = loading(false);
    for _ in 0..5 {
        serves_the_former(&replica);
    }
    // A loading replica applies no effect from a client, writable or not.
    let mut client = replica.client();
    client.ok(&["CONFIG", "SET", "replica-read-only", "no"]);
    let error = client.err(&["STATE.EFFECT", KEY, "x", "-1"]);
    assert!(error.starts_with("NOPERM ") || error.starts_with("ERR unknown command"), "{error}");
    client.ok(&["CONFIG", "SET", "replica-read-only", "yes"]);
    assert_eq!(of_info(&mut client, "persistence", "async_loading"), 1, "it was still loading");
    client.ok(&["CONFIG", "SET", "key-load-delay", "0"]);
    primary.client().ok(&["CONFIG", "SET", "rdb-key-save-delay", "0"]);
    wait_until("the replica's link is up", || {
        replica.client().text(&["INFO", "replication"]).contains("master_link_status:up")
    });
    assert!(replica.log().contains("Swapping active DB with loaded DB"), "{}", replica.log());
    let mut reader = replica.client();
    reader.ok(&["AUTH", "flow", "any"]);
    assert_eq!(revision(&mut reader), 2);
    assert_eq!(document(&mut reader), r#"{"pin":"4321","token":"***"}"#);
    assert_eq!(of_info(&mut reader, "state", "state_states_with_deadlines"), KEYS as i64 + 1);
    // Writes after the swap are applied.
    let mut writer = primary.client();
    writer.ok(&["STATE.UPDATE", KEY, "2", r#"{"pin":"8765"}"#]);
    replica.catch_up(&primary);
    assert_eq!(document(&mut reader), r#"{"pin":"8765","token":"***"}"#);
}

#[test]
fn aborted_load_keeps_the_former_dataset() {
    let (mut primary, replica) = loading(true);
    serves_the_former(&replica);
    primary.kill();
    replica.client().ok(&["CONFIG", "SET", "key-load-delay", "0"]);
    wait_until("the load is aborted", || {
        replica.log().contains("Discarding temporary DB")
            && of_info(&mut replica.client(), "persistence", "async_loading") == 0
    });
    serves_the_former(&replica);
    let mut client = replica.client();
    client.ok(&["REPLICAOF", "NO", "ONE"]);
    // The timer finds the deadline by the index.
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.channel", &FORMER.replace("3600", "1")]);
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"token":"tok_c6e3"}"#]);
    wait_until("the token lapses", || of_info(&mut client, "state", "state_lapses") == 1);
    assert_eq!(of_info(&mut client, "state", "state_states_with_deadlines"), 0);
}
