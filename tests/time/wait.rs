//! STATE.WAIT: what it waits for, what wakes it, and when it replies at once.

use support::{Client, Reply, Server, state_test};

use crate::{KEY, blocked};

/// A state at version 2, its stage "offer".
fn at_version_2(client: &mut Client) -> String {
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"stage":"menu"}"#]);
    client.text(&["STATE.UPDATE", KEY, "1", r#"{"stage":"offer"}"#])
}

/// A connection that waits in STATE.WAIT, after `already` others.
#[track_caller]
fn waiter(server: &Server, known: &str, already: usize) -> Client {
    let mut waiter = server.client();
    waiter.send(&["STATE.WAIT", KEY, known, "0"]);
    blocked(&mut server.client(), already + 1);
    waiter
}

#[track_caller]
fn reply_of(waiter: &mut Client) -> (String, String) {
    let reply = waiter.read();
    let [etag, document] = reply.array() else { panic!("{reply:?}") };
    (etag.text().to_owned(), document.text().to_owned())
}

#[test]
fn newer_version_is_returned_at_once() {
    state_test(|_, client| {
        let older = "1-0123456789abcdef";
        assert!(
            client.ok(&["STATE.WAIT", KEY, "1", "0"]).is_nil(),
            "a known version of a missing state returns nil"
        );
        assert!(client.ok(&["STATE.WAIT", KEY, older, "0"]).is_nil());
        let etag = at_version_2(client);
        for known in ["0", "1", older, "2-0123456789abcdef", "7-0123456789abcdef"] {
            let reply = client.ok(&["STATE.WAIT", KEY, known, "0"]);
            assert_eq!(reply.array()[0].text(), etag, "{known}");
            assert_eq!(reply.array()[1].text(), r#"{"stage":"offer"}"#, "{known}");
        }
    });
}

#[test]
fn new_version_wakes_in_both_protocols() {
    let server = Server::start();
    let mut client = server.client();
    let etag = at_version_2(&mut client);
    let mut waiters = Vec::new();
    for protocol in ["2", "3"] {
        for known in ["2", etag.as_str()] {
            let mut waiter = server.client();
            waiter.ok(&["HELLO", protocol]);
            waiter.send(&["STATE.WAIT", KEY, known, "0"]);
            waiters.push(waiter);
        }
    }
    blocked(&mut client, 4);
    client.ok(&["STATE.UPDATE", KEY, "2", r#"{"amount":12.50}"#]);
    let state = client.state(KEY);
    for waiter in &mut waiters {
        assert_eq!(reply_of(waiter), state);
        assert_eq!(waiter.text(&["PING"]), "PONG", "the connection still works");
    }
    blocked(&mut client, 0);
}

/// Every new version wakes; a command without one does not, or the reply would repeat the old etag.
#[test]
fn only_new_versions_wake() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.wait", r#"{"properties":{"stage":{"default":"menu"}}}"#]);
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"stage":"offer"}"#, "SCHEMA", "vimbiso.wait"]);
    let ways: [&[&str]; 6] = [
        &["STATE.UPDATE", KEY, "*", r#"{"amount":1}"#],
        &["STATE.SETPROTECTED", KEY, "*", r#"{"stage":"confirm"}"#, "RETURN"],
        &["STATE.ROLLBACK", KEY, "*"],
        &["STATE.RESET", KEY, "*"],
        &["EVAL", "return redis.call('STATE.UPDATE', KEYS[1], '*', '{\"from\":\"lua\"}')", "1", KEY],
        &["STATE.RECOVER", KEY],
    ];
    for way in ways {
        let before = client.state(KEY).0;
        let mut waiters =
            [waiter(&server, &before, 0), waiter(&server, before.split('-').next().unwrap(), 1)];
        client.ok(&["STATE.UPDATE", KEY, "*", "{}", "LABEL", "here", "NOTE", "nothing new", "EX", "77"]);
        client.ok(&["STATE.ATTEMPT", KEY, "login", "SUCCESS"]);
        client.ok(&["STATE.TOUCH", KEY, "EX", "78"]);
        client.ok(&["STATE.UPDATE", KEY, "*", r#"{"dry":1}"#, "DRYRUN"]);
        client.err(&["STATE.UPDATE", KEY, "*", "[]"]);
        client.ok(&["EXPIRE", KEY, "79"]);
        blocked(&mut client, 2);
        if way[0] == "STATE.RECOVER" {
            let stricter = r#"{"required":["name"],"properties":{"name":{"default":"Visitor"}}}"#;
            client.ok(&["STATE.SCHEMA", "SET", "vimbiso.wait", stricter]);
        }
        client.ok(way);
        let state = client.state(KEY);
        assert_ne!(state.0, before);
        for waiter in &mut waiters {
            assert_eq!(reply_of(waiter), state, "{way:?}");
        }
    }
}

#[test]
fn zero_waits_for_a_creation() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["STATE.UPDATE", "channel:other", "0", r#"{"stage":"menu"}"#]);
    let creations: [&[&str]; 5] = [
        &["STATE.UPDATE", KEY, "*", r#"{"stage":"menu"}"#],
        &["STATE.SETPROTECTED", KEY, "0", r#"{"stage":"api"}"#],
        &["STATE.RECOVER", KEY],
        &["COPY", "channel:other", KEY],
        &["RENAME", "channel:other", KEY],
    ];
    for creation in creations {
        let mut waiters = [waiter(&server, "0", 0), waiter(&server, "0", 1)];
        // A state that is created and deleted within a transaction does not count.
        for line in [
            &["MULTI"][..],
            &["STATE.UPDATE", KEY, "0", "{}"],
            &["STATE.DELETE", KEY, "1", "PURGE"],
            &["EXEC"],
        ] {
            client.ok(line);
        }
        blocked(&mut client, 2);
        client.ok(creation);
        let state = client.state(KEY);
        for waiter in &mut waiters {
            assert_eq!(reply_of(waiter), state, "{creation:?}");
        }
        client.ok(&["DEL", KEY]);
    }
}

/// Blocked clients see a transaction as one step.
#[test]
fn transaction_wakes_with_its_last_version() {
    let server = Server::start();
    let mut client = server.client();
    let etag = at_version_2(&mut client);
    let mut early = [waiter(&server, "2", 0), waiter(&server, &etag, 1)];
    let mut late = waiter(&server, "5", 2);
    client.ok(&["MULTI"]);
    for stage in ["amount", "confirm", "done"] {
        client.ok(&["STATE.UPDATE", KEY, "*", &format!(r#"{{"stage":"{stage}"}}"#)]);
    }
    client.ok(&["EXEC"]);
    for waiter in &mut early {
        let (etag, document) = reply_of(waiter);
        assert_eq!((Client::version(&etag), document.as_str()), (5, r#"{"stage":"done"}"#));
    }
    blocked(&mut client, 1);
    client.ok(&["STATE.UPDATE", KEY, "5", r#"{"stage":"menu"}"#]);
    assert_eq!(Client::version(&reply_of(&mut late).0), 6);
}

/// Transactions and scripts can't block: the reply is that of a timeout.
#[test]
fn transactions_and_scripts_do_not_block() {
    let server = Server::start();
    let mut client = server.client();
    let etag = at_version_2(&mut client);
    client.ok(&["MULTI"]);
    for known in ["1", "2", &etag, "0"] {
        client.ok(&["STATE.WAIT", KEY, known, "0"]);
    }
    client.ok(&["STATE.WAIT", "channel:none", "0", "0"]);
    client.ok(&["STATE.WAIT", KEY, "*", "0"]);
    let replies = client.ok(&["EXEC"]);
    let replies = replies.array();
    assert_eq!(replies[0].array()[0].text(), etag);
    assert!(replies[1].is_nil() && replies[2].is_nil());
    assert_eq!(replies[3].array()[0].text(), etag);
    assert!(replies[4].is_nil());
    assert!(matches!(&replies[5], Reply::Error(line) if line.starts_with("ERR syntax error")));
    let script = "return {redis.call('STATE.WAIT', KEYS[1], ARGV[1], '0')}";
    assert_eq!(client.ok(&["EVAL", script, "1", KEY, "1"]).array()[0].array()[0].text(), etag);
    assert_eq!(client.ok(&["EVAL_RO", script, "1", KEY, "2"]).array(), [Reply::Nil]);
}

#[test]
fn arguments_have_their_limits() {
    let server = Server::start();
    let mut client = server.client();
    at_version_2(&mut client);
    let error = client.err(&["STATE.WAIT", KEY, "*", "0"]);
    assert!(error.starts_with("ERR syntax error") && error.contains("0 (waits for a creation)"), "{error}");
    for known in ["", "latest", "-1", "2-", "02"] {
        assert_eq!(client.err(&["STATE.WAIT", KEY, known, "0"]), error, "{known}");
    }
    for timeout in ["-1", "31536000001", "9223372036854775807"] {
        let error = client.err(&["STATE.WAIT", KEY, "2", timeout]);
        assert!(error.starts_with("ERR syntax error: timeout-ms is 0 "), "{error}");
    }
    for timeout in ["", "1.5", "soon", "9223372036854775808"] {
        let error = client.err(&["STATE.WAIT", KEY, "2", timeout]);
        assert_eq!(error, "ERR value is not an integer or out of range", "{timeout}");
    }
    for line in [&["STATE.WAIT", KEY, "2"][..], &["STATE.WAIT", KEY, "2", "0", "0"]] {
        assert!(client.err(line).starts_with("ERR wrong number of arguments"), "{line:?}");
    }
    client.ok(&["SET", "token:+263771234567", "tok_a4c1"]);
    assert!(client.err(&["STATE.WAIT", "token:+263771234567", "0", "0"]).starts_with("WRONGTYPE "));
    // The longest timeout, and one millisecond, which passes.
    let mut longest = server.client();
    longest.send(&["STATE.WAIT", KEY, "2", "31536000000"]);
    blocked(&mut client, 1);
    assert!(client.ok(&["STATE.WAIT", KEY, "2", "1"]).is_nil());
    client.ok(&["STATE.UPDATE", KEY, "2", r#"{"stage":"menu"}"#]);
    assert_eq!(Client::version(&reply_of(&mut longest).0), 3);
}
