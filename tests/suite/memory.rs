//! Memory limits include the module's memory (S5, S6): at `maxmemory` a write is rejected and
//! changes nothing, deleted states free their memory, and eviction takes states like any other key.

use crate::baseline::{AUDIT, Baseline, KEY, OFFER, number, rejected, server_with_an_offer};
use support::{Client, Reply, Server, wait_until};

fn used(client: &mut Client) -> i64 {
    number(client, "memory", "used_memory")
}

#[test]
fn at_maxmemory_writes_are_rejected_and_reads_work() {
    let (server, mut client) = server_with_an_offer();
    client.ok(&["STATE.SCHEMA", "SET", "open", "{}"]);
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#]);
    client.ok(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    let half = used(&mut client) / 2;
    client.ok(&["CONFIG", "SET", "maxmemory", &half.to_string()]);
    let writes: [&[&str]; 5] = [
        &["STATE.UPDATE", KEY, "2", r#"{"stage":"offer"}"#],
        &["STATE.UPDATE", KEY, "*", r#"{"stage":"offer"}"#, "REPLACE", "RETURN"],
        &["STATE.UPDATE", "channel:new", "0", "{}"],
        &["STATE.ROLLBACK", KEY, "2"],
        &["STATE.SCHEMA", "SET", "open", "true"],
    ];
    for write in writes {
        rejected(&server, &mut client, write, "OOM");
    }
    let before = Baseline::of(&server, &mut client);
    client.ok(&["MULTI"]);
    assert!(client.err(writes[0]).starts_with("OOM "));
    assert!(client.err(&["EXEC"]).starts_with("EXECABORT "));
    let script = "return redis.call('STATE.UPDATE', KEYS[1], '*', '{\"stage\":\"lua\"}')";
    assert!(client.err(&["EVAL", script, "1", KEY]).contains("OOM"));
    before.is_unchanged(&server, &mut client, "commands over the memory limit");
    client.ok(&["STATE.GET", KEY]);
    client.ok(&["STATE.META", KEY]);
    client.ok(&["STATE.HISTORY", KEY]);
    // Commands that free memory are allowed, or the server could not recover.
    assert_eq!(client.ok(&["STATE.DELETE", KEY, "2", "PURGE"]).field("state").int(), 1);
    client.ok(&["CONFIG", "SET", "maxmemory", "0"]);
    client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
}

#[test]
fn maxmemory_counts_the_memory_of_states() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    let limit = used(&mut client) + 8 * 1024 * 1024;
    client.ok(&["CONFIG", "SET", "maxmemory", &limit.to_string()]);
    let text = "x".repeat(20_000);
    let mut written = 0;
    let error = loop {
        match client.call(&[
            "STATE.UPDATE",
            &format!("channel:{written}"),
            "0",
            &format!(r#"{{"note":"{text}"}}"#),
        ]) {
            Reply::Error(line) => break line,
            _ => written += 1,
        }
        assert!(written < 1000, "20 MB of documents in 8 MB");
    };
    assert!(error.starts_with("OOM "), "{error}");
    assert!((100..420).contains(&written), "{written} documents of 20 kB in 8 MB");
    let (_, last) = client.state(&format!("channel:{}", written - 1));
    assert_eq!(last.len(), text.len() + r#"{"note":""}"#.len());
    assert!(client.ok(&["STATE.GET", &format!("channel:{written}")]).is_nil());
}

#[test]
fn deleted_states_free_their_memory() {
    let server = Server::start();
    let mut client = server.client();
    let fill = |client: &mut Client| {
        for index in 0..400 {
            let key = format!("channel:{index}");
            for version in 0..8 {
                let json = format!(r#"{{"note":"{}","version":{version}}}"#, "x".repeat(2000));
                client.ok(&[
                    "STATE.UPDATE",
                    &key,
                    "*",
                    &json,
                    "ACTOR",
                    "webhook",
                    "LABEL",
                    &format!("v{version}"),
                ]);
            }
        }
    };
    let empty = |client: &mut Client| {
        for index in 0..400 {
            client.ok(&["STATE.DELETE", &format!("channel:{index}"), "*", "PURGE"]);
        }
        wait_until("the lazy-free queue is empty", || {
            number(client, "memory", "lazyfree_pending_objects") == 0
        });
    };
    // One round for what the allocator and the server keep for reuse.
    fill(&mut client);
    empty(&mut client);
    let before = used(&mut client);
    fill(&mut client);
    let full = used(&mut client);
    let counted = number(&mut client, "state", "state_bytes");
    let streams: i64 = (0..400)
        .map(|n| client.ok(&["MEMORY", "USAGE", &format!("{{channel:{n}}}:audit"), "SAMPLES", "0"]).int())
        .sum();
    let grown = full - before;
    // A document of 2 kB a state, and seven versions that differ little.
    assert!((400 * 2000..400 * 4000).contains(&counted), "{counted}");
    let told = counted + streams;
    // Redis 8.6 reports less for a stream than it takes: 0.68 of it.
    assert!((grown * 6 / 10..grown * 13 / 10).contains(&told), "{told} bytes reported, {grown} bytes used");
    empty(&mut client);
    let after = used(&mut client);
    assert!(after - before < grown / 20, "{before} bytes before, {full} full, {after} after");
    assert_eq!(number(&mut client, "state", "state_bytes"), 0);
    assert_eq!(client.ok(&["DBSIZE"]).int(), 0);
}

#[test]
fn thousands_of_updates_of_one_state_do_not_accumulate_memory() {
    let server = Server::start();
    let mut client = server.client();
    let update = |client: &mut Client, turns: std::ops::Range<usize>| {
        for turn in turns {
            let json = format!(r#"{{"turn":{turn},"note":"{}"}}"#, "x".repeat(turn % 3000));
            client.ok(&["STATE.UPDATE", KEY, "*", &json]);
            let _refused = client.err(&["STATE.UPDATE", KEY, "0", &json]);
            let _refused = client.err(&["STATE.UPDATE", KEY, "*", "[1]"]);
        }
    };
    update(&mut client, 0..3000);
    let before = used(&mut client);
    update(&mut client, 3000..12_000);
    let after = used(&mut client);
    assert!(after - before < 1_500_000, "{before} bytes after 3000 updates, {after} after 12000");
    assert!(client.ok(&["XLEN", AUDIT]).int() < 500);
}

#[test]
fn eviction_takes_states() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let limit = used(&mut client) + 4 * 1024 * 1024;
    client.ok(&["CONFIG", "SET", "maxmemory", &limit.to_string()]);
    for index in 0..1000 {
        let json = format!(r#"{{"note":"{}"}}"#, "x".repeat(10_000));
        client.ok(&["STATE.UPDATE", &format!("channel:{index}"), "0", &json]);
    }
    assert!(number(&mut client, "stats", "evicted_keys") > 300);
    let states = number(&mut client, "state", "state_states");
    let keys = client.ok(&["SCAN", "0", "COUNT", "100000", "TYPE", "statedoc1"]);
    assert_eq!(keys.array()[1].array().len() as i64, states);
    assert!(states < 500, "{states} states of 10 kB in 4 MB");
    client.ok(&["STATE.GET", "channel:999"]);
}
