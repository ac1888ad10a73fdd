//! `state.feed`: a consumer group gets every session expiry exactly once, across restarts (S15,
//! S16).

use std::collections::BTreeMap;

use crate::{AUDIT, KEY, at_once, counter, field, fields_of};
use support::{Client, Reply, Server, fingerprint, state_test, wait_until};

const FEED: &str = "sessions";
const CONTACT: &str = r#"{"channel":{"type":"whatsapp","identifier":"+263771234567"}}"#;

fn on(client: &mut Client) {
    client.ok(&["CONFIG", "SET", "state.feed", FEED]);
}

/// Creates a state and waits until it has expired.
#[track_caller]
fn session(client: &mut Client, key: &str) {
    let before = counter(client, "expired");
    client.ok(&["STATE.UPDATE", key, "0", CONTACT, "SCHEMA", "vimbiso.channel", "PX", "5"]);
    wait_until("the session expires", || counter(client, "expired") == before + 1);
}

/// The names and values of an entry's fields.
fn words(entry: &Reply) -> Vec<&str> {
    entry.array()[1].array().iter().map(Reply::text).collect()
}

/// Expiries and rejections are in the feed with their key, commits are not. An entry of another
/// database names it, and the selected database stays.
#[test]
fn feed_has_expiries_and_rejections_with_their_keys() {
    state_test(|_, client| {
        session(client, KEY);
        assert_eq!(client.ok(&["EXISTS", FEED]).int(), 0, "off by default");
        on(client);
        session(client, KEY);
        client.ok(&["STATE.UPDATE", KEY, "0", CONTACT, "SCHEMA", "vimbiso.channel"]);
        assert!(client.err(&["STATE.UPDATE", KEY, "1", r#"{"channel":7}"#]).starts_with("IMMUTABLE "));
        client.ok(&["STATE.UPDATE", KEY, "1", "{}", "EVENT", "shown"]);
        client.ok(&["SELECT", "5"]);
        let create = ["STATE.UPDATE", KEY, "0", CONTACT, "SCHEMA", "vimbiso.channel", "PX", "20"];
        let rejected = ["STATE.UPDATE", KEY, "1", r#"{"channel":7}"#, "KEEPTTL"];
        let replies = at_once(client, &[&create, &rejected, &["STATE.GET", KEY]]);
        assert!(replies[1].to_string().contains("IMMUTABLE "), "{}", replies[1]);
        assert_eq!(replies[2].array().len(), 2, "the database is still selected");
        wait_until("the session expires", || counter(client, "expired") == 3);
        assert_eq!(client.ok(&["EXISTS", FEED]).int(), 0, "it is in database 0");
        let audit_of_five = client.ok(&["XRANGE", AUDIT, "-", "+"]);
        client.ok(&["SELECT", "0"]);
        assert_eq!(fields_of(client, FEED, "event"), ["expire", "reject", "reject", "expire"]);
        assert_eq!(fields_of(client, FEED, "key"), [KEY; 4]);
        assert_eq!(fields_of(client, FEED, "db"), ["-", "-", "5", "5"]);
        assert_eq!(client.ok(&["PTTL", FEED]).int(), -1);
        // The entries are those of the audit streams, with additional fields.
        let feed = client.ok(&["XRANGE", FEED, "-", "+"]);
        let audit = client.ok(&["XRANGE", AUDIT, "-", "+"]);
        let of = |stream: &Reply, index: usize| stream.array()[index].clone();
        let expected = [of(&audit, 3), of(&audit, 5), of(&audit_of_five, 1), of(&audit_of_five, 2)];
        for (entry, original) in feed.array().iter().zip(&expected) {
            let original = words(original);
            assert_eq!(words(entry)[..original.len()], original);
        }
        assert_eq!(counter(client, "feed_entries"), 4);
        client.ok(&["CONFIG", "SET", "state.feed", ""]);
        session(client, "channel:quiet");
        assert_eq!(client.ok(&["XLEN", FEED]).int(), 4);
    });
}

/// The feed has the error and database of a rejected update, in MULTI and scripts too. The caller
/// needs no permission for the feed's key.
#[test]
fn feed_needs_no_permission_of_the_caller() {
    state_test(|_, client| {
        on(client);
        client.ok(&["ACL", "SETUSER", "flow", "on", "nopass", "resetkeys", "~channel:*", "+@all"]);
        client.ok(&["AUTH", "flow", "any"]);
        assert!(client.err(&["XLEN", FEED]).starts_with("NOPERM "));
        client.ok(&["STATE.UPDATE", KEY, "0", CONTACT, "SCHEMA", "vimbiso.channel"]);
        client.ok(&["MULTI"]);
        client.ok(&["SELECT", "2"]);
        client.ok(&["STATE.UPDATE", KEY, "0", CONTACT, "SCHEMA", "vimbiso.channel"]);
        client.ok(&["STATE.UPDATE", KEY, "*", r#"{"channel":7}"#]);
        client.ok(&["STATE.UPDATE", KEY, "*", r#"{"active_account_id":"acc_7d1f"}"#]);
        let replies = client.ok(&["EXEC"]);
        assert!(matches!(&replies.array()[2], Reply::Error(line) if line.starts_with("IMMUTABLE ")));
        let script =
            "redis.pcall('STATE.UPDATE', KEYS[1], '*', ARGV[1]); return redis.call('STATE.GET', KEYS[1])[1]";
        let etag = client.text(&["EVAL", script, "1", KEY, r#"{"channel":8}"#]);
        assert_eq!(Client::version(&etag), 2, "the script stays in the same database");
        client.ok(&["AUTH", "default", ""]);
        client.ok(&["SELECT", "0"]);
        assert_eq!(fields_of(client, FEED, "event"), ["reject", "reject"]);
        assert_eq!(fields_of(client, FEED, "db"), ["2", "2"]);
        assert_eq!(fields_of(client, FEED, "user"), ["flow", "flow"]);
        client.ok(&["ACL", "DELUSER", "flow"]);
    });
}

/// The feed is trimmed to about `state.feed-maxlen` entries, and a replica without the setting has
/// exactly the same.
#[test]
fn replica_has_the_same_feed_without_the_setting() {
    let primary =
        Server::builder().arg("--state.feed").arg(FEED).arg("--state.feed-maxlen").arg("10").start();
    let replica = Server::start();
    replica.follow(&primary);
    let (mut here, mut there) = (primary.client(), replica.client());
    here.ok(&["STATE.UPDATE", KEY, "0", CONTACT, "SCHEMA", "vimbiso.channel"]);
    for database in ["0", "7"] {
        here.ok(&["SELECT", database]);
        here.ok(&["STATE.UPDATE", "channel:a", "0", CONTACT, "SCHEMA", "vimbiso.channel", "PX", "5"]);
    }
    here.ok(&["SELECT", "0"]);
    wait_until("the sessions expire", || counter(&mut here, "expired") == 2);
    for _ in 0..400 {
        here.err(&["STATE.UPDATE", KEY, "1", r#"{"channel":7}"#]);
        here.ok(&["STATE.UPDATE", KEY, "1", "{}"]);
        here.ok(&["DEL", AUDIT]);
    }
    let len = here.ok(&["XLEN", FEED]).int();
    assert!((10..200).contains(&len), "{len} entries");
    // An expiry that a user sets on the feed is removed.
    here.ok(&["PEXPIRE", FEED, "1000000"]);
    here.err(&["STATE.UPDATE", KEY, "1", r#"{"channel":7}"#]);
    assert_eq!(here.ok(&["PTTL", FEED]).int(), -1);
    replica.catch_up(&primary);
    assert_eq!(there.ok(&["XRANGE", FEED, "-", "+"]), here.ok(&["XRANGE", FEED, "-", "+"]));
    assert_eq!(fingerprint(&mut there), fingerprint(&mut here));
    assert_eq!(
        (
            there.ok(&["CONFIG", "GET", "state.feed"]).field("state.feed").text(),
            counter(&mut there, "feed_entries")
        ),
        ("", 0)
    );
}

/// A value of another type at the feed's key stays, and the log warns once for each change of the
/// setting.
#[test]
fn value_of_another_type_at_the_feed_key_is_kept() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["SET", FEED, "a string"]);
    let warnings = |server: &Server| server.log().matches("state.feed sessions is no stream").count();
    for round in 1..=2 {
        client.ok(&["CONFIG", "SET", "state.feed", ""]);
        on(&mut client);
        session(&mut client, KEY);
        session(&mut client, KEY);
        assert_eq!((client.text(&["GET", FEED]), warnings(&server)), ("a string".to_owned(), round));
    }
    assert_eq!(fields_of(&mut client, AUDIT, "event").len(), 8, "the audit streams have their entries");
    client.ok(&["STATE.UPDATE", KEY, "0", CONTACT, "SCHEMA", "vimbiso.channel"]);
    assert!(client.err(&["STATE.UPDATE", KEY, "1", r#"{"channel":7}"#]).starts_with("IMMUTABLE "));
    client.ok(&["DEL", FEED]);
    client.err(&["STATE.UPDATE", KEY, "1", r#"{"channel":7}"#]);
    assert_eq!(fields_of(&mut client, FEED, "event"), ["reject"]);
}

#[test]
fn feed_key_is_limited_in_length() {
    let server = Server::start();
    let mut client = server.client();
    for bytes in [127, 128] {
        client.ok(&["CONFIG", "SET", "state.feed", &"f".repeat(bytes)]);
    }
    let error = client.err(&["CONFIG", "SET", "state.feed", &"f".repeat(129)]);
    assert!(error.contains("state.feed must be a key of at most 128 bytes"), "{error}");
}

/// A bot's read: `from` is `0` for delivered but unacknowledged entries.
#[track_caller]
fn read(client: &mut Client, from: &str) -> Vec<(String, String)> {
    let reply = client.ok(&["XREADGROUP", "GROUP", "bot", "one", "COUNT", "3", "STREAMS", FEED, from]);
    let Reply::Array(streams) = reply else { return Vec::new() };
    let entries = streams[0].array()[1].array();
    entries.iter().map(|entry| (entry.array()[0].text().to_owned(), field(entry, "key"))).collect()
}

#[track_caller]
fn acknowledge(client: &mut Client, entries: &[(String, String)], acknowledged: &mut BTreeMap<String, u32>) {
    for (id, key) in entries {
        assert_eq!(client.ok(&["XACK", FEED, "bot", id]).int(), 1);
        *acknowledged.entry(key.clone()).or_default() += 1;
    }
}

/// S15, S16: a consumer group gets every session expiry exactly once, across restarts of the bot
/// and of the server.
#[test]
fn restarted_bot_gets_every_expiry_once() {
    let builder = Server::builder().arg("--appendonly").arg("yes").arg("--appendfsync").arg("always");
    let mut server = builder.arg("--state.feed").arg(FEED).start();
    let mut client = server.client();
    client.ok(&["XGROUP", "CREATE", FEED, "bot", "0", "MKSTREAM"]);
    let keys: Vec<String> = (0..9).map(|index| format!("channel:+26377123456{index}")).collect();
    let mut acknowledged = BTreeMap::new();
    keys[..4].iter().for_each(|key| session(&mut client, key));
    let first = read(&mut client, ">");
    assert_eq!(first.len(), 3);
    acknowledge(&mut client, &first[..1], &mut acknowledged);
    // The bot stops with two unacknowledged entries, then the server is killed. Sessions expire
    // meanwhile.
    drop(client);
    server.kill();
    server.start_again();
    let mut client = server.client();
    keys[4..].iter().for_each(|key| session(&mut client, key));
    client.ok(&["STATE.UPDATE", "channel:rejected", "0", CONTACT, "SCHEMA", "vimbiso.channel"]);
    client.err(&["STATE.UPDATE", "channel:rejected", "1", r#"{"channel":7}"#]);
    // A new connection of the same consumer gets the unacknowledged entries once more, then the new
    // ones.
    let mut client = server.client();
    let again = read(&mut client, "0");
    assert_eq!(again, first[1..]);
    acknowledge(&mut client, &again, &mut acknowledged);
    assert_eq!(read(&mut client, "0"), []);
    loop {
        let entries = read(&mut client, ">");
        if entries.is_empty() {
            break;
        }
        acknowledge(&mut client, &entries, &mut acknowledged);
    }
    let mut expected: BTreeMap<String, u32> = keys.iter().map(|key| (key.clone(), 1)).collect();
    expected.insert("channel:rejected".to_owned(), 1);
    assert_eq!(acknowledged, expected);
    server.restart();
    let mut client = server.client();
    assert_eq!(
        (read(&mut client, "0"), read(&mut client, ">")),
        (vec![], vec![]),
        "nothing is delivered twice"
    );
}
