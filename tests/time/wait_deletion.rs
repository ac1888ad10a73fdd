//! STATE.WAIT when the state is deleted or expires: a client that waits with a version gets nil,
//! and one that waits for a creation goes on waiting.

use support::{Client, Server, wait_until};

use crate::{KEY, blocked};

/// Three clients that wait with a version, and one that waits for the creation of another key.
fn waiters(server: &Server, client: &mut Client) -> ([Client; 3], Client) {
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"stage":"menu"}"#, "PX", "1000000"]);
    let etag = client.state(KEY).0;
    let known = ["1", &etag, "9"].map(|known| {
        let mut waiter = server.client();
        waiter.send(&["STATE.WAIT", KEY, known, "0"]);
        waiter
    });
    let mut creation = server.client();
    creation.send(&["STATE.WAIT", "channel:none", "0", "0"]);
    blocked(client, 4);
    (known, creation)
}

#[track_caller]
fn all_learn_that_it_is_gone(client: &mut Client, known: [Client; 3], how: &[&str]) {
    for mut waiter in known {
        assert!(waiter.read().is_nil(), "{how:?}");
        assert_eq!(waiter.text(&["PING"]), "PONG");
    }
    blocked(client, 1);
}

#[test]
fn every_deletion_and_expiry_wakes_clients_with_a_version() {
    let server = Server::start();
    let mut client = server.client();
    let ends: [&[&str]; 13] = [
        &["STATE.DELETE", KEY, "1"],
        &["STATE.DELETE", KEY, "*", "PURGE"],
        &["DEL", KEY],
        &["UNLINK", KEY],
        &["PEXPIRE", KEY, "20"],
        &["PEXPIREAT", KEY, "1"],
        &["RENAME", KEY, "channel:elsewhere"],
        &["MOVE", KEY, "3"],
        &["EVAL", "return redis.call('DEL', KEYS[1])", "1", KEY],
        &["FLUSHALL"],
        &["FLUSHALL", "ASYNC"],
        &["FLUSHDB", "SYNC"],
        &["CONFIG", "SET", "maxmemory", "1"],
    ];
    client.ok(&["CONFIG", "SET", "maxmemory-policy", "allkeys-random"]);
    for end in ends {
        let (known, creation) = waiters(&server, &mut client);
        client.ok(end);
        if end[0] == "CONFIG" {
            wait_until("the state is evicted", || client.ok(&["EXISTS", KEY]).int() == 0);
        }
        all_learn_that_it_is_gone(&mut client, known, end);
        drop(creation);
        blocked(&mut client, 0);
    }
}

#[test]
fn value_of_another_type_wakes_blocked_clients() {
    let server = Server::start();
    let mut client = server.client();
    let (known, mut creation) = waiters(&server, &mut client);
    client.ok(&["SET", KEY, "a string"]);
    for mut waiter in known {
        assert!(waiter.read().to_string().starts_with("-WRONGTYPE "));
    }
    // Redis does not notify a module of a new string: a client that waits for a creation there gets
    // the timeout.
    let mut soon = server.client();
    soon.send(&["STATE.WAIT", "channel:string", "0", "200"]);
    blocked(&mut client, 2);
    client.ok(&["SET", "channel:string", "a string"]);
    client.ok(&["RPUSH", "channel:none", "a list"]);
    for waiter in [&mut soon, &mut creation] {
        assert!(waiter.read().to_string().starts_with("-WRONGTYPE "));
    }
}

/// A transaction is one step for a blocked client: an etag mismatches the new state, a version must
/// be reached again.
#[test]
fn state_recreated_in_one_transaction() {
    let server = Server::start();
    let mut client = server.client();
    let (known, creation) = waiters(&server, &mut client);
    client.ok(&["MULTI"]);
    client.ok(&["STATE.DELETE", KEY, "1"]);
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"stage":"anew"}"#]);
    client.ok(&["EXEC"]);
    let state = client.state(KEY);
    let [mut version, mut etag, mut far] = known;
    let reply = etag.read();
    assert_eq!((reply.array()[0].text(), reply.array()[1].text()), (state.0.as_str(), state.1.as_str()));
    blocked(&mut client, 3);
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#]);
    assert_eq!(Client::version(version.read().array()[0].text()), 2);
    client.ok(&["DEL", KEY]);
    assert!(far.read().is_nil());
    drop(creation);
    blocked(&mut client, 0);
}

#[test]
fn same_key_in_another_database_does_not_wake() {
    let server = Server::start();
    let mut client = server.client();
    let (known, _creation) = waiters(&server, &mut client);
    client.ok(&["SELECT", "1"]);
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"stage":"menu"}"#]);
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"offer"}"#]);
    client.ok(&["DEL", KEY]);
    let mut there = server.client();
    there.ok(&["SELECT", "1"]);
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"stage":"menu"}"#]);
    there.send(&["STATE.WAIT", KEY, "1", "0"]);
    blocked(&mut client, 5);
    client.ok(&["DEL", KEY]);
    assert!(there.read().is_nil());
    blocked(&mut client, 4);
    client.ok(&["SELECT", "0"]);
    let end = ["DEL", KEY];
    client.ok(&end);
    all_learn_that_it_is_gone(&mut client, known, &end);
}
