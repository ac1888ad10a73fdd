//! The blocked clients of STATE.WAIT: how many, on which server, with which permissions, and how
//! they disconnect.

use support::{Client, Reply, Server, wait_until, words};

use crate::{KEY, blocked};

fn waiting(server: &Server, known: &str) -> Client {
    let mut waiter = server.client();
    waiter.send(&["STATE.WAIT", KEY, known, "0"]);
    waiter
}

fn version_told(waiter: &mut Client) -> u64 {
    Client::version(waiter.read().array()[0].text())
}

#[test]
fn hundred_clients_wake_except_those_with_a_later_version() {
    let server = Server::start();
    let mut client = server.client();
    let etag = client.text(&["STATE.UPDATE", KEY, "0", r#"{"stage":"menu"}"#]);
    let mut known: Vec<Client> =
        (0..90).map(|index| waiting(&server, if index % 2 == 0 { "1" } else { &etag })).collect();
    let mut more: Vec<Client> = (0..10).map(|_| waiting(&server, "2")).collect();
    blocked(&mut client, 100);
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"offer"}"#]);
    for waiter in &mut known {
        assert_eq!(version_told(waiter), 2);
    }
    blocked(&mut client, 10);
    // A client may wait again at once on the same connection.
    for waiter in &mut known {
        waiter.send(&["STATE.WAIT", KEY, "2", "0"]);
    }
    blocked(&mut client, 100);
    client.ok(&["STATE.UPDATE", KEY, "2", r#"{"stage":"confirm"}"#]);
    for waiter in known.iter_mut().chain(&mut more) {
        assert_eq!(version_told(waiter), 3);
    }
    for waiter in &mut known {
        waiter.send(&["STATE.WAIT", KEY, "3", "0"]);
    }
    blocked(&mut client, 90);
    client.ok(&["STATE.DELETE", KEY, "3"]);
    for waiter in &mut known {
        assert!(waiter.read().is_nil());
    }
}

#[test]
fn writes_of_the_primary_wake_clients_of_the_replica() {
    let (primary, replica) = (Server::start(), Server::start());
    let mut client = primary.client();
    replica.follow(&primary);
    let mut there = replica.client();
    let mut creation = waiting(&replica, "0");
    blocked(&mut there, 1);
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"stage":"menu"}"#]);
    assert_eq!(version_told(&mut creation), 1);
    let ways: [&[&str]; 3] = [
        &["STATE.UPDATE", KEY, "*", r#"{"stage":"offer"}"#],
        &["STATE.ROLLBACK", KEY, "*"],
        &["STATE.RESET", KEY, "*"],
    ];
    for way in ways {
        let etag = client.state(KEY).0;
        let mut waiter = waiting(&replica, &etag);
        blocked(&mut there, 1);
        client.ok(way);
        let reply = waiter.read();
        let state = client.state(KEY);
        assert_eq!(reply.array()[0].text(), state.0, "{way:?}");
        assert_eq!(reply.array()[1].text(), state.1, "{way:?}");
    }
    let ends: [&[&str]; 3] = [&["STATE.DELETE", KEY, "*"], &["DEL", KEY], &["PEXPIRE", KEY, "20"]];
    for end in ends {
        client.ok(&["STATE.UPDATE", KEY, "*", r#"{"stage":"end"}"#]);
        replica.catch_up(&primary);
        let mut waiter = waiting(&replica, &client.state(KEY).0);
        blocked(&mut there, 1);
        client.ok(end);
        assert!(waiter.read().is_nil(), "{end:?}");
    }
}

/// After a full resynchronization the dataset is new, and no key is signalled.
#[test]
fn full_resync_and_reload_wake_every_client() {
    let (primary, replica) = (Server::start(), Server::start());
    let mut client = primary.client();
    replica.follow(&primary);
    for key in [KEY, "channel:deleted"] {
        client.ok(&["STATE.UPDATE", key, "0", r#"{"stage":"menu"}"#]);
    }
    replica.catch_up(&primary);
    let mut there = replica.client();
    let waits = [[KEY, "1"], ["channel:deleted", "1"], ["channel:new", "0"], [KEY, "2"]];
    let mut waiters: Vec<Client> = waits.iter().map(|_| replica.client()).collect();
    for (waiter, [key, known]) in waiters.iter_mut().zip(waits) {
        waiter.send(&["STATE.WAIT", key, known, "0"]);
    }
    blocked(&mut there, 4);
    there.ok(&["DEBUG", "RELOAD"]);
    let lines: [&[&str]; 7] = [
        &["MULTI"],
        &["DEBUG", "CHANGE-REPL-ID"],
        &["CLIENT", "KILL", "TYPE", "replica"],
        &["STATE.UPDATE", KEY, "1", r#"{"stage":"offer"}"#],
        &["DEL", "channel:deleted"],
        &["STATE.UPDATE", "channel:new", "0", "{}"],
        &["EXEC"],
    ];
    for line in lines {
        client.ok(line);
    }
    let [first, deleted, new, second] = &mut waiters[..] else { panic!("four wait") };
    assert_eq!(version_told(first), 2);
    assert!(deleted.read().is_nil());
    assert_eq!(version_told(new), 1);
    blocked(&mut there, 1);
    client.ok(&["STATE.UPDATE", KEY, "2", r#"{"stage":"confirm"}"#]);
    assert_eq!(version_told(second), 3);
}

#[test]
fn client_unblock_ends_the_wait() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"stage":"menu"}"#]);
    for (how, answer) in [("TIMEOUT", "(nil)"), ("ERROR", "-UNBLOCKED client unblocked via CLIENT UNBLOCK")] {
        let mut waiter = server.client();
        let id = waiter.ok(&["CLIENT", "ID"]).int().to_string();
        waiter.send(&["STATE.WAIT", KEY, "1", "0"]);
        blocked(&mut client, 1);
        assert_eq!(client.ok(&["CLIENT", "UNBLOCK", &id, how]).int(), 1);
        assert_eq!(waiter.read().to_string(), answer);
        blocked(&mut client, 0);
        assert_eq!(waiter.text(&["PING"]), "PONG");
    }
}

/// A client that disconnects leaves nothing behind, whether the state changes or is deleted
/// afterwards or at the same moment.
#[test]
fn disconnected_client_is_forgotten() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"stage":"menu"}"#]);
    drop((waiting(&server, "1"), waiting(&server, "7")));
    blocked(&mut client, 0);
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"offer"}"#]);
    let mut stays = waiting(&server, "2");
    let mut killed = server.client();
    let id = killed.ok(&["CLIENT", "ID"]).int().to_string();
    killed.send(&["STATE.WAIT", KEY, "2", "0"]);
    blocked(&mut client, 2);
    client.ok(&["MULTI"]);
    client.ok(&["DEL", KEY]);
    client.ok(&["CLIENT", "KILL", "ID", &id]);
    client.ok(&["EXEC"]);
    assert!(stays.read().is_nil());
    assert!(killed.try_read().is_err(), "its connection is closed");
    blocked(&mut client, 0);
    assert_eq!(client.text(&["STATE.UPDATE", KEY, "0", "{}"]).split('-').next(), Some("1"));
}

#[test]
fn server_shuts_down_cleanly_with_blocked_clients() {
    let mut server = Server::builder().arg("--appendonly").arg("yes").start();
    let mut client = server.client();
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"stage":"menu"}"#]);
    let _waiters = [waiting(&server, "1"), waiting(&server, "2")];
    blocked(&mut client, 2);
    server.restart();
    assert_eq!(server.client().state(KEY).1, r#"{"stage":"menu"}"#);
    assert!(!server.log().contains("crashed"), "{}", server.log());
}

/// A client pause neither delays nor loses a wake-up.
#[test]
fn paused_server_still_wakes_clients() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"stage":"menu"}"#, "PX", "1000000"]);
    let mut waiter = waiting(&server, "1");
    blocked(&mut client, 1);
    client.ok(&["CLIENT", "PAUSE", "60000", "WRITE"]);
    assert!(client.ok(&["STATE.WAIT", KEY, "1", "20"]).is_nil(), "a timeout passes while writes are paused");
    let mut writer = server.client();
    writer.send(&["STATE.UPDATE", KEY, "1", r#"{"stage":"offer"}"#]);
    blocked(&mut client, 2);
    client.ok(&["CLIENT", "UNPAUSE"]);
    assert_eq!(version_told(&mut waiter), 2);
    assert_eq!(Client::version(writer.read().text()), 2);
    let mut expiry = waiting(&server, "2");
    blocked(&mut client, 1);
    client.ok(&["PEXPIRE", KEY, "20"]);
    client.ok(&["CLIENT", "PAUSE", "60000", "WRITE"]);
    wait_until("the state is past its expiry", || client.ok(&["STATE.GET", KEY]).is_nil());
    client.ok(&["CLIENT", "UNPAUSE"]);
    assert!(expiry.read().is_nil(), "it is deleted once the server may write");
}

/// A connection authenticated as a new user with these rules.
fn user(server: &Server, name: &str, rules: &str) -> Client {
    let mut args = words(&format!("ACL SETUSER {name} reset on >pass-{name} allchannels"));
    args.extend(words(rules));
    server.client().ok(&args);
    let mut client = server.client();
    client.ok(&["AUTH", name, &format!("pass-{name}")]);
    client
}

/// S10, S51: the permission to read is checked again at the reply; a secret needs a further one.
#[test]
fn client_without_read_permission_gets_no_document() {
    let server = Server::start();
    let mut client = server.client();
    let schema = r#"{"properties":{"token":{"x-secret":true}}}"#;
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.secret", schema]);
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"token":"eyJhbGciOi"}"#, "SCHEMA", "vimbiso.secret"]);
    let mut stranger = user(&server, "stranger", "~user:* +@all");
    let mut writer = user(&server, "writer", "%W~channel:* +@all");
    for user in [&mut stranger, &mut writer] {
        for known in ["0", "1"] {
            assert!(user.err(&["STATE.WAIT", KEY, known, "1"]).starts_with("NOPERM "));
        }
    }
    let mut denied = user(&server, "denied", "~channel:* +@all -state.wait");
    assert!(denied.err(&["STATE.WAIT", KEY, "1", "1"]).starts_with("NOPERM "));
    let mut flow = user(&server, "flow", "%R~channel:* +state.wait");
    let mut api = user(&server, "api", "~channel:* +state.wait +state.setprotected");
    let mut reader = user(&server, "reader", "%R~channel:* +state.wait");
    assert_eq!(flow.ok(&["STATE.WAIT", KEY, "0", "0"]).array()[1].text(), r#"{"token":"***"}"#);
    assert_eq!(api.ok(&["STATE.WAIT", KEY, "0", "0"]).array()[1].text(), r#"{"token":"eyJhbGciOi"}"#);
    for waiter in [&mut flow, &mut api, &mut reader] {
        waiter.send(&["STATE.WAIT", KEY, "1", "0"]);
    }
    blocked(&mut client, 3);
    client.ok(&words("ACL SETUSER reader resetkeys ~user:*"));
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#]);
    assert_eq!(flow.read().array()[1].text(), r#"{"token":"***","stage":"menu"}"#);
    assert_eq!(api.read().array()[1].text(), r#"{"token":"eyJhbGciOi","stage":"menu"}"#);
    let rejected = reader.read();
    assert!(matches!(&rejected, Reply::Error(line) if line.starts_with("NOPERM ")), "{rejected:?}");
}
