//! STATE.DELETE with PURGE erases a person: state, audit stream and the entries of the feed, also
//! when the session has expired.

use std::fs;
use std::path::Path;

use support::{Client, Reply, Server, fingerprint, wait_until};

use crate::baseline::{AUDIT, KEY};

const FEED: &str = "sessions";
const OTHER: &str = "channel:+263779999999";
const NAME: &str = "Tariro Moyo";

/// A person whose session has expired, with entries in the feed.
fn expired_person(client: &mut Client, key: &str) {
    let document = format!(r#"{{"channel":{{"identifier":"{key}"}},"name":"{NAME}"}}"#);
    client.ok(&["STATE.UPDATE", key, "0", &document]);
    client.err(&["STATE.UPDATE", key, "*", r#"[{"op":"remove","path":"/nothing"}]"#, "PATCH"]);
    client.ok(&["STATE.TOUCH", key, "PX", "1"]);
    wait_until("the session expires", || client.ok(&["EXISTS", key]).int() == 0);
}

fn purge(client: &mut Client, key: &str) -> Reply {
    client.ok(&["STATE.DELETE", key, "*", "PURGE"])
}

fn counts(reply: &Reply) -> [i64; 3] {
    ["state", "audit", "feed"].map(|name| reply.field(name).int())
}

#[test]
fn person_is_erased_after_the_session_has_expired() {
    let server = Server::builder().arg("--state.feed").arg(FEED).start();
    let replica = Server::start();
    replica.follow(&server);
    let mut client = server.client();
    expired_person(&mut client, KEY);
    expired_person(&mut client, OTHER);
    assert_eq!(client.ok(&["XLEN", FEED]).int(), 4, "a rejection and an expiry of each");
    let reply = purge(&mut client, KEY);
    assert_eq!(counts(&reply), [0, 3, 2]);
    assert!(reply.field("feed_from").is_nil());
    assert_eq!(client.ok(&["EXISTS", KEY, AUDIT]).int(), 0);
    let left = client.ok(&["XRANGE", FEED, "-", "+"]);
    assert!(left.array().len() == 2 && !left.to_string().contains(KEY), "{left}");
    replica.catch_up(&server);
    assert_eq!(fingerprint(&mut replica.client()), fingerprint(&mut client));
    assert_eq!(counts(&purge(&mut client, KEY)), [0, 0, 0]);
}

/// The feed lies in database 0; the same key in another database is another person's.
#[test]
fn only_entries_of_the_same_database_are_erased() {
    let server = Server::builder().without_schemas().arg("--state.feed").arg(FEED).start();
    let mut client = server.client();
    expired_person(&mut client, KEY);
    client.ok(&["SELECT", "3"]);
    expired_person(&mut client, KEY);
    assert_eq!(counts(&purge(&mut client, KEY)), [0, 3, 2]);
    client.ok(&["SELECT", "0"]);
    assert_eq!(client.ok(&["XLEN", FEED]).int(), 2);
    assert_eq!(counts(&purge(&mut client, KEY)), [0, 3, 2]);
}

/// A long feed is examined in parts, from the newest entry back.
#[test]
fn long_feed_is_erased_in_parts() {
    let server = Server::builder().without_schemas().arg("--state.feed").arg(FEED).start();
    let mut client = server.client();
    let add = |key: &str| ["XADD", FEED, "*", "event", "expire", "key", key].map(str::to_owned);
    let lines: Vec<[String; 7]> =
        (0..25_000).map(|number| add(if number % 5_000 == 0 { KEY } else { OTHER })).collect();
    client.pipeline(&lines);
    let (mut from, mut parts) = (None, Vec::new());
    for _ in 0..10 {
        let mut line = vec!["STATE.DELETE".to_owned(), KEY.to_owned(), "*".to_owned(), "PURGE".to_owned()];
        line.extend(from.iter().flat_map(|id: &String| ["FEEDFROM".to_owned(), id.clone()]));
        let reply = client.ok(&line);
        parts.push(reply.field("feed").int());
        from = Some(reply.field("feed_from")).filter(|id| !id.is_nil()).map(|id| id.text().to_owned());
        if from.is_none() {
            break;
        }
    }
    assert_eq!(parts, [2, 2, 1]);
    assert_eq!(client.ok(&["XLEN", FEED]).int(), 24_995);
    for wrong in [&["FEEDFROM", "1-1"][..], &["PURGE", "FEEDFROM", "now"], &["PURGE", "FEEDFROM", "1"]] {
        let error = client.err(&[&["STATE.DELETE", KEY, "*"], wrong].concat());
        assert!(error.starts_with("ERR syntax error: FEEDFROM needs "), "{error}");
    }
}

/// After PURGE and a rewrite of the AOF and the RDB, no file of the server has the person.
#[test]
fn no_file_of_the_server_has_an_erased_person() {
    // A deleted entry of a stream leaves the files with its node: docs/tasks.md says so.
    let server = Server::builder().without_schemas().arg("--stream-node-max-entries").arg("1");
    let server = server.arg("--appendonly").arg("yes").arg("--state.feed").arg(FEED);
    let server = server.arg("--rdbcompression").arg("no").arg("--loglevel").arg("debug").start();
    let mut client = server.client();
    expired_person(&mut client, KEY);
    expired_person(&mut client, OTHER);
    client.ok(&["SAVE"]);
    assert!(!files_with(server.dir(), KEY).is_empty(), "the files have the person");
    purge(&mut client, KEY);
    client.ok(&["SAVE"]);
    client.ok(&["BGREWRITEAOF"]);
    wait_until("the AOF is rewritten and the former one removed", || {
        files_with(server.dir(), KEY).is_empty()
    });
    assert!(!files_with(server.dir(), OTHER).is_empty(), "the other person stays");
}

/// The files below a folder that contain a text.
fn files_with(dir: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for file in fs::read_dir(dir).expect("a folder of the server") {
        let path = file.expect("a file").path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if let Ok(bytes) = fs::read(&path)
            && bytes.windows(text.len()).any(|window| window == text.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
    found
}
