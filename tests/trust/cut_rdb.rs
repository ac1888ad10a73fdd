//! cut-rdb: a truncated RDB file, and a single state truncated at every byte.
//!
//! The checksums are off or recomputed, so that the module's decoder must detect the cut. Starting
//! a server on each cut file would take minutes. So the cuts at every byte are RESTOREs of a
//! state's DUMP, and the whole file is cut at a sample of places: the server must refuse to start,
//! with a line in its log.

use std::ops::Range;

use fastrand::Rng;
use support::{Client, Reply, Server, fingerprint, sealed};

use crate::audited::Audited;
use crate::crowd::{Person, keys, prepare};
use crate::rounds::{Figures, Rounds, rounds};

/// The number of commands of the user.
const COMMANDS: Range<usize> = 40..120;

/// The number of cut files tried.
const STARTS: usize = 10;

/// Nothing lapses while states are compared.
const TOKEN_S: f64 = 3_600.0;

/// The end of a DUMP: two bytes of version and eight of checksum.
const FOOTER_BYTES: usize = 10;

const RESTORED: &str = "channel:+263770000000";

#[test]
fn cut_rdb() {
    rounds("cut-rdb", Rounds { in_test: 10, in_soak: 200 }, |dice, figures| {
        let compressed = if dice.bool() { "yes" } else { "no" };
        let server = Server::builder().without_schemas().arg("--rdbchecksum").arg("no");
        let server = server.arg("--rdbcompression").arg(compressed).start();
        let mut client = server.client();
        prepare(&mut client, TOKEN_S);
        let mut person = Person::new("person", dice, false);
        for _ in 0..dice.usize(COMMANDS) {
            assert!(person.talk(&mut client), "the server answers");
        }
        cut_states_are_rejected(dice, &mut client, figures);
        cut_files_are_rejected(dice, server, figures);
    });
}

#[track_caller]
fn cut_states_are_rejected(dice: &mut Rng, client: &mut Client, figures: &mut Figures) {
    let there: Vec<String> = keys().filter(|key| client.ok(&["EXISTS", key]).int() == 1).collect();
    let Some(key) = dice.choice(&there) else { return };
    let Reply::Bulk(payload) = client.ok(&["DUMP", key]) else { panic!("DUMP answers bytes") };
    let (body, footer) = payload.split_at(payload.len() - FOOTER_BYTES);
    let before = fingerprint(client);
    // The first byte is Redis's own: the kind of value.
    for len in 1..body.len() {
        let cut = sealed(&[&body[..len], &footer[..2]].concat());
        let taken = client.call(&[&b"RESTORE"[..], RESTORED.as_bytes(), b"0", &cut]);
        figures.add("states cut", 1);
        if let Reply::Error(line) = taken {
            assert_eq!(line, "ERR Bad data format", "{key} cut at byte {len} of {}", body.len());
            continue;
        }
        // The decoder reads on into the footer, which may by chance complete the state.
        assert!(body.len() - len <= FOOTER_BYTES, "{key} cut at byte {len} of {} is accepted", body.len());
        works(client, RESTORED);
        client.ok(&["DEL", RESTORED]);
        figures.add("states that were whole by chance", 1);
    }
    assert_eq!(fingerprint(client), before);
    assert_eq!(client.call(&[&b"RESTORE"[..], RESTORED.as_bytes(), b"0", &payload]).text(), "OK");
    let [restored, dumped] = [RESTORED, key].map(|key| client.ok(&["STATE.GET", key]));
    assert_eq!(restored, dumped, "{key} is restored");
    client.ok(&["DEL", RESTORED]);
}

/// Every version can be read, and the module has caught no panic.
#[track_caller]
fn works(client: &mut Client, key: &str) {
    client.ok(&["STATE.GET", key]);
    client.ok(&["STATE.META", key]);
    client.ok(&["STATE.ATTEMPTS", key]);
    for entry in client.ok(&["STATE.HISTORY", key]).array() {
        client.ok(&["STATE.GET", key, "VERSION", &entry.field("version").int().to_string()]);
    }
    assert!(client.text(&["INFO", "state"]).contains("state_panics:0"));
}

#[track_caller]
fn cut_files_are_rejected(dice: &mut Rng, mut server: Server, figures: &mut Figures) {
    let mut client = server.client();
    client.ok(&["SAVE"]);
    let held = fingerprint(&mut client);
    server.kill();
    let file = server.dir().join("dump.rdb");
    let whole = std::fs::read(&file).expect("the snapshot file");
    // One in each part of the file, so that schemas, states and audit streams are all cut.
    let stretch = whole.len() / STARTS;
    for at in (0..STARTS).map(|n| n * stretch + dice.usize(..stretch)).chain([whole.len() - 1]) {
        std::fs::write(&file, &whole[..at]).expect("the snapshot file");
        let log = server.try_start_again().expect_err(&format!("cut at byte {at} of {}", whole.len()));
        // The message depends on the reader: Redis itself, or the module.
        let said = ["Internal error in RDB reading", "not able to load"];
        assert!(said.iter().any(|said| log.contains(said)), "cut at byte {at}: {log}");
        figures.add("files cut", 1);
    }
    std::fs::write(&file, &whole).expect("the snapshot file");
    server.start_again();
    let mut client = server.client();
    assert_eq!(fingerprint(&mut client), held, "the whole file");
    for key in keys() {
        Audited::read(&mut client, &key);
    }
}
