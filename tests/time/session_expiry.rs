//! Session expiry is audited: expired or evicted, however the server notices it, on a primary and a
//! replica (S15, S16).

use std::time::Duration;

use crate::{AUDIT, KEY, counter, field, fields_of};
use support::{Client, Server, fingerprint, state_test, wait_until};

const GREETING: &str = r#"{"current":{"path":"login","component":"LoginApiCall"}}"#;
const CONTACT: &str = r#"{"channel":{"type":"whatsapp","identifier":"+263771234567"}}"#;

/// Waits longer than the clocks of two commands can differ, so that a short-lived key expires.
fn a_moment() {
    std::thread::sleep(Duration::from_millis(30));
}

/// Disables active expiry: a key expires at the next access.
fn disable_active_expiry(client: &mut Client) {
    client.ok(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
}

/// S15, S16: without any access, the audit stream records the last version and step.
#[test]
fn expiry_is_audited_with_the_last_version_and_step() {
    state_test(|_, client| {
        client.ok(&["STATE.UPDATE", KEY, "0", CONTACT, "SCHEMA", "vimbiso.channel"]);
        let etag = client.text(&["STATE.UPDATE", KEY, "1", GREETING, "PX", "20"]);
        client.ok(&["PEXPIRE", AUDIT, "1000000"]);
        wait_until("the server expires the key", || counter(client, "states") == 0);
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

/// S15: whatever access finds the expired key, there is one entry, before the effects of that
/// access.
#[test]
fn expiry_is_audited_once_and_before_the_access_that_finds_it() {
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
            disable_active_expiry(client);
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

/// Only the step names of the schema are recorded, and none without steps.
#[test]
fn only_a_schema_with_steps_adds_the_step() {
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
            wait_until("the key is deleted", || client.ok(&["EXISTS", KEY]).int() == 0);
            assert_eq!(fields_of(client, AUDIT, "step").last().map(String::as_str), Some(step), "{json}");
            assert_eq!(fields_of(client, AUDIT, "schema").last().map(String::as_str), Some(schema));
        }
    });
}

/// Other ends, and keys that can't have an audit stream, leave no entry. Neither does a string that
/// expires, even right after a state was deleted.
#[test]
fn other_deletions_leave_no_expiry_entry() {
    state_test(|_, client| {
        disable_active_expiry(client);
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
        // An audit key of another type, and a state key that can have none.
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

/// Each database has its own audit streams.
#[test]
fn entry_is_in_the_database_of_its_key() {
    state_test(|_, client| {
        client.ok(&["SELECT", "5"]);
        client.ok(&["STATE.UPDATE", KEY, "0", "{}", "PX", "20"]);
        client.ok(&["SELECT", "0"]);
        wait_until("the server expires the key", || counter(client, "states") == 0);
        assert_eq!(client.ok(&["EXISTS", AUDIT]).int(), 0);
        client.ok(&["SELECT", "5"]);
        assert_eq!(fields_of(client, AUDIT, "event"), ["create", "expire"]);
        client.ok(&["SELECT", "0"]);
    });
}

/// S15: a replica gets the primary's entry, in order, and writes none of its own; a restart from
/// the AOF has the same.
#[test]
fn replicas_and_the_aof_have_the_same_entries() {
    let mut primary = Server::builder().arg("--appendonly").arg("yes").start();
    let replica = Server::start();
    replica.follow(&primary);
    let (mut here, mut there) = (primary.client(), replica.client());
    disable_active_expiry(&mut here);
    for database in ["0", "3"] {
        here.ok(&["SELECT", database]);
        there.ok(&["SELECT", database]);
        here.ok(&["STATE.UPDATE", KEY, "0", CONTACT, "SCHEMA", "vimbiso.channel", "PX", "20"]);
        a_moment();
        assert!(there.ok(&["STATE.GET", KEY]).is_nil());
        replica.catch_up(&primary);
        assert_eq!(fields_of(&mut there, AUDIT, "event"), ["create"], "a replica writes no entry of its own");
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
    wait_until("both primaries' states have expired", || counter(&mut here, "expired") == 8);
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

/// S15, S16: the entry of an evicted state names eviction and the last step.
#[test]
fn eviction_is_audited_with_the_last_step() {
    state_test(|_, client| {
        let long = format!(r#"{{"note":"{}"}}"#, "x".repeat(900_000));
        let steps = r#"{"properties":{"stage":{"type":"string","default":"menu","x-transitions":{"initial":["menu"],"allow":{}}}}}"#;
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.stages", steps]);
        client.ok(&["STATE.UPDATE", KEY, "0", &long, "SCHEMA", "vimbiso.stages"]);
        // Only the state may be evicted.
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

/// The entries take memory too: the server still gets below the limit, and its replica agrees.
#[test]
fn mass_eviction_is_audited() {
    for policy in ["volatile-ttl", "allkeys-lru"] {
        // The backlog counts towards the limit, and on some servers its default is larger than
        // that.
        let server = Server::builder().arg("--repl-backlog-size").arg("16kb").start();
        let replica = Server::start();
        replica.follow(&server);
        let mut client = server.client();
        client.ok(&["CONFIG", "SET", "maxmemory-policy", policy]);
        // Small streams, so that states take most of the memory.
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
