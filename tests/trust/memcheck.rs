//! The module under memcheck, where it exchanges memory with the server: in transactions and
//! scripts, on corrupt payloads, on lapse, expiry and eviction, with blocked clients that leave, on
//! commands that run out of memory or panic, in files, and in replication both ways.
//!
//! A fixed script on one server, since starting one under memcheck takes most of the time in
//! `make test`. Random commands of the model are in tests/model/memcheck.rs.

use std::collections::BTreeMap;

use fastrand::Rng;
use support::{Client, Memcheck, Reply, Server, wait_until};

use crate::crowd::prepare;
use crate::grammar::{KEY, SIBLING, lines};
use crate::memory_figures::number;
use crate::mutate::Pool;

const PAYLOADS: usize = 250;

/// The seed of all mutations.
const SEED: u64 = 263_771_234_567;

const TOKEN_S: f64 = 0.05;

const SCHEMA: &str = r#"{"type":"object","x-ttl":1800,"properties":{"dashboard":{"x-protected":true},
    "form":{"x-ttl":0.05,"default":{}},"auth":{"properties":{"token":{"type":"string","x-secret":true}}}}}"#;

const DOCUMENT: &str =
    r#"{"current":{"path":"menu","said":"neither yes nor no"},"form":{"n":1},"auth":{"token":"jwt"}}"#;

/// Memcheck reports exactly the errors injected at the end. So it does see the module's blocks, and
/// when they are freed.
#[test]
fn memcheck_reports_only_injected_errors() {
    let watched = Memcheck::start(Server::builder().without_schemas().arg("--appendonly").arg("yes"));
    let server = watched.server();
    let mut client = server.client();
    every_line(server, &mut client);
    panics(&mut client);
    damaged_payloads(&mut client);
    lapses(&mut client);
    expiry_eviction_and_out_of_memory(&mut client);
    waiters(server, &mut client);
    files(&mut client);
    replication(server, &mut client);
    // More than one, because the server's stack may still point to the last.
    client.ok(&["STATE.FAULT", "LOSE", "5"]);
    client.ok(&["STATE.FAULT", "STRAY", "5"]);
    drop(client);
    let ours = watched.end().ours;
    let ordered = |record: &String| {
        record.contains("faults.rs:")
            && (record.contains("are definitely lost") || record.contains("Invalid read"))
    };
    let (ordered, others): (Vec<String>, Vec<String>) = ours.into_iter().partition(ordered);
    assert!(others.is_empty(), "memcheck reports of the module:\n{}", others.join("\n\n"));
    assert_eq!(ordered.len(), 2, "one leak, one read of a freed block: {ordered:?}");
}

/// Every command with every option, alone, in a transaction and in a script, while MONITOR runs.
fn every_line(server: &Server, client: &mut Client) {
    let mut monitor = server.client();
    monitor.ok(&["MONITOR"]);
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.rules", SCHEMA]);
    client.ok(&["SET", SIBLING, "tok_a4c1"]);
    let begin = ["STATE.SETPROTECTED", KEY, "*", DOCUMENT, "SCHEMA", "vimbiso.rules", "LABEL", "menu"];
    for (n, line) in lines(client).iter().enumerate() {
        let line = line.sent();
        let words: Vec<&str> = line.iter().map(String::as_str).collect();
        let script = [&["EVAL", "return redis.pcall(unpack(ARGV))", "0"], &words[..]].concat();
        let said: &[&[&str]] = match n % 3 {
            0 => &[&begin, &words],
            1 => &[&begin, &["MULTI"], &words, &words, &["EXEC"]],
            _ => &[&begin, &script],
        };
        client.pipeline(said);
    }
    assert_eq!(number(client, "state", "state_panics"), 0);
}

