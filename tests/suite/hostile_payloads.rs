//! RESTORE of payloads that no DUMP made: truncated, mutated and random ones, most with a correct
//! checksum, so that they reach the module's decoder. An accepted payload must be a working state.
//!
//! The first byte stays: with another one Redis decodes one of its own types.

use crate::baseline::{Baseline, KEY, OFFER, rejected, server_with_an_offer};
use support::{Client, Reply, Server, crc64, sealed};

/// Pseudo-random numbers, the same in every run (xorshift64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        self.below(256) as u8
    }
}

/// A state with everything in it: versions, a rollback, labels, actors, a schema, an attempt,
/// tokens.
fn server_with_a_rich_state(compress: &str) -> (Server, Client) {
    let (server, mut client) = server_with_an_offer();
    client.ok(&["CONFIG", "SET", "rdbcompression", compress]);
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.offer", r#"{"type":"object"}"#]);
    client.ok(&[
        "STATE.UPDATE",
        "channel:rich",
        "0",
        OFFER,
        "SCHEMA",
        "vimbiso.offer",
        "LABEL",
        "menu",
        "ACTOR",
        "webhook",
        "ID",
        "wamid.HBgL1",
    ]);
    client.ok(&["STATE.ATTEMPT", "channel:rich", "confirm", "FAILURE", "ID", "wamid.HBgL2"]);
    for amount in 1..5 {
        client.ok(&[
            "STATE.UPDATE",
            "channel:rich",
            "*",
            &format!(r#"{{"current":{{"data":{{"amount":{amount}.50}}}}}}"#),
        ]);
    }
    client.ok(&["STATE.ROLLBACK", "channel:rich", "5", "ACTOR", "back", "EVENT", "back"]);
    client.ok(&["STATE.UPDATE", "channel:rich", "6", r#"{"stage":"confirm"}"#, "LABEL", "confirm"]);
    (server, client)
}

fn dump(client: &mut Client, key: &str) -> Vec<u8> {
    match client.ok(&["DUMP", key]) {
        Reply::Bulk(bytes) => bytes,
        reply => panic!("DUMP answered {reply:?}"),
    }
}

/// Restores `payload`; when accepted, uses the state in every way. Returns whether it was accepted.
#[track_caller]
fn restored_state_works(client: &mut Client, payload: &[u8]) -> bool {
    let key = "channel:restored";
    match client.call(&[&b"RESTORE"[..], key.as_bytes(), b"0", payload]) {
        Reply::Error(line) => {
            let known = ["ERR Bad data format", "ERR DUMP payload version or checksum are wrong"];
            assert!(known.contains(&line.as_str()), "{line}");
            assert_eq!(client.ok(&["EXISTS", key]).int(), 0);
            return false;
        }
        reply => assert_eq!(reply.text(), "OK"),
    }
    assert_eq!(client.text(&["TYPE", key]), "statedoc1");
    let (etag, document) = client.state(key);
    let parsed: serde_json::Value = serde_json::from_str(&document).expect("a restored document is JSON");
    assert!(parsed.is_object(), "{document}");
    client.ok(&["STATE.META", key]);
    let versions: Vec<i64> =
        client.ok(&["STATE.HISTORY", key]).array().iter().map(|entry| entry.field("version").int()).collect();
    assert!(versions.is_sorted_by(|a, b| a > b), "newest first: {versions:?}");
    for version in &versions {
        client.ok(&["STATE.GET", key, "VERSION", &version.to_string()]);
    }
    client.ok(&["DEBUG", "DIGEST-VALUE", key]);
    client.ok(&["MEMORY", "USAGE", key]);
    client.ok(&["COPY", key, "channel:copied"]);
    assert_eq!(
        dump(client, "channel:copied"),
        dump(client, key),
        "an accepted payload is encoded the same way again"
    );
    // A missing schema or a version at its maximum may reject a change; a crash is a failure.
    for command in [
        vec!["STATE.UPDATE", key, &etag, r#"{"stage":"menu"}"#],
        vec!["STATE.ROLLBACK", key, "*"],
        vec!["STATE.ROLLBACK", key, "*", "LASTVALID"],
    ] {
        if let Reply::Error(line) = client.call(&command) {
            let prefix = line.split(' ').next().unwrap_or_default();
            assert!(["NOSCHEMA", "NOVERSION", "INVALID", "ERR"].contains(&prefix), "{line}");
            assert!(!line.contains("internal"), "{line}");
        }
    }
    client.ok(&["DEL", key, "channel:copied", "{channel:restored}:audit"]);
    true
}

/// Mutated payloads are rejected or work, and all other data of the server is unchanged.
fn survives(mut mutate: impl FnMut(&mut Dice, &[u8]) -> Vec<u8>, rounds: usize) {
    for compress in ["yes", "no"] {
        let (server, mut client) = server_with_a_rich_state(compress);
        let payload = dump(&mut client, "channel:rich");
        let before = Baseline::of(&server, &mut client);
        let mut dice = Dice(0x5eed_cafe);
        for _ in 0..rounds {
            let broken = mutate(&mut dice, &payload);
            restored_state_works(&mut client, &broken);
        }
        let after = Baseline::of(&server, &mut client);
        after.has_the_data_of(&before);
    }
}

#[test]
fn checksum_of_this_test_matches_redis() {
    let (_server, mut client) = server_with_a_rich_state("yes");
    let payload = dump(&mut client, "channel:rich");
    assert_eq!(crc64(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
    assert_eq!(sealed(&payload[..payload.len() - 8]), payload);
    assert!(restored_state_works(&mut client, &payload), "an unchanged payload is accepted");
}

#[test]
fn log_names_the_offset_of_a_corrupt_payload() {
    let (server, mut client) = server_with_a_rich_state("no");
    let mut payload = dump(&mut client, "channel:rich");
    let document = payload.windows(9).position(|part| part == br#"{"channel"#).expect("a document");
    payload[document] = b'[';
    assert!(!restored_state_works(&mut client, &sealed(&payload[..payload.len() - 8])));
    let log = server.log();
    let line = log.lines().find(|line| line.contains("can't be loaded")).expect("a line in the log");
    assert!(line.contains("corrupt payload at byte"), "{line}");
    assert!(line.ends_with("expected a JSON object in canonical text"), "{line}");
}

#[test]
fn every_truncation_is_rejected() {
    for compress in ["yes", "no"] {
        let (server, mut client) = server_with_a_rich_state(compress);
        let payload = dump(&mut client, "channel:rich");
        let (body, footer) = payload.split_at(payload.len() - 10);
        let version = &footer[..2];
        let before = Baseline::of(&server, &mut client);
        for len in 1..body.len() {
            // With a footer of its own, and simply cut. The server reads on into the footer: if no
            // more is missing than the footer's length, its version and checksum stand for the end
            // of the state and may complete it (about one run in a hundred).
            let taken = restored_state_works(&mut client, &sealed(&[&body[..len], version].concat()));
            assert!(!taken || body.len() - len <= footer.len(), "{len} of {} bytes", body.len());
            assert!(!restored_state_works(&mut client, &payload[..len]), "{len} bytes");
        }
        for more in [&b"\0"[..], b"x", body] {
            let _taken = restored_state_works(&mut client, &sealed(&[body, more, version].concat()));
        }
        Baseline::of(&server, &mut client).has_the_data_of(&before);
    }
}

#[test]
fn flipped_bytes_are_rejected_or_make_a_working_state() {
    survives(
        |dice, payload| {
            let mut body = payload[..payload.len() - 8].to_vec();
            for _ in 0..=dice.below(3) {
                let at = 1 + dice.below(body.len() - 3);
                body[at] = dice.byte();
            }
            sealed(&body)
        },
        1500,
    );
}

#[test]
fn removed_inserted_and_repeated_ranges_are_rejected_or_work() {
    survives(
        |dice, payload| {
            let (body, version) = payload[..payload.len() - 8].split_at(payload.len() - 10);
            let from = 1 + dice.below(body.len() - 1);
            let to = (from + dice.below(24)).min(body.len());
            let stretch = match dice.below(4) {
                0 => Vec::new(),
                1 => body[from..to].repeat(2),
                2 => (0..dice.below(16)).map(|_| dice.byte()).collect(),
                _ => vec![0xff; to - from],
            };
            sealed(&[&body[..from], &stretch, &body[to..], version].concat())
        },
        700,
    );
}

#[test]
fn random_payloads_with_a_valid_header_are_rejected() {
    let (server, mut client) = server_with_a_rich_state("no");
    let payload = dump(&mut client, "channel:rich");
    let version = &payload[payload.len() - 10..payload.len() - 8];
    let before = Baseline::of(&server, &mut client);
    let mut dice = Dice(0xfeed);
    for _ in 0..700 {
        // The type byte and the module's 64-bit ID are valid, so that the rest reaches the module.
        let noise: Vec<u8> = (0..dice.below(64)).map(|_| dice.byte()).collect();
        let keep = 10 + dice.below(4);
        let taken = restored_state_works(&mut client, &sealed(&[&payload[..keep], &noise, version].concat()));
        assert!(!taken, "noise is no state");
    }
    Baseline::of(&server, &mut client).has_the_data_of(&before);
}

#[test]
fn corrupt_payload_replaces_nothing() {
    let (server, mut client) = server_with_a_rich_state("no");
    let mut payload = dump(&mut client, "channel:rich");
    let middle = payload.len() / 2;
    payload.truncate(middle);
    let broken = sealed(&payload);
    for options in [&[&b"REPLACE"[..]][..], &[b"REPLACE", b"ABSTTL"], &[]] {
        let args = [&[&b"RESTORE"[..], KEY.as_bytes(), b"0", &broken], options].concat();
        rejected(&server, &mut client, &args, "ERR|BUSYKEY");
    }
}
