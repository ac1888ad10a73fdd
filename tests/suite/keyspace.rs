//! Redis's own commands on a state: its type, size, digest, expiry and deletion.

use crate::baseline::{AUDIT, KEY, OFFER, number};
use support::{Client, Reply, Server, state_test, wait_until};

#[test]
fn type_of_a_state_is_statedoc1() {
    state_test(|_, client| {
        client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
        client.ok(&["SET", "token:+263771234567", "tok_a4c1", "EX", "60"]);
        assert_eq!(client.text(&["TYPE", KEY]), "statedoc1");
        assert_eq!(client.text(&["TYPE", AUDIT]), "stream");
        let scan = client.ok(&["SCAN", "0", "COUNT", "1000", "TYPE", "statedoc1"]);
        assert_eq!(scan.array()[1].array(), [Reply::Bulk(KEY.into())]);
        assert_eq!(client.ok(&["OBJECT", "REFCOUNT", KEY]).int(), 1);
        assert!(client.ok(&["OBJECT", "IDLETIME", KEY]).int() < 60);
        assert_eq!(client.ok(&["EXISTS", KEY]).int(), 1);
    });
}

#[test]
fn memory_usage_grows_with_document_and_snapshots() {
    let server = Server::start();
    let mut client = server.client();
    let usage = |client: &mut Client| client.ok(&["MEMORY", "USAGE", KEY]).int();
    client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
    let small = usage(&mut client);
    assert!(small as usize > OFFER.len(), "{small} bytes for a document of {}", OFFER.len());
    let text = "x".repeat(100_000);
    client.ok(&["STATE.UPDATE", KEY, "1", &format!(r#"{{"note":"{text}"}}"#)]);
    let large = usage(&mut client);
    assert!((100_000..150_000).contains(&(large - small)), "{small} -> {large}");
    // Snapshots take memory while they are kept; one with nothing in common with the next version
    // counts whole.
    for letter in "abcdefghijklmnopqrst".chars() {
        let text = letter.to_string().repeat(100_000);
        client.ok(&["STATE.UPDATE", KEY, "*", &format!(r#"{{"note":"{text}"}}"#)]);
    }
    let full = usage(&mut client);
    assert!((1_000_000..1_300_000).contains(&full), "ten snapshots of 100 kB are {full} bytes");
    client.ok(&["CONFIG", "SET", "state.snapshots", "0"]);
    client.ok(&["STATE.UPDATE", KEY, "*", r#"{"note":null}"#]);
    let empty = usage(&mut client);
    assert!(empty < small + 2000, "{empty} bytes remain of {full}, {small} at first");
    client.ok(&["STATE.UPDATE", KEY, "*", &format!(r#"{{"note":"{text}"}}"#), "LABEL", "long"]);
    client.ok(&["STATE.UPDATE", KEY, "*", r#"{"note":null}"#]);
    assert!(usage(&mut client) > empty + 100_000, "a labelled version is kept and counted");
}

#[test]
fn info_counts_states_and_bytes_after_every_kind_of_deletion() {
    let server = Server::builder().without_schemas().start();
    let mut client = server.client();
    let create = |client: &mut Client| {
        for index in 0..50 {
            let key = format!("channel:{index}");
            client.ok(&["STATE.UPDATE", &key, "0", OFFER]);
            client.ok(&["STATE.UPDATE", &key, "1", r#"{"stage":"menu"}"#]);
        }
        client.ok(&["COPY", "channel:1", "channel:copy"]);
        assert_eq!(number(client, "state", "state_states"), 51);
        let sum: i64 =
            (0..50).map(|index| client.ok(&["MEMORY", "USAGE", &format!("channel:{index}")]).int()).sum();
        let bytes = number(client, "state", "state_bytes");
        assert!(
            bytes > 51 * 2 * OFFER.len() as i64 && bytes < 2 * sum,
            "{bytes} in INFO, {sum} by MEMORY USAGE"
        );
    };
    let ends: [&[&str]; 6] = [
        &["FLUSHALL"],
        &["FLUSHALL", "ASYNC"],
        &["FLUSHDB", "SYNC"],
        &["EVAL", "for _, k in ipairs(redis.call('KEYS', 'channel:*')) do redis.call('UNLINK', k) end", "0"],
        &[
            "EVAL",
            "for _, k in ipairs(redis.call('KEYS', 'channel:*')) do redis.call('SET', k, 'x') end",
            "0",
        ],
        &[
            "EVAL",
            "for _, k in ipairs(redis.call('KEYS', 'channel:*')) do redis.call('PEXPIRE', k, 1) end",
            "0",
        ],
    ];
    for end in ends {
        create(&mut client);
        client.ok(end);
        wait_until("the count of states reaches zero", || number(&mut client, "state", "state_states") == 0);
        wait_until("the count of bytes reaches zero", || number(&mut client, "state", "state_bytes") == 0);
        client.ok(&["FLUSHALL"]);
    }
    create(&mut client);
    client.ok(&["DEBUG", "RELOAD"]);
    // Some servers free the former dataset on another thread.
    wait_until("a reload counts each state once", || number(&mut client, "state", "state_states") == 51);
}

#[test]
fn large_state_is_freed_by_the_lazy_free_thread() {
    let server = Server::start();
    let mut client = server.client();
    for name in [
        "lazyfree-lazy-user-del",
        "lazyfree-lazy-expire",
        "lazyfree-lazy-eviction",
        "lazyfree-lazy-server-del",
    ] {
        client.ok(&["CONFIG", "SET", name, "yes"]);
    }
    // Redis frees values with fewer than 64 parts synchronously, even with lazy freeing.
    client.ok(&["CONFIG", "SET", "state.snapshots", "1000"]);
    for round in 0..20 {
        let text = "x".repeat(5_000);
        for version in 0..100 {
            let json = format!(r#"{{"note":"{round} {version} {text}"}}"#);
            client.ok(&[
                "STATE.UPDATE",
                &format!("channel:{round}"),
                "*",
                &json,
                "LABEL",
                &format!("l{}", version % 8),
            ]);
        }
    }
    let before = number(&mut client, "memory", "lazyfreed_objects");
    let keys: Vec<String> = (0..20).map(|round| format!("channel:{round}")).collect();
    let unlink: Vec<&str> = std::iter::once("UNLINK").chain(keys.iter().map(String::as_str)).collect();
    assert_eq!(client.ok(&unlink).int(), 20);
    wait_until("the states are deleted", || number(&mut client, "state", "state_states") == 0);
    wait_until("they were freed in the background", || {
        number(&mut client, "memory", "lazyfree_pending_objects") == 0
    });
    let freed = number(&mut client, "memory", "lazyfreed_objects") - before;
    assert_eq!(freed, 20, "large states go to the background thread");
    assert_eq!(client.text(&["PING"]), "PONG");
}

#[test]
fn only_equal_states_have_equal_digests() {
    state_test(|_, client| {
        let digest = |client: &mut Client, key: &str| client.ok(&["DEBUG", "DIGEST-VALUE", key]);
        client.ok(&["STATE.SCHEMA", "SET", "open", "{}"]);
        client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
        client.ok(&["STATE.UPDATE", "channel:twin", "0", OFFER]);
        assert_ne!(digest(client, KEY), digest(client, "channel:twin"), "another seed makes another digest");
        let mut seen = vec![digest(client, KEY)];
        for command in [
            vec!["STATE.UPDATE", KEY, "*", r#"{"stage":"menu"}"#],
            vec!["STATE.UPDATE", KEY, "*", "{}", "LABEL", "menu"],
            vec!["STATE.UPDATE", KEY, "*", "{}", "LABEL", "start"],
            vec!["STATE.UPDATE", KEY, "*", r#"{"stage":"offer"}"#, "ACTOR", "webhook"],
            vec!["STATE.ROLLBACK", KEY, "*"],
        ] {
            client.ok(&command);
            client.ok(&["COPY", KEY, "channel:copy", "REPLACE"]);
            let digest = digest(client, KEY);
            assert_eq!(client.ok(&["DEBUG", "DIGEST-VALUE", "channel:copy"]), digest);
            assert!(!seen.contains(&digest), "{command:?} shows in the digest");
            seen.push(digest);
        }
        client.ok(&["STATE.TOUCH", KEY, "EX", "999"]);
        assert_eq!(seen.last(), Some(&digest(client, KEY)), "the expiry is the key's, not the value's");
    });
}
