//! upgrade: this release reads and continues what earlier releases have written.
//!
//! `golden/` has a DUMP for each format number of docs/format.md, all of the same conversation, an
//! RDB file and an AOF, both with schemas and an audit stream. The release of each format wrote
//! them once, and they are never rewritten: made here, they would only show that a release reads
//! its own format.

use support::{Client, Reply, Server, fingerprint, state_test};

use crate::audited::Audited;

const KEY: &str = "channel:+263771234567";

/// The schema of the dumped state.
const SCHEMA: &str = r#"{"type":"object","x-ttl":300,"properties":{"auth":{"type":"object","x-ttl":600,"properties":{"token":{"x-secret":true,"x-ttl":60}}},"form":{"x-ttl":120},"amount":{"type":"number"}}}"#;

/// Format 1 was the first release's, with whole snapshots; format 2 had no etag key, format 3 no
/// turns and owners. The servers were Redis 7.0.
const DUMPS: [&[u8]; 4] = [
    include_bytes!("golden/dump_1.hex"),
    include_bytes!("golden/dump_2.hex"),
    include_bytes!("golden/dump_3.hex"),
    include_bytes!("golden/dump_4.hex"),
];

const SNAPSHOT: &[u8] = include_bytes!("golden/snapshot_2.hex");

/// An AOF without the RDB preamble: effects of a release with format 3.
const AOF: &[u8] = include_bytes!("golden/aof_3.hex");

const FIRST: &str = r#"{"handle":"Zoë \"z\" 🙂","amount":1.10,"steps":[1,2,3]}"#;
const FOURTH: &str = r#"{"handle":"Zoë \"z\" 🙂","amount":2.50,"steps":[1,2,3,12345678901234567890]}"#;

fn bytes(hex: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = hex.iter().copied().filter(u8::is_ascii_hexdigit).collect();
    let digit = |byte: &u8| (*byte as char).to_digit(16).expect("hex") as u8;
    digits.chunks(2).map(|pair| digit(&pair[0]) << 4 | digit(&pair[1])).collect()
}

/// The format number: the first byte of the payload's only string, after Redis's kind of value and
/// the module's ID.
fn format_of(payload: &[u8]) -> u8 {
    let string = &payload[11..];
    let len_bytes = match string[0] >> 6 {
        0 => 1,
        1 => 2,
        _ => 5,
    };
    string[len_bytes]
}

fn dump(client: &mut Client) -> Vec<u8> {
    client.ok(&["CONFIG", "SET", "rdbcompression", "no"]);
    match client.ok(&["DUMP", KEY]) {
        Reply::Bulk(payload) => payload,
        reply => panic!("DUMP answered {reply:?}"),
    }
}

fn restore(client: &mut Client, payload: &[u8]) {
    client.ok(&["STATE.SCHEMA", "SET", "offer", SCHEMA]);
    client.ok(&[&b"RESTORE"[..], KEY.as_bytes(), b"0", payload]);
    // A writing command commits due lapses, so that no timer does during the comparison.
    client.ok(&["STATE.TOUCH", KEY, "PERSIST"]);
}

fn versions(client: &mut Client) -> Vec<i64> {
    let history = client.ok(&["STATE.HISTORY", KEY]);
    history.array().iter().map(|entry| entry.field("version").int()).collect()
}

/// After the lasting members come those that lapse some minutes after a golden file was written.
#[track_caller]
fn is_but_for_what_lapses(document: &str, stays: &str) {
    assert!(document.starts_with(stays.trim_end_matches('}')), "{document}");
}

/// The state has the whole conversation; lapses since then make newer versions.
#[track_caller]
fn is_the_conversation(client: &mut Client) {
    let kept = versions(client);
    assert!(kept.ends_with(&[5, 4, 3, 2, 1]), "{kept:?}");
    for (version, document) in [("1", FIRST), ("4", FOURTH)] {
        let reply = client.ok(&["STATE.GET", KEY, "VERSION", version]);
        is_but_for_what_lapses(reply.array()[1].text(), document);
    }
    let history = client.ok(&["STATE.HISTORY", KEY]);
    let labels: Vec<&Reply> = history.array().iter().map(|entry| entry.field("label")).collect();
    let labelled = |label: &str| labels.iter().filter(|found| found.to_string() == label).count();
    assert_eq!((labelled("menu"), labelled("offer")), (1, 1));
    assert_eq!(client.ok(&["STATE.ATTEMPTS", KEY, "confirm"]).field("attempts").int(), 2);
    // The idempotency tokens are kept.
    let rejected = client.err(&["STATE.ROLLBACK", KEY, "*", "ID", "wamid.2"]);
    assert!(rejected.starts_with("IDMISMATCH "), "{rejected}");
}