/// A caught panic frees what the command has allocated.
fn panics(client: &mut Client) {
    client.ok(&["DEL", KEY]);
    client.ok(&["STATE.UPDATE", KEY, "0", DOCUMENT]);
    let script = "return redis.pcall('STATE.PANIC')";
    for words in [&["STATE.PANIC"][..], &["MULTI"], &["STATE.PANIC"], &["EXEC"], &["EVAL", script, "0"]] {
        client.call(words);
    }
    for what in ["SNAPSHOT", "APPEND"] {
        for update in [["STATE.UPDATE", KEY, "*", r#"{"n":1}"#], ["STATE.SETPROTECTED", KEY, "*", "{}"]] {
            client.ok(&["STATE.FAULT", what, "1"]);
            client.call(&update);
            client.ok(&["STATE.FAULT", what, "0"]);
            client.ok(&update);
        }
    }
    assert!(number(client, "state", "state_panics") > 3);
}

/// Accepted payloads are read, copied, encoded and used.
fn damaged_payloads(client: &mut Client) {
    let mut dice = Rng::with_seed(SEED);
    client.ok(&["FLUSHALL"]);
    let pool = Pool::talked(&mut dice, client);
    let mut answers: BTreeMap<bool, u64> = BTreeMap::new();
    for n in 0..PAYLOADS {
        let (key, twin) = (format!("channel:restored-{n}"), format!("channel:twin-{n}"));
        let payload = pool.payload(&mut dice).bytes;
        let taken = client.call(&[b"RESTORE", key.as_bytes(), b"0", &payload]);
        let taken = !matches!(taken, Reply::Error(_));
        *answers.entry(taken).or_default() += 1;
        if taken {
            let uses: [&[&str]; 11] = [
                &["STATE.GET", &key],
                &["STATE.HISTORY", &key],
                &["STATE.ATTEMPTS", &key],
                &["DUMP", &key],
                &["COPY", &key, &twin],
                &["DEBUG", "DIGEST-VALUE", &key],
                &["MEMORY", "USAGE", &key],
                &["STATE.UPDATE", &key, "*", r#"{"stage":"offer"}"#],
                &["STATE.ROLLBACK", &key, "*"],
                &["STATE.RECOVER", &key],
                &["UNLINK", &key],
            ];
            client.pipeline(&uses.map(<[&str]>::to_vec));
        }
    }
    assert!(answers.len() == 2, "some are accepted and some are rejected: {answers:?}");
    client.ok(&["FLUSHALL", "ASYNC"]);
}

fn key(n: u64) -> String {
    format!("channel:+2637712{n:05}")
}

/// Members lapse by the timer, and on a read or write of due members.
fn lapses(client: &mut Client) {
    prepare(client, TOKEN_S);
    let before = number(client, "state", "state_lapses");
    for n in 0..20 {
        let channel = format!(r#"{{"type":"whatsapp","identifier":"+2637712{n:05}"}}"#);
        let json = format!(r#"{{"channel":{channel},"auth":{{"token":"jwt"}}}}"#);
        client.ok(&["STATE.SETPROTECTED", &key(n), "0", &json]);
        client.ok(&["STATE.GET", &key(n / 2)]);
        client.ok(&["STATE.UPDATE", &key(n / 2), "*", r#"{"current":{"data":{"said":"late"}}}"#]);
    }
    wait_until("tokens lapse", || number(client, "state", "state_lapses") >= before + 20);
}

/// States expire and are evicted, and commands are rejected at `maxmemory`.
fn expiry_eviction_and_out_of_memory(client: &mut Client) {
    let expired = number(client, "state", "state_expired");
    for n in 0..20 {
        client.ok(&["STATE.TOUCH", &key(n), "PX", "5"]);
    }
    wait_until("states expire", || number(client, "state", "state_expired") >= expired + 20);
    client.ok(&["STATE.SCHEMA", "UNBIND", "channel:*"]);
    let said = format!(r#"{{"said":"{}"}}"#, "x".repeat(20_000));
    let limit = number(client, "memory", "used_memory") + 1_000_000;
    client.ok(&["CONFIG", "SET", "maxmemory", &limit.to_string()]);
    client.ok(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    for n in 0..100 {
        client.ok(&["STATE.UPDATE", &key(n), "*", &said]);
    }
    assert!(number(client, "state", "state_evicted") > 10);
    client.ok(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    client.ok(&["CONFIG", "SET", "maxmemory", "1"]);
    for n in 0..10 {
        assert!(client.err(&["STATE.UPDATE", &key(n), "*", &said]).contains("OOM"));
        client.ok(&["MULTI"]);
        assert!(client.err(&["STATE.ROLLBACK", &key(n), "*"]).contains("OOM"));
        client.err(&["EXEC"]);
    }
    client.ok(&["CONFIG", "SET", "maxmemory", "0"]);
}

/// Blocked clients get a reply, time out, are unblocked, or disconnect.
fn waiters(server: &Server, client: &mut Client) {
    client.ok(&["STATE.UPDATE", KEY, "*", r#"{"stage":"menu"}"#]);
    let wait = |known: &str, timeout_ms: &str| {
        let mut waiter = server.client();
        waiter.send(&["STATE.WAIT", KEY, known, timeout_ms]);
        waiter
    };
    for end in [
        &["STATE.UPDATE", KEY, "*", r#"{"stage":"offer"}"#][..],
        &["STATE.DELETE", KEY, "*"],
        &["STATE.TOUCH", KEY, "PX", "5"],
        &["FLUSHALL"],
        &["SWAPDB", "0", "1"],
        &["CLIENT", "KILL", "TYPE", "normal"],
    ] {
        client.ok(&["STATE.UPDATE", KEY, "*", r#"{"stage":"menu"}"#]);
        let known = client.state(KEY).0;
        let mut waiters: Vec<Client> =
            (0..12).map(|n| wait(&known, if n % 4 == 3 { "200" } else { "0" })).collect();
        wait_until("the clients are blocked", || number(client, "clients", "blocked_clients") >= 9);
        // Some disconnect silently.
        waiters.drain(..3);
        client.ok(end);
        client.ok(&["STATE.UPDATE", KEY, "*", r#"{"stage":"confirm"}"#]);
        drop(waiters);
        wait_until("no client is blocked", || number(client, "clients", "blocked_clients") == 0);
    }
}

/// RDB files and AOFs of both kinds, written by child processes and loaded again.
fn files(client: &mut Client) {
    prepare(client, 3_600.0);
    let channel = r#"{"channel":{"type":"whatsapp","identifier":"+263771234567"},"auth":{"token":"jwt"}}"#;
    for n in 0..10 {
        client.ok(&["STATE.SETPROTECTED", &key(n), "*", channel, "LABEL", "menu", "ID", "wamid.1"]);
        client.ok(&["STATE.UPDATE", &key(n), "*", r#"{"current":{"data":{"said":"late"}}}"#]);
        client.ok(&["STATE.ATTEMPT", &key(n), "offer", "FAILURE", "ERROR", "late"]);
    }
    for preamble in ["yes", "no"] {
        client.ok(&["CONFIG", "SET", "aof-use-rdb-preamble", preamble]);
        client.ok(&["BGREWRITEAOF"]);
        wait_until("the AOF is rewritten", || {
            number(client, "persistence", "aof_rewrite_in_progress") == 0
                && number(client, "persistence", "aof_rewrite_scheduled") == 0
        });
        assert_eq!(client.info("persistence", "aof_last_bgrewrite_status"), "ok");
        // This command is after the rewritten part.
        client.ok(&["STATE.ATTEMPT", &key(0), "offer", "FAILURE"]);
        for load in ["LOADAOF", "RELOAD"] {
            let digest = client.text(&["DEBUG", "DIGEST"]);
            client.ok(&["DEBUG", load]);
            assert_eq!(client.text(&["DEBUG", "DIGEST"]), digest);
        }
    }
}

/// The server follows another one for a while, and has a replica itself.
fn replication(server: &Server, client: &mut Client) {
    let other = Server::builder().without_schemas().start();
    other.follow(server);
    for n in 0..10 {
        client.ok(&["STATE.ROLLBACK", &key(n), "*"]);
        client.ok(&["STATE.TOUCH", &key(n), "PX", "60000", "ALIGN", "1", SIBLING]);
    }
    other.catch_up(server);
    let mut writer = other.client();
    writer.ok(&["REPLICAOF", "NO", "ONE"]);
    server.follow(&other);
    for n in 0..10 {
        writer.ok(&["STATE.UPDATE", &key(n), "*", r#"{"current":{"data":{"said":"early"}}}"#, "PX", "60000"]);
        writer.ok(&["STATE.SCHEMA", "SET", &format!("vimbiso.other{n}"), SCHEMA]);
        writer.ok(&["STATE.DELETE", &key(n), "*", "PURGE"]);
    }
    server.catch_up(&other);
    client.ok(&["REPLICAOF", "NO", "ONE"]);
}
