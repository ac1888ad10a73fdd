//! The frame of the fuzzing rows: a script of commands is played twice, with all data deleted after
//! each time. The server must be the same process, never slow, no larger the second time, and every
//! state must be valid.
//!
//! Not a coverage-guided fuzzer (cargo-fuzz), because it needs a nightly compiler and can't start a
//! server for each input.

use support::{Client, Reply, Server, wait_until};

use crate::memory_figures::{number, used_bytes};

pub type Words = Vec<Vec<u8>>;

/// Commands in one pipeline.
const BATCH: usize = 50;

/// Bytes that the second play may leave: the server's tables grow and shrink in steps.
const LEFT_BYTES_MAX: u64 = 32 * 1024;

/// A slower command blocks all other clients noticeably.
const SLOW_MS: u64 = 100;

/// Plays a script and checks the server; returns the number of commands with an error.
#[track_caller]
pub fn survives(script: &[Words], set_up: impl Fn(&mut Client)) -> u64 {
    let slow_us = (SLOW_MS * 1_000).to_string();
    let server = Server::builder().without_schemas().arg("--loglevel").arg("warning");
    let server =
        server.arg("--latency-tracking").arg("no").arg("--slowlog-log-slower-than").arg(slow_us).start();
    let mut client = server.client();
    let run_id = run_id(&mut client);
    let mut rejected = 0;
    let left = [0; 2].map(|_| {
        // On a new connection, whose buffers of up to a megabyte are freed with it.
        let mut player = server.client();
        set_up(&mut player);
        rejected = 0;
        for batch in script.chunks(BATCH) {
            let worked_before = worked_ms(&mut client);
            rejected += play(&mut player, batch);
            let worked = worked_ms(&mut client) - worked_before;
            none_was_slow(&mut client, worked, batch);
        }
        states_are_whole(&mut player);
        clear(&mut player);
        drop(player);
        wait_until("its connection is closed", || number(&mut client, "clients", "connected_clients") == 1);
        used_bytes(&mut client)
    });
    assert!(left[1] <= left[0] + LEFT_BYTES_MAX, "{left:?} bytes are used after all is deleted");
    assert_eq!(number(&mut client, "state", "state_panics"), 0);
    assert_eq!(self::run_id(&mut client), run_id, "{}", server.log());
    rejected
}

fn run_id(client: &mut Client) -> String {
    client.info("server", "run_id")
}

/// The CPU time of the server's main thread, in milliseconds.
fn worked_ms(client: &mut Client) -> u64 {
    let mut of = |name| client.info("cpu", name).parse::<f64>().expect("seconds");
    ((of("used_cpu_user_main_thread") + of("used_cpu_sys_main_thread")) * 1_000.0) as u64
}

/// SLOWLOG measures wall-clock time: on a busy machine it may have a command that only waited. A
/// command that really worked this long is there too, and then its batch has the CPU time.
#[track_caller]
fn none_was_slow(client: &mut Client, worked_ms: u64, batch: &[Words]) {
    if client.ok(&["SLOWLOG", "LEN"]).int() == 0 {
        return;
    }
    let slow = client.ok(&["SLOWLOG", "GET", "10"]);
    client.ok(&["SLOWLOG", "RESET"]);
    let batch = || batch.iter().map(shown).collect::<Vec<_>>().join("\n");
    assert!(worked_ms < SLOW_MS, "{worked_ms} ms of work, and slow is: {slow}\nin:\n{}", batch());
}

/// Each command gets one reply, and an error has a prefix.
#[track_caller]
fn play(client: &mut Client, batch: &[Words]) -> u64 {
    let mut rejected = 0;
    for (command, reply) in batch.iter().zip(client.pipeline(batch)) {
        let Reply::Error(line) = reply else { continue };
        let prefix = line.split(' ').next().unwrap_or_default();
        let is_prefix = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_uppercase());
        assert!(is_prefix && !line.contains("internal"), "{}: {line}", shown(command));
        assert!(!line.contains(char::is_control), "{}: {line:?}", shown(command));
        rejected += 1;
    }
    assert_eq!(client.text(&["ECHO", "in step"]), "in step");
    rejected
}

fn shown(command: &Words) -> String {
    let word = |word: &Vec<u8>| String::from_utf8_lossy(&word[..word.len().min(300)]).into_owned();
    command.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// The decoder, with its invariants, accepts the DUMP of each state, and restores an equal state.
#[track_caller]
fn states_are_whole(client: &mut Client) {
    for key in client.ok(&["KEYS", "*"]).array() {
        let Reply::Bulk(key) = key else { panic!("a key is bytes") };
        client.ok(&["MULTI"]);
        client.ok(&[b"TYPE", &key[..]]);
        client.ok(&[b"DUMP", &key[..]]);
        let replies = client.ok(&["EXEC"]);
        let [kind, Reply::Bulk(dump)] = replies.array() else { continue };
        if kind.text() != "statedoc1" {
            continue;
        }
        client.ok(&["MULTI"]);
        client.ok(&[&b"RESTORE"[..], b"twin", b"0", dump, b"REPLACE"]);
        client.ok(&["DUMP", "twin"]);
        client.ok(&["UNLINK", "twin"]);
        let replies = client.ok(&["EXEC"]);
        let again = &replies.array()[1];
        assert_eq!(again, &Reply::Bulk(dump.clone()), "{}", String::from_utf8_lossy(key));
    }
}

fn clear(client: &mut Client) {
    client.ok(&["FLUSHALL", "SYNC"]);
    // Bindings first: a schema stays listed while a pattern is bound to it.
    for schema in client.ok(&["STATE.SCHEMA", "LIST"]).array() {
        for pattern in schema.field("bindings").array() {
            let Reply::Bulk(pattern) = pattern else { panic!("a pattern is text") };
            client.ok(&[b"STATE.SCHEMA", &b"UNBIND"[..], pattern]);
        }
    }
    for schema in client.ok(&["STATE.SCHEMA", "LIST"]).array() {
        client.ok(&["STATE.SCHEMA", "DEL", schema.field("name").text(), "FORCE"]);
    }
}
