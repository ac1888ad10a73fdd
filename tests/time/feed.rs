//! `state.feed`: one consumer group hears of every session end exactly once, whatever restarts (S15, S16).

use std::collections::BTreeMap;

use crate::{AUDIT, KEY, at_once, counter, field, fields_of};
use support::{Client, Reply, Server, fingerprint, state_test, wait_until};

const FEED: &str = "sessions";
const CONTACT: &str = r#"{"channel":{"type":"whatsapp","identifier":"+263771234567"}}"#;

fn on(client: &mut Client) {
    client.ok(&["CONFIG", "SET", "state.feed", FEED]);
}

/// A state that ends by itself, and the server has noticed.
#[track_caller]
fn session(client: &mut Client, key: &str) {
    let before = counter(client, "expired");
    client.ok(&["STATE.UPDATE", key, "0", CONTACT, "SCHEMA", "vimbiso.channel", "PX", "5"]);
    wait_until("the session ends", || counter(client, "expired") == before + 1);
}

/// The name and the value of every field of an entry.
fn words(entry: &Reply) -> Vec<&str> {
    entry.array()[1].array().iter().map(Reply::text).collect()
}

/// Ends and refusals are told with their key; commits are not. Another database says which, and stays selected.
#[test]
fn it_hears_of_ends_and_refusals_with_their_keys() {
    state_test(|_, client| {
        session(client, KEY);
        assert_eq!(client.ok(&["EXISTS", FEED]).int(), 0, "off unless it is set");
        on(client);
        session(client, KEY);
        client.ok(&["STATE.UPDATE", KEY, "0", CONTACT, "SCHEMA", "vimbiso.channel"]);
        assert!(client.err(&["STATE.UPDATE", KEY, "1", r#"{"channel":7}"#]).starts_with("IMMUTABLE "));
        client.ok(&["STATE.UPDATE", KEY, "1", "{}", "EVENT", "shown"]);
        client.ok(&["SELECT", "5"]);
        let create = ["STATE.UPDATE", KEY, "0", CONTACT, "SCHEMA", "vimbiso.channel", "PX", "20"];
        let refused = ["STATE.UPDATE", KEY, "1", r#"{"channel":7}"#, "KEEPTTL"];
        let replies = at_once(client, &[&create, &refused, &["STATE.GET", KEY]]);
        assert!(replies[1].to_string().contains("IMMUTABLE "), "{}", replies[1]);
        assert_eq!(replies[2].array().len(), 2, "the database is still selected");
        wait_until("the session ends", || counter(client, "expired") == 3);
        assert_eq!(client.ok(&["EXISTS", FEED]).int(), 0, "it is in database 0");
        let trail_of_five = client.ok(&["XRANGE", AUDIT, "-", "+"]);
        client.ok(&["SELECT", "0"]);
        assert_eq!(fields_of(client, FEED, "event"), ["expire", "reject", "reject", "expire"]);
        assert_eq!(fields_of(client, FEED, "key"), [KEY; 4]);
        assert_eq!(fields_of(client, FEED, "db"), ["-", "-", "5", "5"]);
        assert_eq!(client.ok(&["PTTL", FEED]).int(), -1);
        // The entries are those of the trails, and what is behind them.
        let feed = client.ok(&["XRANGE", FEED, "-", "+"]);
        let trail = client.ok(&["XRANGE", AUDIT, "-", "+"]);
        let of = |trail: &Reply, index: usize| trail.array()[index].clone();
        let expected = [of(&trail, 3), of(&trail, 5), of(&trail_of_five, 1), of(&trail_of_five, 2)];
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

/// What is in a refused update's error, and where it was: MULTI and scripts too. The caller needs no right to the feed.
#[test]
fn it_is_the_servers_own() {
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
        assert_eq!(Client::version(&etag), 2, "the script goes on in the same database");
        client.ok(&["AUTH", "default", ""]);
        client.ok(&["SELECT", "0"]);
        assert_eq!(fields_of(client, FEED, "event"), ["reject", "reject"]);
        assert_eq!(fields_of(client, FEED, "db"), ["2", "2"]);
        assert_eq!(fields_of(client, FEED, "user"), ["flow", "flow"]);
        client.ok(&["ACL", "DELUSER", "flow"]);
    });
}

/// About as many entries as `state.feed-maxlen` says, and a replica that is not configured for it has exactly the same.
#[test]
fn a_replica_has_the_same_feed_without_a_setting() {
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
    wait_until("the sessions end", || counter(&mut here, "expired") == 2);
    for _ in 0..400 {
        here.err(&["STATE.UPDATE", KEY, "1", r#"{"channel":7}"#]);
        here.ok(&["STATE.UPDATE", KEY, "1", "{}"]);
        here.ok(&["DEL", AUDIT]);
    }
    let len = here.ok(&["XLEN", FEED]).int();
    assert!((10..200).contains(&len), "{len} entries");
    // An expiry by hand does not stay.
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

/// Something else under the feed's key stays as it is, and the log says so once for each time the setting is changed.
#[test]
fn another_type_under_its_key_is_left_alone() {
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
    assert_eq!(fields_of(&mut client, AUDIT, "event").len(), 8, "the trails have their entries");
    client.ok(&["STATE.UPDATE", KEY, "0", CONTACT, "SCHEMA", "vimbiso.channel"]);
    assert!(client.err(&["STATE.UPDATE", KEY, "1", r#"{"channel":7}"#]).starts_with("IMMUTABLE "));
    client.ok(&["DEL", FEED]);
    client.err(&["STATE.UPDATE", KEY, "1", r#"{"channel":7}"#]);
    assert_eq!(fields_of(&mut client, FEED, "event"), ["reject"]);
}

#[test]
fn the_setting_has_its_limit() {
    let server = Server::start();
    let mut client = server.client();
    for bytes in [127, 128] {
        client.ok(&["CONFIG", "SET", "state.feed", &"f".repeat(bytes)]);
    }
    let error = client.err(&["CONFIG", "SET", "state.feed", &"f".repeat(129)]);
    assert!(error.contains("state.feed must be a key of at most 128 bytes"), "{error}");
}

/// What a bot does: reads for its group, acts, acknowledges. `from` is `0` for what it has been given and not acknowledged.
#[track_caller]
fn read(client: &mut Client, from: &str) -> Vec<(String, String)> {
    let reply = client.ok(&["XREADGROUP", "GROUP", "bot", "one", "COUNT", "3", "STREAMS", FEED, from]);
    let Reply::Array(streams) = reply else { return Vec::new() };
    let entries = streams[0].array()[1].array();
    entries.iter().map(|entry| (entry.array()[0].text().to_owned(), field(entry, "key"))).collect()
}

#[track_caller]
fn acknowledge(client: &mut Client, entries: &[(String, String)], heard: &mut BTreeMap<String, u32>) {
    for (id, key) in entries {
        assert_eq!(client.ok(&["XACK", FEED, "bot", id]).int(), 1);
        *heard.entry(key.clone()).or_default() += 1;
    }
}

/// S15, S16: one consumer group hears of every session end exactly once, across restarts of the bot and of the server.
#[test]
fn a_bot_that_restarts_hears_of_every_end_once() {
    let builder = Server::builder().arg("--appendonly").arg("yes").arg("--appendfsync").arg("always");
    let mut server = builder.arg("--state.feed").arg(FEED).start();
    let mut client = server.client();
    client.ok(&["XGROUP", "CREATE", FEED, "bot", "0", "MKSTREAM"]);
    let keys: Vec<String> = (0..9).map(|index| format!("channel:+26377123456{index}")).collect();
    let mut heard = BTreeMap::new();
    keys[..4].iter().for_each(|key| session(&mut client, key));
    let first = read(&mut client, ">");
    assert_eq!(first.len(), 3);
    acknowledge(&mut client, &first[..1], &mut heard);
    // The bot goes down with two entries unanswered, then the server does. Sessions end while nobody listens.
    drop(client);
    server.kill();
    server.start_again();
    let mut client = server.client();
    keys[4..].iter().for_each(|key| session(&mut client, key));
    client.ok(&["STATE.UPDATE", "channel:refused", "0", CONTACT, "SCHEMA", "vimbiso.channel"]);
    client.err(&["STATE.UPDATE", "channel:refused", "1", r#"{"channel":7}"#]);
    // A new connection of the same consumer: what it was given comes again, once, then what is new.
    let mut client = server.client();
    let again = read(&mut client, "0");
    assert_eq!(again, first[1..]);
    acknowledge(&mut client, &again, &mut heard);
    assert_eq!(read(&mut client, "0"), []);
    loop {
        let entries = read(&mut client, ">");
        if entries.is_empty() {
            break;
        }
        acknowledge(&mut client, &entries, &mut heard);
    }
    let mut expected: BTreeMap<String, u32> = keys.iter().map(|key| (key.clone(), 1)).collect();
    expected.insert("channel:refused".to_owned(), 1);
    assert_eq!(heard, expected);
    server.restart();
    let mut client = server.client();
    assert_eq!((read(&mut client, "0"), read(&mut client, ">")), (vec![], vec![]), "nothing comes twice");
}
