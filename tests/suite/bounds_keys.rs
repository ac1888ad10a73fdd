//! The maximum length of a state's key, and what happens to a state under a longer one.

use crate::baseline::{KEY, OFFER, rejected, server_with_an_offer};
use support::{Client, Reply, Server};

fn key(bytes: usize) -> String {
    format!("channel:{}", "7".repeat(bytes - "channel:".len()))
}

#[test]
fn keys_longer_than_512_bytes_are_rejected() {
    let (server, mut client) = server_with_an_offer();
    for bytes in [511, 512] {
        client.ok(&["STATE.UPDATE", &key(bytes), "0", OFFER]);
        client.ok(&["STATE.UPDATE", &key(bytes), "1", "{}", "EVENT", "shown"]);
    }
    for bytes in [513, 4000, 1_000_000] {
        let key = key(bytes);
        let writes: [&[&str]; 8] = [
            &["STATE.UPDATE", &key, "0", "{}"],
            &["STATE.UPDATE", &key, "*", "{}", "DRYRUN"],
            &["STATE.SETPROTECTED", &key, "0", "{}"],
            &["STATE.ROLLBACK", &key, "1"],
            &["STATE.RESET", &key, "*"],
            &["STATE.RECOVER", &key],
            &["STATE.TOUCH", &key],
            &["STATE.ATTEMPT", &key, "confirm", "SUCCESS"],
        ];
        for write in writes {
            rejected(&server, &mut client, write, "BADKEY");
        }
        assert!(client.err(&["STATE.WAIT", &key, "0", "10"]).starts_with("BADKEY "));
        assert!(client.ok(&["STATE.GET", &key]).is_nil());
    }
}

/// A longer key is left by an older release, or made by RENAME.
#[test]
fn state_under_a_longer_key_can_be_read_moved_and_deleted() {
    let long = key(4000);
    let mut server = Server::builder().without_schemas().arg("--appendonly").arg("yes").start();
    let replica = Server::builder().without_schemas().start();
    let mut client = server.client();
    replica.follow(&server);
    client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#]);
    client.ok(&["RENAME", KEY, &long]);
    let is_there = |client: &mut Client| {
        assert_eq!(Client::version(&client.state(&long).0), 2);
        assert_eq!(client.ok(&["STATE.HISTORY", &long]).array().len(), 2);
        assert_eq!(client.ok(&["STATE.META", &long]).field("version").int(), 2);
        client.ok(&["STATE.DIFF", &long, "1", "2"]);
    };
    is_there(&mut client);
    replica.catch_up(&server);
    is_there(&mut replica.client());
    let Reply::Bulk(payload) = client.ok(&["DUMP", &long]) else { panic!("a payload") };
    client.ok(&[&b"RESTORE"[..], long.as_bytes(), b"0", &payload, b"REPLACE"]);
    for preamble in ["yes", "no"] {
        client.ok(&["CONFIG", "SET", "aof-use-rdb-preamble", preamble]);
        client.ok(&["BGREWRITEAOF"]);
        support::wait_until("the AOF is rewritten", || {
            let of = |client: &mut Client, name| client.info("persistence", name);
            of(&mut client, "aof_rewrite_in_progress") == "0"
                && of(&mut client, "aof_rewrite_scheduled") == "0"
        });
        server.restart();
        client = server.client();
        is_there(&mut client);
    }
    assert_eq!(client.ok(&["STATE.DELETE", &long, "2"]).int(), 1);
    assert!(client.ok(&["STATE.GET", &long]).is_nil());
}

/// Regression: 1,024 patterns on a key of 4,000 bytes took four seconds.
#[test]
fn write_is_fast_with_many_bindings() {
    let server = Server::builder().without_schemas().start();
    let mut client = server.client();
    client.ok(&["STATE.SCHEMA", "SET", "bot.any", "{}"]);
    client.ok(&["STATE.SCHEMA", "SET", "bot.offer", r#"{"required":["amount"]}"#]);
    for n in 0..1023 {
        let pattern = format!("*{}*{n}b", "7*".repeat(50));
        client.ok(&["STATE.SCHEMA", "BIND", &pattern, "bot.any"]);
    }
    client.ok(&["STATE.SCHEMA", "BIND", "channel:7*", "bot.offer"]);
    assert!(
        client.err(&["STATE.SCHEMA", "BIND", "one:more", "bot.any"]).starts_with("BADSCHEMA 1024 bindings")
    );
    for _ in 0..100 {
        assert!(client.err(&["STATE.UPDATE", &key(512), "0", "{}"]).starts_with("INVALID 1 violation"));
    }
    assert!(client.err(&["STATE.UPDATE", &key(4000), "0", "{}"]).starts_with("BADKEY "));
    client.ok(&["STATE.SCHEMA", "UNBIND", "channel:7*"]);
    client.ok(&["STATE.UPDATE", &key(512), "0", "{}"]);
}
