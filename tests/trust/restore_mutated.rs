//! restore-mutated: RESTORE of nearly valid payloads with a correct checksum; accepted states are
//! used in every way.
//!
//! One server gets all payloads of a round, so a crash, a panic or a change of another state shows
//! at the end. They are sent in batches, each step for the whole batch: restore, read, write, use.
//! Waiting for single replies would take most of the time.
//!
//! Steps whose replies are compared are transactions: a mutated deadline has mostly passed, and a
//! timer could commit its lapse in between.

use std::collections::BTreeSet;

use redis_state_core::State;
use redis_state_core::codec::decode_state;
use support::{Client, Fingerprint, Reply, Server, fingerprint};

use crate::mutate::{Frame, Payload, Pool};
use crate::rounds::{Rounds, rounds};

const PAYLOADS: usize = 10_000;
const BATCH: usize = 250;

/// The errors that a writing command may return for a mutated state. `ERR` is checked further.
const ERRORS: &str = "BADPATCH BADSCHEMA CONFLICT ERR IDMISMATCH IMMUTABLE INVALID NOSCHEMA NOSTATE NOVERSION PROTECTED REPLAYED TOOBIG TRANSITION";

type Words = Vec<Vec<u8>>;

fn words(words: &[&str]) -> Words {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

#[test]
fn restore_mutated() {
    let seen = rounds("restore-mutated", Rounds { in_test: 50, in_soak: 5_000 }, |dice, figures| {
        let server = Server::builder().without_schemas().arg("--loglevel").arg("warning").start();
        let mut client = server.client();
        let pool = Pool::talked(dice, &mut client);
        let before = Baseline::of(&mut client);
        for _ in 0..PAYLOADS / BATCH {
            let payloads: Vec<_> = (0..BATCH).map(|_| pool.payload(dice)).collect();
            let taken = restored(&mut client, payloads);
            figures.add("payloads", BATCH as u64);
            figures.add("taken", taken.len() as u64);
            let taken = read(&mut client, taken);
            dump_and_restore_are_equal(&mut client, &taken);
            can_be_used(&mut client, &taken);
        }
        assert_eq!(Baseline::of(&mut client), before);
    });
    if let Some(seen) = seen {
        let (taken, all) = (seen.get("taken"), seen.get("payloads"));
        assert!(taken > all / 100 && taken < all / 2, "{taken} of {all} are accepted");
    }
}

#[track_caller]
fn bytes(reply: &Reply) -> Vec<u8> {
    let Reply::Bulk(bytes) = reply else { panic!("bytes, not {reply:?}") };
    bytes.clone()
}

/// The server before and after a round, which must be equal.
#[derive(Debug, PartialEq)]
struct Baseline {
    run_id: String,
    panics: String,
    data: Fingerprint,
}

impl Baseline {
    fn of(client: &mut Client) -> Baseline {
        let (run_id, panics) = (client.info("server", "run_id"), client.info("state", "state_panics"));
        Baseline { run_id, panics, data: fingerprint(client) }
    }
}

/// The keys at which a payload was accepted, and those payloads.
#[track_caller]
fn restored(client: &mut Client, payloads: Vec<Payload>) -> Vec<(String, Payload)> {
    let key = |n: usize| format!("channel:restored-{n}");
    let restore = |(n, payload): (usize, &Payload)| {
        [words(&["RESTORE", &key(n), "0"]), vec![payload.bytes.clone()]].concat()
    };
    let commands: Vec<Words> = payloads.iter().enumerate().map(restore).collect();
    let replies = client.pipeline(&commands);
    let is_taken = |(reply, (_, payload)): &(Reply, (usize, Payload))| match reply {
        Reply::Error(line) => {
            assert_eq!(line, "ERR Bad data format", "{:?}", payload.bytes);
            false
        }
        reply => reply.text() == "OK",
    };
    let taken = replies.into_iter().zip(payloads.into_iter().enumerate()).filter(is_taken);
    taken.map(|(_, (n, payload))| (key(n), payload)).collect()
}

fn twin_of(key: &str) -> String {
    key.replace("restored", "twin")
}

/// An accepted state, and its replies.
struct Taken {
    key: String,
    etag: String,
    versions: Vec<i64>,
    dump: Vec<u8>,
    digest: Reply,
}

/// The same commands for all keys, in a transaction for each key; their replies.
#[track_caller]
fn transactions<K>(client: &mut Client, keys: &[K], commands: impl Fn(&K) -> Vec<Words>) -> Vec<Vec<Reply>> {
    let mut lines = Vec::new();
    let mut ends = Vec::new();
    for key in keys {
        lines.push(words(&["MULTI"]));
        lines.extend(commands(key));
        lines.push(words(&["EXEC"]));
        ends.push(lines.len() - 1);
    }
    let replies = client.pipeline(&lines);
    ends.iter().map(|end| replies[*end].array().to_vec()).collect()
}

/// The replies of all reads agree, and the state can be copied.
#[track_caller]
fn read(client: &mut Client, restored: Vec<(String, Payload)>) -> Vec<Taken> {
    let asked = transactions(client, &restored, |(key, payload)| {
        let twin = twin_of(key);
        // Restored again, since a passed deadline may have lapsed by now.
        let restore = [words(&["RESTORE", key, "0"]), vec![payload.bytes.clone()], words(&["REPLACE"])];
        let asks = [
            &["STATE.GET", key][..],
            &["STATE.META", key],
            &["STATE.HISTORY", key],
            &["STATE.ATTEMPTS", key],
            &["TYPE", key],
            &["MEMORY", "USAGE", key],
            &["DEBUG", "DIGEST-VALUE", key],
            &["DUMP", key],
            &["COPY", key, &twin],
            &["DUMP", &twin],
            &["STATE.GET", key],
        ];
        [vec![restore.concat()], asks.map(words).to_vec()].concat()
    });
    let read = |((key, payload), replies): ((String, Payload), Vec<Reply>)| {
        let taken = taken(key, &replies[1..]);
        assert!(!payload.is_exact || taken.dump == payload.bytes, "{}: {:?}", taken.key, payload.bytes);
        taken
    };
    restored.into_iter().zip(asked).map(read).collect()
}

#[track_caller]
fn taken(key: String, replies: &[Reply]) -> Taken {
    let [state, meta, history, attempts, kind, memory, digest, dump, copied, copy, again] = replies else {
        panic!("{key}: {replies:?}")
    };
    let (etag, versions) = agree(&key, state, meta, history);
    for operation in attempts.field_names() {
        assert!(attempts.field(&operation).int() >= 0, "{key}: {attempts}");
    }
    assert_eq!(kind.text(), "statedoc1");
    assert!(memory.int() > 0);
    assert_eq!(copied.int(), 1);
    // The audit stream stays with its key, and so does the record of its newest entry.
    let (mut state_here, copy) = (state_in(dump), state_in(copy));
    state_here.set_last_entry(None);
    assert_eq!(copy, state_here, "{key}: a copy is equal");
    assert_eq!(again, state, "{key}: the state is unchanged");
    Taken { key, etag, versions, dump: bytes(dump), digest: digest.clone() }
}

fn state_in(dump: &Reply) -> State {
    let (_, state) = Frame::taken_from(&bytes(dump));
    decode_state(&state).expect("a DUMP has a valid state")
}

/// GET, META and HISTORY describe the same state; returns its etag and kept versions.
#[track_caller]
fn agree(key: &str, state: &Reply, meta: &Reply, history: &Reply) -> (String, Vec<i64>) {
    let [etag, document] = state.array() else { panic!("{key}: {state:?}") };
    let parsed: serde_json::Value = serde_json::from_str(document.text()).expect("a document is JSON");
    assert!(parsed.is_object(), "{key}: {document}");
    assert_eq!(meta.field("etag"), etag, "{key}");
    let of = |entry: &Reply, name: &str| entry.field(name).int();
    let versions: Vec<i64> = history.array().iter().map(|entry| of(entry, "version")).collect();
    assert!(versions.is_sorted_by(|newer, older| newer > older), "{key}: {versions:?}");
    assert!(
        history.array().iter().all(|entry| of(entry, "parent") < of(entry, "version")),
        "{key}: {history}"
    );
    assert_eq!(versions.len() as i64, of(meta, "snapshots") + 1, "{key}");
    assert_eq!(versions[0], of(meta, "version"), "{key}");
    assert_eq!(etag.text().split('-').next(), Some(versions[0].to_string().as_str()), "{key}");
    let labels: Vec<&Reply> =
        history.array().iter().map(|entry| entry.field("label")).filter(|label| !label.is_nil()).collect();
    let different: BTreeSet<String> = labels.iter().map(|label| label.to_string()).collect();
    assert_eq!(different.len(), labels.len(), "{key}: {labels:?}");
    (etag.text().to_owned(), versions)
}

/// DUMP, RESTORE, DUMP: the same bytes and digest; and every kept version can be read.
#[track_caller]
fn dump_and_restore_are_equal(client: &mut Client, taken: &[Taken]) {
    let asked = transactions(client, taken, |state| {
        let (key, twin) = (&state.key, twin_of(&state.key));
        let mut lines = vec![
            [words(&["RESTORE", &twin, "0"]), vec![state.dump.clone()], words(&["REPLACE"])].concat(),
            words(&["DUMP", &twin]),
            words(&["DEBUG", "DIGEST-VALUE", &twin]),
            // With its audit stream: a timer may have found a passed deadline of the copy.
            words(&["STATE.DELETE", &twin, "*", "PURGE"]),
            words(&["STATE.GET", key]),
        ];
        lines.extend(
            state.versions.iter().map(|version| words(&["STATE.GET", key, "VERSION", &version.to_string()])),
        );
        if let [newest, .., oldest] = &state.versions[..] {
            lines.push(words(&["STATE.DIFF", key, &oldest.to_string(), &newest.to_string()]));
        }
        lines
    });
    for (state, replies) in taken.iter().zip(asked) {
        let key = &state.key;
        let [restored, dump, digest, _, present, kept @ ..] = &replies[..] else {
            panic!("{key}: {replies:?}")
        };
        assert_eq!(restored.to_string(), "OK", "{key}: a DUMP is accepted: {:?}", state.dump);
        assert_eq!(bytes(dump), state.dump, "{key}");
        assert_eq!(digest, &state.digest, "{key}");
        // A passed deadline may have made a version meanwhile, and trimmed the oldest.
        if present.array()[0].text() == state.etag {
            // Under a missing schema, snapshots are not shown, since their secrets are unknown.
            let rejected =
                |reply: &Reply| matches!(reply, Reply::Error(line) if !line.starts_with("NOSCHEMA "));
            assert!(!kept.iter().any(rejected), "{key}: {kept:?}");
        }
    }
}

/// Every writing command is applied or rejected by a rule, and the state stays valid.
#[track_caller]
fn can_be_used(client: &mut Client, taken: &[Taken]) {
    let mut lines = Vec::new();
    for state in taken {
        let (key, etag) = (state.key.as_str(), state.etag.as_str());
        let oldest = state.versions.last().expect("a version").to_string();
        lines.extend(
            [
                &["STATE.WAIT", key, "0", "1"][..],
                &["STATE.ATTEMPT", key, "offer", "FAILURE", "ID", "wamid.1"],
                &[
                    "STATE.UPDATE",
                    key,
                    etag,
                    r#"{"current":{"data":{"amount":1.50}}}"#,
                    "LABEL",
                    "offer",
                    "ID",
                    "wamid.2",
                ],
                &["STATE.UPDATE", key, &oldest, r#"{"stage":"menu"}"#, "REBASE"],
                &["STATE.UPDATE", key, "*", r#"[{"op":"remove","path":"/current"}]"#, "PATCH", "DRYRUN"],
                &["STATE.SETPROTECTED", key, "*", r#"{"auth":{"token":"new"}}"#],
                &["STATE.ROLLBACK", key, "*", "LASTVALID"],
                &["STATE.ROLLBACK", key, "*", "TO", &oldest],
                &["STATE.ROLLBACK", key, "*", "LABEL", "menu"],
                &["STATE.ROLLBACK", key, "*", "ALL"],
                &["STATE.RESET", key, "*"],
                &["STATE.RECOVER", key],
                &["STATE.TOUCH", key, "EX", "600"],
            ]
            .map(words),
        );
    }
    for (reply, line) in client.pipeline(&lines).iter().zip(&lines) {
        if let Reply::Error(error) = reply {
            let prefix = error.split(' ').next().unwrap_or_default();
            let shown: Vec<_> = line.iter().map(|word| String::from_utf8_lossy(word)).collect();
            assert!(
                ERRORS.split(' ').any(|known| known == prefix) && !error.contains("internal"),
                "{shown:?}: {error}"
            );
        }
    }
    let asked = transactions(client, taken, |state| {
        let key = state.key.as_str();
        [&["STATE.GET", key][..], &["STATE.META", key], &["STATE.HISTORY", key]].map(words).to_vec()
    });
    for (state, replies) in taken.iter().zip(asked) {
        agree(&state.key, &replies[0], &replies[1], &replies[2]);
    }
    let purge =
        |state: &Taken| [words(&["STATE.DELETE", &state.key, "*", "PURGE"]), words(&["EXISTS", &state.key])];
    let purged = client.pipeline(&taken.iter().flat_map(purge).collect::<Vec<_>>());
    for (replies, state) in purged.chunks(2).zip(taken) {
        let purged = (replies[0].field("state").int(), replies[1].int());
        assert_eq!(purged, (1, 0), "{}", state.key);
    }
}
