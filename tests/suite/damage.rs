//! Damaged and outdated files (S7): the server loads what is whole, or stops with a log line. It
//! never crashes, and never shows half a commit.

use std::path::{Path, PathBuf};

use crate::baseline::{AUDIT, KEY, OFFER, audit_values, number};
use support::{Client, Server, fingerprint, wait_until};

/// A server that writes an AOF and syncs it after each command.
fn durable(preamble: &str) -> Server {
    let builder =
        Server::builder().without_schemas().arg("--appendonly").arg("yes").arg("--appendfsync").arg("always");
    builder.arg("--aof-use-rdb-preamble").arg(preamble).start()
}

/// The AOF file that receives new commands.
fn incremental_file(server: &Server) -> PathBuf {
    let folder = server.dir().join("appendonlydir");
    let files =
        std::fs::read_dir(folder).expect("a folder of AOF files").map(|file| file.expect("a file").path());
    files.filter(|file| file.to_string_lossy().contains(".incr.")).max().expect("an incremental file")
}

fn cut(file: &Path, bytes: usize) {
    let content = std::fs::read(file).expect("the AOF");
    std::fs::write(file, &content[..content.len() - bytes]).expect("the AOF");
}

#[test]
fn truncated_aof_loads_whole_commits() {
    let mut server = durable("yes");
    let mut client = server.client();
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.offer", r#"{"type":"object"}"#]);
    client.ok(&["STATE.UPDATE", KEY, "0", OFFER, "SCHEMA", "vimbiso.offer"]);
    for stage in ["offer", "confirm", "sent"] {
        client.ok(&["MULTI"]);
        client.ok(&["STATE.UPDATE", KEY, "*", &format!(r#"{{"stage":"{stage}"}}"#)]);
        client.ok(&["STATE.UPDATE", "channel:twin", "*", &format!(r#"{{"stage":"{stage}"}}"#)]);
        client.ok(&["EXEC"]);
    }
    let versions = |client: &mut Client| {
        let of = |client: &mut Client, key: &str| {
            let meta = client.ok(&["STATE.META", key]);
            if meta.is_nil() { 0 } else { meta.field("version").int() }
        };
        (of(client, KEY), of(client, "channel:twin"))
    };
    assert_eq!(versions(&mut client), (4, 3));
    let mut last = 4;
    // Each cut simulates a crash at another byte of the last commands.
    for step in [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233] {
        if last == 1 {
            break;
        }
        server.kill();
        cut(&incremental_file(&server), step);
        server.start_again();
        let mut client = server.client();
        let (state, twin) = versions(&mut client);
        assert!(state <= last && state >= 1, "version {state} after {last}");
        assert_eq!(twin, state - 1, "a transaction is whole or absent");
        let told = audit_values(&mut client, AUDIT, "version");
        assert_eq!(told.last(), Some(&state.to_string()), "state and audit stream agree");
        last = state;
    }
    assert!(last < 4, "the cuts have cut nothing");
    let mut client = server.client();
    client.ok(&["STATE.UPDATE", KEY, "*", r#"{"stage":"on"}"#]);
}

#[test]
fn damaged_rdb_is_loaded_or_rejected_without_a_crash() {
    let mut server = Server::builder().without_schemas().arg("--rdbchecksum").arg("no").start();
    let mut client = server.client();
    // Without the audit stream: how Redis loads damaged streams is not tested here.
    client.ok(&["CONFIG", "SET", "state.audit", "no"]);
    client.ok(&["CONFIG", "SET", "rdbcompression", "no"]);
    client.ok(&[
        "STATE.SCHEMA",
        "SET",
        "vimbiso.offer",
        r#"{"type":"object","properties":{"stage":{"type":"string"}}}"#,
    ]);
    client.ok(&["STATE.UPDATE", KEY, "0", OFFER, "SCHEMA", "vimbiso.offer", "LABEL", "first"]);
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"offer"}"#]);
    client.ok(&["SAVE"]);
    server.kill();
    let file = server.dir().join("dump.rdb");
    let whole = std::fs::read(&file).expect("the snapshot file");
    let find =
        |text: &str| whole.windows(text.len()).position(|part| part == text.as_bytes()).expect("in the file");
    let (schema, document) = (find("vimbiso.offer"), find(r#"{"channel""#));
    // From a little before each to its end: lengths, numbers, texts.
    let places = (schema - 12..schema + 90).step_by(6).chain((document - 40..document + 40).step_by(4));
    let (mut loaded, mut rejected, mut with_offset) = (0, 0, 0);
    for place in places {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x15;
        std::fs::write(&file, &damaged).expect("the snapshot file");
        if let Err(log) = server.try_start_again() {
            rejected += 1;
            with_offset += usize::from(log.contains("can't be loaded: corrupt payload at byte"));
            continue;
        }
        let mut client = server.client();
        let _whole = fingerprint(&mut client);
        assert_eq!(number(&mut client, "state", "state_panics"), 0);
        server.kill();
        loaded += 1;
    }
    // A damaged schema that is still JSON is loaded; commands then reply BADSCHEMA.
    assert!(rejected > 5 && loaded > 0, "{loaded} loaded, {rejected} rejected");
    assert!(with_offset > 3, "{with_offset} of {rejected} logs name the offset");
    std::fs::write(&file, &whole).expect("the snapshot file");
    server.start_again();
    assert_eq!(server.client().ok(&["STATE.META", KEY]).field("version").int(), 2);
}

#[test]
fn state_that_expired_while_the_server_was_down_is_deleted() {
    for preamble in ["yes", "no"] {
        let mut server = durable(preamble);
        let mut client = server.client();
        client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"offer"}"#, "PX", "60"]);
        client.ok(&["STATE.UPDATE", "channel:kept", "0", "{}", "PERSIST"]);
        let expires_at = client.ok(&["PEXPIRETIME", KEY]).int();
        server.kill();
        let now_ms = || {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            since.expect("a clock after 1970").as_millis() as i64
        };
        wait_until("the expiry has passed", || now_ms() > expires_at);
        server.start_again();
        let mut client = server.client();
        assert!(client.ok(&["STATE.GET", KEY]).is_nil(), "preamble {preamble}");
        assert_eq!(
            audit_values(&mut client, AUDIT, "version"),
            ["1", "2", "2"],
            "the audit stream outlives the state"
        );
        assert_eq!(audit_values(&mut client, AUDIT, "event"), ["create", "update", "expire"]);
        assert_eq!(client.ok(&["TTL", "channel:kept"]).int(), -1);
        client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
        assert_eq!(number(&mut client, "state", "state_states"), 2);
    }
}

#[test]
fn states_beyond_the_present_limits_are_loaded() {
    let mut server = durable("yes");
    let mut client = server.client();
    client.ok(&["CONFIG", "SET", "state.max-depth", "128"]);
    client.ok(&["CONFIG", "SET", "state.max-bytes", "64mb"]);
    client.ok(&["CONFIG", "SET", "state.snapshots", "1000"]);
    client.ok(&["CONFIG", "SET", "state.labels", "64"]);
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(127), "]".repeat(127));
    client.ok(&["STATE.UPDATE", "channel:deep", "0", &deep]);
    client.ok(&["STATE.UPDATE", "channel:large", "0", &format!(r#"{{"note":"{}"}}"#, "x".repeat(5_000_000))]);
    for n in 0..1100 {
        let label = if n < 64 { vec!["LABEL".to_owned(), format!("label {n}")] } else { vec![] };
        let words = ["STATE.UPDATE", KEY, "*", &format!(r#"{{"n":{n}}}"#)].map(str::to_owned).to_vec();
        client.ok(&[words, label].concat());
    }
    let before = fingerprint(&mut client);
    assert_eq!(client.ok(&["STATE.META", KEY]).field("snapshots").int(), 1064, "1000 and the labelled ones");
    // A restart has the default limits; they do not apply to effects and files.
    client.ok(&["DEBUG", "RELOAD"]);
    assert_eq!(fingerprint(&mut client), before);
    for preamble in ["no", "yes"] {
        client.ok(&["CONFIG", "SET", "aof-use-rdb-preamble", preamble]);
        client.ok(&["BGREWRITEAOF"]);
        wait_until("the rewrite", || number(&mut client, "persistence", "aof_rewrite_in_progress") == 0);
        server.restart();
        client = server.client();
        assert_eq!(fingerprint(&mut client), before, "preamble {preamble}");
    }
    assert!(client.err(&["STATE.UPDATE", "channel:large", "1", r#"{"n":1}"#]).starts_with("TOOBIG "));
    client.ok(&["STATE.UPDATE", "channel:large", "1", r#"{"note":null}"#]);
    client.ok(&["STATE.UPDATE", KEY, "*", r#"{"n":0}"#]);
    let snapshots = client.ok(&["STATE.META", KEY]).field("snapshots").int();
    assert!((10..=74).contains(&snapshots), "the next commit trims to the present settings: {snapshots}");
}
