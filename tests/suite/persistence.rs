//! A state survives reloads, restarts, rewrites, copies and moves (S7): document, versions,
//! snapshots, parents, labels, etags, expiry and schemas.
//!
//! `state_test` restarts each server in three ways after its test. These tests look at the ways one
//! by one, including a rewrite under load, an empty dataset and a kill.

use crate::baseline::{AUDIT, KEY, OFFER, audit_values, number};
use support::{Client, Reply, Server, fingerprint, state_test, wait_until};

/// Fills a server with every kind of data.
fn fill(client: &mut Client) {
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.offer", r#"{"type":"object","x-ttl":1800}"#]);
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.offer", r#"{"type":"object","x-ttl":900}"#]);
    client.ok(&["STATE.SCHEMA", "SET", "unused", "true"]);
    client.ok(&[
        "STATE.UPDATE",
        KEY,
        "0",
        OFFER,
        "SCHEMA",
        "vimbiso.offer",
        "LABEL",
        "first",
        "ACTOR",
        "webhook",
    ]);
    for amount in 1..=14 {
        let change = format!(r#"{{"current":{{"data":{{"amount":{amount}.10}}}}}}"#);
        let label = if amount % 5 == 0 { vec!["LABEL".to_owned(), format!("step-{amount}")] } else { vec![] };
        let words = ["STATE.UPDATE", KEY, "*", &change, "EVENT", "amount"].map(str::to_owned).to_vec();
        client.ok(&[words, label].concat());
    }
    client.ok(&["STATE.ROLLBACK", KEY, "*", "LABEL", "step-5", "NOTE", "wrong amount"]);
    client.ok(&["STATE.ROLLBACK", KEY, "*"]);
    client.ok(&["STATE.UPDATE", "user:{+263771234567}:state", "0", r#"{"amount":1e400,"n":-0}"#, "PERSIST"]);
    client.ok(&["STATE.UPDATE", "channel:Ā一😀", "0", r#"{"note":"\u0000"}"#, "EX", "7200"]);
    client.ok(&["STATE.UPDATE", "channel:gone", "0", "{}"]);
    client.ok(&["STATE.DELETE", "channel:gone", "1"]);
    client.ok(&["SELECT", "9"]);
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"database":9}"#, "SCHEMA", "unused"]);
    client.ok(&["SELECT", "0"]);
    client.ok(&["SET", "token:+263771234567", "tok_a4c1", "EX", "1800"]);
}

#[test]
fn full_dataset_survives_every_kind_of_restart() {
    state_test(|_, client| {
        fill(client);
        let kept: Vec<i64> = client
            .ok(&["STATE.HISTORY", KEY])
            .array()
            .iter()
            .map(|entry| entry.field("version").int())
            .collect();
        assert_eq!(
            kept,
            [17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 1],
            "ten snapshots and the labelled ones"
        );
    });
}

#[test]
fn rdb_restores_everything() {
    let mut server = Server::start();
    let mut client = server.client();
    fill(&mut client);
    let before = fingerprint(&mut client);
    let old: Vec<Reply> =
        (1..=17).map(|v| client.call(&["STATE.GET", KEY, "VERSION", &v.to_string()])).collect();
    client.ok(&["SAVE"]);
    server.restart();
    let mut client = server.client();
    assert_eq!(fingerprint(&mut client), before);
    let now: Vec<Reply> =
        (1..=17).map(|v| client.call(&["STATE.GET", KEY, "VERSION", &v.to_string()])).collect();
    assert_eq!(now, old, "snapshots keep their etags");
    // The state continues: next version, same labels, same parents.
    let (etag, document) = client.state(KEY);
    let next = client.text(&["STATE.UPDATE", KEY, &etag, r#"{"stage":"confirm"}"#]);
    assert_eq!(Client::version(&next), 18);
    client.ok(&["STATE.ROLLBACK", KEY, &next]);
    assert_eq!(client.state(KEY).1, document);
    client.ok(&["STATE.ROLLBACK", KEY, "19", "LABEL", "first"]);
    assert_eq!(client.state(KEY).1, OFFER);
}

#[test]
fn schemas_survive_without_any_state() {
    for aof in ["no", "yes"] {
        let mut server = Server::builder().without_schemas().arg("--appendonly").arg(aof).start();
        let mut client = server.client();
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.offer", r#"{"type":"object"}"#]);
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.offer", r#"{"type":"object","x-ttl":900}"#]);
        client.ok(&["STATE.SCHEMA", "SET", "dropped", "true"]);
        client.ok(&["STATE.SCHEMA", "DEL", "dropped"]);
        let before = fingerprint(&mut client);
        assert_eq!(before.len(), 1);
        client.ok(&["DEBUG", "RELOAD"]);
        assert_eq!(fingerprint(&mut client), before, "after DEBUG RELOAD");
        if aof == "no" {
            client.ok(&["SAVE"]);
        }
        server.restart();
        assert_eq!(fingerprint(&mut server.client()), before, "after a restart, appendonly {aof}");
        let mut client = server.client();
        assert_eq!(client.ok(&["STATE.SCHEMA", "SET", "vimbiso.offer", "{}"]).int(), 3, "revisions go on");
    }
}

#[test]
fn reload_without_schemas_empties_the_registry() {
    let server = Server::builder().without_schemas().start();
    let mut client = server.client();
    client.ok(&["SAVE"]);
    client.ok(&["STATE.SCHEMA", "SET", "late", "{}"]);
    client.ok(&["DEBUG", "RELOAD", "NOSAVE"]);
    assert_eq!(client.ok(&["STATE.SCHEMA", "LIST"]).array().len(), 0, "the file knows no schema");
}

#[test]
fn killed_server_has_every_acknowledged_update() {
    for preamble in ["yes", "no"] {
        let builder = Server::builder().arg("--appendonly").arg("yes").arg("--appendfsync").arg("always");
        let mut server = builder.arg("--aof-use-rdb-preamble").arg(preamble).start();
        let mut client = server.client();
        fill(&mut client);
        client.ok(&["BGREWRITEAOF"]);
        wait_until("the rewrite", || number(&mut client, "persistence", "aof_rewrite_in_progress") == 0);
        for amount in 100..150 {
            client.ok(&["STATE.UPDATE", KEY, "*", &format!(r#"{{"amount":{amount}}}"#)]);
        }
        let before = fingerprint(&mut client);
        server.kill();
        server.start_again();
        assert_eq!(fingerprint(&mut server.client()), before, "preamble {preamble}");
        assert_eq!(server.client().ok(&["STATE.META", KEY]).field("version").int(), 67);
    }
}

/// The AOF gets the changed parts only. Each test of `state_test` shows that they restore the
/// state.
#[test]
fn small_change_of_a_long_document_is_a_short_effect() {
    let server = Server::builder().arg("--appendonly").arg("yes").arg("--appendfsync").arg("no").start();
    let mut client = server.client();
    let aof_bytes = |client: &mut Client| {
        client.info("persistence", "aof_current_size").parse::<usize>().expect("a number")
    };
    let document = format!(r#"{{"note":"{}","amount":1.10}}"#, "School fees for term 2. ".repeat(400));
    let mut sizes = vec![aof_bytes(&mut client)];
    for change in [document.as_str(), r#"{"amount":2.20}"#, r#"{"note":null,"amount":3}"#] {
        client.ok(&["STATE.UPDATE", KEY, "*", change]);
        sizes.push(aof_bytes(&mut client));
    }
    let grown: Vec<usize> = sizes.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(grown[0] > document.len() && grown[1] < 600 && grown[2] < 600, "{grown:?}");
}

#[test]
fn rewrite_under_load_loses_nothing() {
    for preamble in ["yes", "no"] {
        let builder = Server::builder().arg("--appendonly").arg("yes");
        // The child is slowed down, so that updates arrive during the rewrite.
        let builder =
            builder.arg("--rdb-key-save-delay").arg("200").arg("--aof-use-rdb-preamble").arg(preamble);
        let mut server = builder.start();
        let mut client = server.client();
        fill(&mut client);
        for number in 0..500 {
            client.ok(&["STATE.UPDATE", &format!("channel:{number}"), "0", OFFER]);
        }
        client.ok(&["BGREWRITEAOF"]);
        let mut during = 0;
        loop {
            let rewriting = number(&mut client, "persistence", "aof_rewrite_in_progress") == 1;
            for number in 0..20 {
                let key = format!("channel:{}", (during * 20 + number) % 500);
                client.ok(&["STATE.UPDATE", &key, "*", &format!(r#"{{"amount":{during}}}"#)]);
            }
            client.ok(&["STATE.SCHEMA", "SET", "vimbiso.offer", &format!(r#"{{"x-ttl":{}}}"#, during + 1)]);
            during += 1;
            if !rewriting && number(&mut client, "persistence", "aof_rewrite_scheduled") == 0 {
                break;
            }
        }
        assert!(during > 1, "the rewrite ended before the first write");
        let before = fingerprint(&mut client);
        server.restart();
        assert_eq!(fingerprint(&mut server.client()), before, "preamble {preamble}");
    }
}

#[test]
fn copy_rename_and_move_keep_everything_but_the_audit_stream() {
    state_test(|_, client| {
        fill(client);
        let (state, history) = (client.ok(&["STATE.GET", KEY]), client.ok(&["STATE.HISTORY", KEY]));
        let expiry = client.ok(&["PEXPIRETIME", KEY]);
        let digest = client.ok(&["DEBUG", "DIGEST-VALUE", KEY]);
        client.ok(&["COPY", KEY, "channel:copy"]);
        client.ok(&["COPY", KEY, "channel:copy", "DB", "3"]);
        client.ok(&["RENAME", KEY, "channel:renamed"]);
        client.ok(&["COPY", "channel:renamed", "channel:moved"]);
        client.ok(&["MOVE", "channel:moved", "4"]);
        for (database, key) in
            [("0", "channel:copy"), ("3", "channel:copy"), ("0", "channel:renamed"), ("4", "channel:moved")]
        {
            client.ok(&["SELECT", database]);
            assert_eq!(client.ok(&["STATE.GET", key]), state, "{key} in {database}");
            assert_eq!(client.ok(&["STATE.HISTORY", key]), history);
            assert_eq!(client.ok(&["PEXPIRETIME", key]), expiry);
            assert_eq!(client.ok(&["DEBUG", "DIGEST-VALUE", key]), digest);
        }
        client.ok(&["SELECT", "0"]);
        assert_eq!(
            client.ok(&["EXISTS", KEY, AUDIT, "{channel:renamed}:audit"]).int(),
            1,
            "the audit stream stays behind"
        );
        // Each copy is independent.
        let before = client.ok(&["STATE.GET", "channel:renamed"]);
        client.ok(&["STATE.UPDATE", "channel:copy", "*", r#"{"stage":"menu"}"#]);
        assert_eq!(client.ok(&["STATE.GET", "channel:renamed"]), before);
        assert_eq!(audit_values(client, "{channel:copy}:audit", "version"), ["18"]);
    });
}

#[test]
fn dump_and_restore_move_a_state_to_another_server() {
    let (server, other) = (Server::start(), Server::builder().without_schemas().start());
    let (mut client, mut there) = (server.client(), other.client());
    fill(&mut client);
    let Reply::Bulk(payload) = client.ok(&["DUMP", KEY]) else { panic!("DUMP answers bytes") };
    let expiry = client.ok(&["PEXPIRETIME", KEY]);
    let restore = |client: &mut Client, ttl: &str, options: &[&str]| {
        let options: Vec<&[u8]> = options.iter().map(|word| word.as_bytes()).collect();
        let args: [&[u8]; 4] = [b"RESTORE", KEY.as_bytes(), ttl.as_bytes(), &payload];
        client.call(&[&args[..], &options].concat())
    };
    assert_eq!(restore(&mut there, &expiry.int().to_string(), &["ABSTTL"]).text(), "OK");
    assert_eq!(there.ok(&["STATE.GET", KEY]), client.ok(&["STATE.GET", KEY]));
    assert_eq!(there.ok(&["STATE.HISTORY", KEY]), client.ok(&["STATE.HISTORY", KEY]));
    assert_eq!(there.ok(&["PEXPIRETIME", KEY]), expiry);
    assert_eq!(there.ok(&["DEBUG", "DIGEST-VALUE", KEY]), client.ok(&["DEBUG", "DIGEST-VALUE", KEY]));
    // Its schema is missing there: the state can be read, and META reports it as invalid.
    assert_eq!(there.ok(&["STATE.META", KEY]).field("valid").int(), 0);
    assert!(there.err(&["STATE.UPDATE", KEY, "*", "{}"]).starts_with("NOSCHEMA "));
    assert!(matches!(restore(&mut there, "0", &[]), Reply::Error(line) if line.starts_with("BUSYKEY ")));
    there.ok(&["STATE.SCHEMA", "SET", "vimbiso.offer", r#"{"type":"object"}"#]);
    there.ok(&["STATE.UPDATE", KEY, "17", r#"{"stage":"menu"}"#]);
    assert_eq!(restore(&mut there, "0", &["REPLACE"]).text(), "OK");
    assert_eq!(there.ok(&["STATE.META", KEY]).field("version").int(), 17);
    assert_eq!(there.ok(&["PTTL", KEY]).int(), -1);
    client.ok(&["SET", KEY, "replaced by a string"]);
    assert_eq!(restore(&mut client, "0", &["REPLACE"]).text(), "OK");
    assert_eq!(client.text(&["TYPE", KEY]), "statedoc1");
}
