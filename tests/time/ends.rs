//! The end of a session on record: expired or evicted, found by whom it may be, here and on a replica (S15, S16).

use std::time::Duration;

use crate::{AUDIT, KEY, counter, field, fields_of};
use support::{Client, Server, fingerprint, state_test, wait_until};

const GREETING: &str = r#"{"current":{"path":"login","component":"LoginApiCall"}}"#;
const CONTACT: &str = r#"{"channel":{"type":"whatsapp","identifier":"+263771234567"}}"#;

/// Lets a key end that lives for a few milliseconds: longer than the clocks of two commands may differ.
fn a_moment() {
    std::thread::sleep(Duration::from_millis(30));
}

/// A server where nothing expires before somebody asks.
fn nobody_looks(client: &mut Client) {
    client.ok(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
}

/// S15, S16: nobody asks, and the trail says which version was the last, and which step.
#[test]
fn a_key_that_expires_leaves_its_last_version_and_step() {
    state_test(|_, client| {
        client.ok(&["STATE.UPDATE", KEY, "0", CONTACT, "SCHEMA", "vimbiso.channel"]);
        let etag = client.text(&["STATE.UPDATE", KEY, "1", GREETING, "PX", "20"]);
        client.ok(&["PEXPIRE", AUDIT, "1000000"]);
        wait_until("the server finds the key", || counter(client, "states") == 0);
        let entries = client.ok(&["XREVRANGE", AUDIT, "+", "-", "COUNT", "1"]);
        let entry = entries.array()[0].array()[1].array();
        let names: Vec<&str> = entry.chunks(2).map(|pair| pair[0].text()).collect();
        assert_eq!(names, ["event", "version", "etag", "at", "schema", "step"]);
        let field = |name| field(&entries.array()[0], name);
        assert_eq!((field("event"), field("version")), ("expire".to_owned(), "2".to_owned()));
        assert_eq!((field("etag"), field("schema")), (etag, "vimbiso.channel".to_owned()));
        assert_eq!(field("step"), r#"{"/current":"login/LoginApiCall"}"#);
        assert!(field("at").ends_with('Z'));
        let ttl = client.ok(&["PTTL", AUDIT]).int();
        assert!(ttl > 80_000_000, "the stream's own expiry starts again: {ttl}");
        assert_eq!((counter(client, "expired"), counter(client, "evicted")), (1, 0));
        assert_eq!(counter(client, "audit_entries"), 3);
        client.ok(&["STATE.UPDATE", KEY, "0", CONTACT]);
        assert_eq!(fields_of(client, AUDIT, "event"), ["create", "update", "expire", "create"]);
    });
}

/// S15: whoever finds the key: the entry is there once, and before what the finder does.
#[test]
fn whoever_finds_the_key_the_entry_comes_once_and_first() {
    let create = "redis.call('STATE.UPDATE', KEYS[1], '0', '{}'); return redis.call('XLEN', KEYS[2])";
    let finders: [&[&[&str]]; 10] = [
        &[&["STATE.GET", KEY]],
        &[&["STATE.UPDATE", KEY, "0", "{}"]],
        &[&["STATE.TOUCH", KEY]],
        &[&["STATE.META", KEY]],
        &[&["EXISTS", KEY]],
        &[&["DEL", KEY]],
        &[&["SCAN", "0", "COUNT", "1000"]],
        &[&["EVAL", create, "2", KEY, AUDIT]],
        &[&["MULTI"], &["EXISTS", KEY], &["STATE.UPDATE", KEY, "0", "{}"], &["EXEC"]],
        &[&["SET", KEY, "something else"]],
    ];
    for lazily_freed in ["no", "yes"] {
        state_test(|_, client| {
            client.ok(&["CONFIG", "SET", "lazyfree-lazy-expire", lazily_freed]);
            nobody_looks(client);
            for finder in finders {
                client.ok(&["FLUSHALL"]);
                client.ok(&["STATE.UPDATE", KEY, "0", "{}", "PX", "10"]);
                a_moment();
                assert_eq!(client.ok(&["XLEN", AUDIT]).int(), 1);
                for command in finder {
                    client.ok(command);
                }
                let events = fields_of(client, AUDIT, "event");
                assert_eq!(
                    events.get(..2),
                    Some(&["create".to_owned(), "expire".to_owned()][..]),
                    "{finder:?}"
                );
                let created = client.text(&["TYPE", KEY]) == "statedoc1";
                assert_eq!(events.len(), if created { 3 } else { 2 }, "{finder:?}: {events:?}");
            }
            assert_eq!(counter(client, "expired"), finders.len() as i64);
        });
    }
}

/// Steps are told by the schema's names only, and a state without steps tells none.
#[test]
fn only_a_schema_with_steps_has_one_to_tell() {
    state_test(|_, client| {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.plain", r#"{"x-ttl":0.02}"#]);
        let steps = r#"{"x-ttl":0.02,"properties":{"stage":{"type":"string","x-transitions":{"initial":["menu"],"allow":{}}}}}"#;
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.stages", steps]);
        for (schema, json, step) in [
            ("vimbiso.plain", r#"{"stage":"menu"}"#, "-"),
            ("vimbiso.stages", r#"{"stage":"menu"}"#, r#"{"/stage":"menu"}"#),
            ("vimbiso.stages", "{}", "{}"),
        ] {
            client.ok(&["STATE.UPDATE", KEY, "0", json, "SCHEMA", schema]);
            wait_until("the key is gone", || client.ok(&["EXISTS", KEY]).int() == 0);
            assert_eq!(fields_of(client, AUDIT, "step").last().map(String::as_str), Some(step), "{json}");
            assert_eq!(fields_of(client, AUDIT, "schema").last().map(String::as_str), Some(schema));
        }
    });
}

/// What ends otherwise, or has no place for an entry, leaves none; and a string that expires is no session, even where a
/// state was deleted just before.
#[test]
fn what_is_no_session_end_leaves_nothing() {
    state_test(|_, client| {
        nobody_looks(client);
        let events = |client: &mut Client, stream: &str| fields_of(client, stream, "event");
        client.ok(&["STATE.UPDATE", KEY, "0", "{}"]);
        client.ok(&[
            "EVAL",
            "redis.call('DEL', KEYS[1]); redis.call('SET', KEYS[1], 'x', 'PX', '5')",
            "1",
            KEY,
        ]);
        a_moment();
        assert!(client.ok(&["GET", KEY]).is_nil());
        client.ok(&["STATE.UPDATE", KEY, "0", "{}"]);
        client.ok(&["RENAME", KEY, "channel:moved"]);
        client.ok(&["SET", KEY, "x", "PX", "5"]);
        a_moment();
        assert!(client.ok(&["GET", KEY]).is_nil());
        assert_eq!(events(client, AUDIT), ["create", "create"]);
        assert_eq!(counter(client, "expired"), 0);
        // A trail that is something else, and a key that can have none.
        client.ok(&["STATE.UPDATE", KEY, "0", "{}", "PX", "5"]);
        client.ok(&["SET", AUDIT, "no stream"]);
        client.ok(&["STATE.UPDATE", "channel:odd", "0", "{}", "PX", "5"]);
        client.ok(&["RENAME", "channel:odd", "odd}key"]);
        a_moment();
        assert_eq!(client.ok(&["EXISTS", KEY, "odd}key"]).int(), 0);
        assert_eq!((client.text(&["GET", AUDIT]), counter(client, "expired")), ("no stream".to_owned(), 2));
        assert_eq!(events(client, "{channel:odd}:audit"), ["create"]);
        client.ok(&["CONFIG", "SET", "state.audit", "no"]);
        client.ok(&["DEL", AUDIT]);
        client.ok(&["STATE.UPDATE", KEY, "0", "{}", "PX", "5"]);
        a_moment();
        assert_eq!(client.ok(&["EXISTS", KEY, AUDIT]).int(), 0);
        assert_eq!(counter(client, "expired"), 3);
        client.ok(&["FLUSHALL"]);
    });
}

/// Two databases have their trails apart.
#[test]
fn the_entry_is_in_the_database_of_its_key() {
    state_test(|_, client| {
        client.ok(&["SELECT", "5"]);
        client.ok(&["STATE.UPDATE", KEY, "0", "{}", "PX", "20"]);
        client.ok(&["SELECT", "0"]);
        wait_until("the server finds the key", || counter(client, "states") == 0);
        assert_eq!(client.ok(&["EXISTS", AUDIT]).int(), 0);
        client.ok(&["SELECT", "5"]);
        assert_eq!(fields_of(client, AUDIT, "event"), ["create", "expire"]);
        client.ok(&["SELECT", "0"]);
    });
}

/// S15: a replica gets the primary's entry, in its place, and writes none of its own; a restart from the AOF has the same.
#[test]
fn replicas_and_the_aof_have_the_same_entries() {
    let mut primary = Server::builder().arg("--appendonly").arg("yes").start();
    let replica = Server::start();
    replica.follow(&primary);
    let (mut here, mut there) = (primary.client(), replica.client());
    nobody_looks(&mut here);
    for database in ["0", "3"] {
        here.ok(&["SELECT", database]);
        there.ok(&["SELECT", database]);
        here.ok(&["STATE.UPDATE", KEY, "0", CONTACT, "SCHEMA", "vimbiso.channel", "PX", "20"]);
        a_moment();
        assert!(there.ok(&["STATE.GET", KEY]).is_nil());
        replica.catch_up(&primary);
        assert_eq!(fields_of(&mut there, AUDIT, "event"), ["create"], "a replica waits for its primary");
        here.ok(&["MULTI"]);
        here.ok(&["STATE.GET", KEY]);
        here.ok(&["STATE.UPDATE", KEY, "0", CONTACT, "SCHEMA", "vimbiso.channel", "PX", "20"]);
        here.ok(&["EXEC"]);
        a_moment();
        here.ok(&["EVAL", "return redis.call('STATE.UPDATE', KEYS[1], '0', '{}', 'PX', '20')", "1", KEY]);
        a_moment();
        here.ok(&["STATE.UPDATE", KEY, "0", "{}"]);
        here.ok(&["STATE.UPDATE", "channel:active", "0", "{}", "PX", "10"]);
    }
    here.ok(&["DEBUG", "SET-ACTIVE-EXPIRE", "1"]);
    wait_until("both are found", || counter(&mut here, "expired") == 8);
    replica.catch_up(&primary);
    let events = ["create", "expire", "create", "expire", "create", "expire", "create"];
    for database in ["0", "3"] {
        for client in [&mut here, &mut there] {
            client.ok(&["SELECT", database]);
            assert_eq!(fields_of(client, AUDIT, "event"), events);
            assert_eq!(fields_of(client, "{channel:active}:audit", "event"), ["create", "expire"]);
        }
        let all = |client: &mut Client, stream| client.ok(&["XRANGE", stream, "-", "+"]);
        assert_eq!(all(&mut there, AUDIT), all(&mut here, AUDIT));
        assert_eq!(all(&mut there, "{channel:active}:audit"), all(&mut here, "{channel:active}:audit"));
    }
    assert_eq!((counter(&mut there, "expired"), counter(&mut there, "audit_entries")), (0, 0));
    let before = fingerprint(&mut here);
    assert_eq!(fingerprint(&mut there), before);
    primary.kill();
    primary.start_again();
    assert_eq!(fingerprint(&mut primary.client()), before);
}

fn used_memory(client: &mut Client) -> u64 {
    client.info("memory", "used_memory").parse().expect("a number")
}

/// S15, S16: a state that is evicted says so, and where it stood.
#[test]
fn an_evicted_state_says_so() {
    state_test(|_, client| {
        let long = format!(r#"{{"note":"{}"}}"#, "x".repeat(900_000));
        let steps = r#"{"properties":{"stage":{"type":"string","default":"menu","x-transitions":{"initial":["menu"],"allow":{}}}}}"#;
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.stages", steps]);
        client.ok(&["STATE.UPDATE", KEY, "0", &long, "SCHEMA", "vimbiso.stages"]);
        // Nothing but the state may go.
        client.ok(&["PERSIST", AUDIT]);
        client.ok(&["CONFIG", "SET", "maxmemory-policy", "volatile-ttl"]);
        let limit = (used_memory(client) - 400_000).to_string();
        client.ok(&["CONFIG", "SET", "maxmemory", &limit]);
        wait_until("the state is evicted", || counter(client, "states") == 0);
        client.ok(&["CONFIG", "SET", "maxmemory", "0"]);
        assert_eq!(fields_of(client, AUDIT, "event"), ["create", "evict"]);
        assert_eq!(fields_of(client, AUDIT, "version"), ["1", "1"]);
        assert_eq!(fields_of(client, AUDIT, "step"), ["-", r#"{"/stage":"menu"}"#]);
        assert_eq!((counter(client, "evicted"), counter(client, "expired")), (1, 0));
        assert!(client.ok(&["PTTL", AUDIT]).int() > 0, "the stream expires again");
    });
}

/// The entries take memory too: the server finds its way below the limit all the same, and a replica goes along.
#[test]
fn a_crowd_is_evicted_on_record() {
    for policy in ["volatile-ttl", "allkeys-lru"] {
        // The backlog counts towards the limit, and on some servers its default is larger than that.
        let server = Server::builder().arg("--repl-backlog-size").arg("16kb").start();
        let replica = Server::start();
        replica.follow(&server);
        let mut client = server.client();
        client.ok(&["CONFIG", "SET", "maxmemory-policy", policy]);
        // Small streams, so that it is states that take the memory.
        client.ok(&["CONFIG", "SET", "state.audit-document-bytes", "0", "state.audit-patch-bytes", "0"]);
        let limit = (used_memory(&mut client) + 3 * 1024 * 1024).to_string();
        client.ok(&["CONFIG", "SET", "maxmemory", &limit]);
        for index in 0..600 {
            let json = format!(r#"{{"note":"{}"}}"#, "x".repeat(10_000));
            client.ok(&["STATE.UPDATE", &format!("channel:+2637712{index}"), "0", &json]);
        }
        client.ok(&["CONFIG", "SET", "maxmemory", "0"]);
        let evicted = counter(&mut client, "evicted");
        assert!(evicted > 200, "{policy}: {evicted}");
        assert_eq!(counter(&mut client, "created") - evicted, counter(&mut client, "states"));
        let streams = client.ok(&["KEYS", "*:audit"]);
        let events: Vec<String> = streams
            .array()
            .iter()
            .flat_map(|stream| fields_of(&mut client, stream.text(), "event"))
            .collect();
        assert!(events.contains(&"evict".to_owned()), "{policy}: {events:?}");
        assert!(events.iter().all(|event| ["create", "evict"].contains(&event.as_str())), "{events:?}");
        replica.catch_up(&server);
        assert_eq!(fingerprint(&mut replica.client()), fingerprint(&mut client), "{policy}");
    }
}