/// The state can be changed, validated and rolled back.
#[track_caller]
fn goes_on(client: &mut Client) {
    let (etag, _) = client.state(KEY);
    let etag = client.text(&["STATE.UPDATE", KEY, &etag, r#"{"amount":7.50}"#]);
    let rejected = client.err(&["STATE.UPDATE", KEY, &etag, r#"{"amount":"x"}"#]);
    assert!(rejected.starts_with("INVALID 1 violation: /amount: "), "{rejected}");
    client.ok(&["STATE.ROLLBACK", KEY, &etag, "TO", "4"]);
    assert!(client.state(KEY).1.contains("12345678901234567890"));
    client.ok(&["STATE.ROLLBACK", KEY, "*", "LABEL", "menu"]);
    is_but_for_what_lapses(&client.state(KEY).1, FIRST);
}

#[test]
fn each_format_has_a_golden_dump() {
    for (hex, format) in DUMPS.iter().zip(1..) {
        assert_eq!(format_of(&bytes(hex)), format);
    }
    let server = Server::builder().without_schemas().start();
    let mut client = server.client();
    restore(&mut client, &bytes(DUMPS[0]));
    let written = format_of(&dump(&mut client));
    assert_eq!(
        usize::from(written),
        DUMPS.len(),
        "a new format needs a golden dump of its own and of the former format"
    );
}

/// After RESTORE it survives reloads, restarts and rewrites like a state of this release, before
/// and after changes.
#[test]
fn upgrade() {
    for hex in DUMPS {
        state_test(|_, client| {
            restore(client, &bytes(hex));
            is_the_conversation(client);
        });
        state_test(|_, client| {
            restore(client, &bytes(hex));
            goes_on(client);
        });
    }
}

#[test]
fn turns_and_owners_of_a_dump_are_kept() {
    let server = Server::builder().without_schemas().start();
    let mut client = server.client();
    restore(&mut client, &bytes(DUMPS[3]));
    let turn = |version: &Reply| version.field("turn").to_string();
    let turns: Vec<String> = client.ok(&["STATE.HISTORY", KEY]).array().iter().rev().map(turn).collect();
    assert_eq!(turns[..5], ["wamid.1", "(nil)", "(nil)", "(nil)", "wamid.5"]);
    let replayed = client.err(&["STATE.ROLLBACK", KEY, "*", "ID", "wamid.1", "OWNER", "web-2/1"]);
    assert!(replayed.starts_with("REPLAYED 1-") && replayed.contains(" by web-1/7: "), "{replayed}");
}

/// Dumped again it is an equal state in the present format.
#[test]
fn dump_of_an_old_format_is_restored_equal() {
    for hex in DUMPS {
        let (server, other) =
            (Server::builder().without_schemas().start(), Server::builder().without_schemas().start());
        let (mut client, mut there) = (server.client(), other.client());
        restore(&mut client, &bytes(hex));
        let anew = dump(&mut client);
        assert_eq!(usize::from(format_of(&anew)), DUMPS.len());
        restore(&mut there, &anew);
        // The audit streams stay with their keys.
        let state = |client: &mut Client| fingerprint(client).remove(&format!("0 {KEY}"));
        assert_eq!(state(&mut there), state(&mut client));
        is_the_conversation(&mut there);
        goes_on(&mut there);
    }
}

/// The unkeyed digest of an older format stays until the next version, so that etags from before
/// the upgrade still match; then digests are keyed, here and on a replica.
#[test]
fn etag_from_before_the_upgrade_still_matches() {
    for hex in &DUMPS[..2] {
        let mut server = Server::builder().without_schemas().start();
        let replica = Server::builder().without_schemas().start();
        let mut client = server.client();
        restore(&mut client, &bytes(hex));
        let (before, _) = client.state(KEY);
        drop(client);
        server.survives_persistence();
        replica.follow(&server);
        let mut client = server.client();
        assert_eq!(client.state(KEY).0, before);
        let etag = client.text(&["STATE.UPDATE", KEY, &before, r#"{"amount":7.50}"#]);
        let back = client.text(&["STATE.UPDATE", KEY, &etag, r#"{"amount":2.50}"#]);
        replica.catch_up(&server);
        assert_eq!(fingerprint(&mut replica.client()), fingerprint(&mut client));
        let digest = |etag: &str| etag.split_once('-').expect("an etag").1.to_owned();
        assert_ne!(digest(&back), digest(&before), "an equal document has another digest");
        drop(client);
        server.survives_persistence();
        assert_eq!(server.client().state(KEY).0, back);
    }
}

/// Schemas, bindings and the audit stream too.
#[test]
fn rdb_file_of_an_old_release_is_loaded() {
    let mut server = Server::builder().without_schemas().start();
    server.kill();
    std::fs::write(server.dir().join("dump.rdb"), bytes(SNAPSHOT)).expect("the snapshot file");
    server.start_again();
    let mut client = server.client();
    assert_eq!(client.ok(&["STATE.SCHEMA", "LIST"]).array().len(), 1);
    is_the_conversation(&mut client);
    // The etag key comes with the next version: until then the etags are those of the audit stream.
    Audited::read(&mut client, KEY);
    goes_on(&mut client);
    let rejected = client.err(&["STATE.UPDATE", "channel:+263779999999", "0", r#"{"amount":"x"}"#]);
    assert!(rejected.starts_with("INVALID "), "the binding holds: {rejected}");
    drop(client);
    server.survives_persistence();
}

#[test]
fn aof_of_an_old_release_is_loaded() {
    let mut server = Server::builder().without_schemas().arg("--appendonly").arg("yes").start();
    server.kill();
    let dir = server.dir();
    std::fs::remove_dir_all(dir.join("appendonlydir")).expect("the empty AOF");
    // A file of this name is taken over into the folder.
    std::fs::write(dir.join("appendonly.aof"), bytes(AOF)).expect("the AOF");
    server.start_again();
    let mut client = server.client();
    is_the_conversation(&mut client);
    Audited::read(&mut client, KEY);
    goes_on(&mut client);
    let rejected = client.err(&["STATE.UPDATE", "channel:+263779999999", "0", r#"{"amount":"x"}"#]);
    assert!(rejected.starts_with("INVALID "), "the binding holds: {rejected}");
}
