//! history: 64 clients read, change and roll back a few states concurrently, while their server is
//! stopped, resumed and killed. Their requests and replies are a history, which must be
//! linearizable for each key (see `linear.rs`).
//!
//! Four keys are shared by all clients. Before that, each four clients share a key for a few
//! requests: those histories are short enough for a search as well. Not pieces of a long history:
//! operations that overlap the ends of a piece would have to be guessed.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::{Value, json};
use support::{Client, Server};

use crate::crowd::prepare;
use crate::history_client::Talker;
use crate::linear::{History, Operation};
use crate::reference::Reference;
use crate::rounds::{Figures, Rounds, rounds};
use crate::story::Story;

const CLIENTS: usize = 64;

/// The number of clients that share a key of their own.
const GROUP: usize = 4;

/// The numbers of requests to the key of the group, and to the shared keys.
const REQUESTS: [usize; 2] = [4, 36];

/// No state has a token, so nothing lapses.
const TOKEN_S: f64 = 3_600.0;

/// S31, S33: of concurrent writers one makes each version. A round has 64 times 40 operations:
/// 51,200 in total, five million in a soak.
#[test]
fn history() {
    let seen = rounds("history", Rounds { in_test: 20, in_soak: 2_000 }, |dice, figures| {
        let mut server = start();
        let mut client = server.client();
        let keys: Vec<String> = (0..4).map(|n| format!("channel:+26377123456{n}")).collect();
        let groups: Vec<String> =
            (0..CLIENTS / GROUP).map(|n| format!("channel:+2637798765{n:02}")).collect();
        let first: BTreeMap<&String, Value> =
            keys.iter().chain(&groups).map(|key| (key, created(&mut client, key))).collect();
        let talker = |client: usize| {
            let own = (groups[client / GROUP].clone(), REQUESTS[0]);
            Talker::new(client, dice, own, &keys, REQUESTS[1])
        };
        let talkers = (0..CLIENTS).map(talker).collect();
        let talkers = lives(dice, &mut server, talkers, figures);
        each_version_has_one_etag(&talkers);
        let mut client = server.client();
        for (key, document) in first {
            let history = history_of(&mut client, key, document, &talkers);
            count(figures, &history);
            if let Err(wrong) = history.judge() {
                panic!("{key}: {wrong}");
            }
            if groups.contains(key) {
                assert!(history.is_found_linearizable(), "{key}: a search finds no order");
                figures.add("histories searched", 1);
            }
        }
    });
    let Some(seen) = seen else { return };
    for what in ["versions", "conflicts", "rebased", "without a reply", "kills", "histories searched"] {
        assert!(seen.get(what) > 0, "no {what} in any round");
    }
}

fn start() -> Server {
    let builder =
        Server::builder().without_schemas().arg("--appendonly").arg("yes").arg("--appendfsync").arg("always");
    // Nothing is trimmed from the snapshots or the audit stream: a rollback always finds its
    // target.
    let builder = builder.arg("--state.snapshots").arg("1000").arg("--state.audit-maxlen").arg("1000000");
    let server = builder.start();
    prepare(&mut server.client(), TOKEN_S);
    server
}

/// Creates version 1, the first of the history.
fn created(client: &mut Client, key: &str) -> Value {
    let channel = json!({"type": "whatsapp", "identifier": key.trim_start_matches("channel:")});
    let change = json!({"channel": channel, "current": {"data": {"page": "first"}}}).to_string();
    let state = client.ok(&["STATE.UPDATE", key, "0", &change, "RETURN"]);
    serde_json::from_str(state.array()[1].text()).expect("a document is JSON")
}

/// All clients send all their requests, in two lives of the server, or in one.
fn lives(
    dice: &mut Rng,
    server: &mut Server,
    mut talkers: Vec<Talker>,
    figures: &mut Figures,
) -> Vec<Talker> {
    if dice.u8(..3) > 0 {
        let crowd = begin(server, talkers);
        disturb(dice, server, figures);
        server.kill();
        let dead_at = Instant::now();
        let ended = silent(crowd).into_iter().enumerate();
        talkers = ended.map(|(n, talker)| talker.survived(dead_at, CLIENTS + n)).collect();
        server.start_again();
        figures.add("kills", 1);
    }
    let crowd = begin(server, talkers);
    disturb(dice, server, figures);
    server.thaw();
    let talkers = silent(crowd);
    assert!(!talkers.iter().any(Talker::has_more), "the server has crashed");
    talkers
}

fn begin(server: &Server, talkers: Vec<Talker>) -> Vec<JoinHandle<Talker>> {
    let one = |talker: Talker| {
        let mut client = server.client();
        std::thread::spawn(move || talker.talk(&mut client))
    };
    talkers.into_iter().map(one).collect()
}

fn silent(crowd: Vec<JoinHandle<Talker>>) -> Vec<Talker> {
    crowd.into_iter().map(|talker| talker.join().expect("a client without a failure")).collect()
}

/// Stops the server for some milliseconds, several times or not at all; it may stay stopped.
fn disturb(dice: &mut Rng, server: &Server, figures: &mut Figures) {
    for _ in 0..dice.u8(..3) {
        std::thread::sleep(Duration::from_micros(dice.u64(1_000..60_000)));
        server.freeze();
        std::thread::sleep(Duration::from_micros(dice.u64(1_000..20_000)));
        if dice.u8(..4) > 0 {
            server.thaw();
        }
        figures.add("stops", 1);
    }
    std::thread::sleep(Duration::from_micros(dice.u64(1_000..60_000)));
}

#[track_caller]
fn each_version_has_one_etag(talkers: &[Talker]) {
    let mut etags: BTreeMap<(&str, u64), &str> = BTreeMap::new();
    for (key, etag) in talkers.iter().flat_map(|talker| &talker.etags) {
        let known = *etags.entry((key, Client::version(etag))).or_insert(etag);
        assert_eq!(known, etag, "two etags of one version of {key}");
    }
}

/// All operations on a key, and the author of each version by its audit stream, which alone shows
/// the unacknowledged ones that were applied.
fn history_of(client: &mut Client, key: &str, first: Value, talkers: &[Talker]) -> History {
    let operations = talkers.iter().flat_map(|talker| &talker.operations);
    let operations: Vec<Operation> =
        operations.filter(|(of, _)| of == key).map(|(_, operation)| operation.clone()).collect();
    let story = Story::read(client, key);
    let [life] = &story.lives[..] else { panic!("{key} has one life") };
    let commits = life.told.iter().skip(1).map(|told| {
        assert!(["update", "rollback"].contains(&told.event.as_str()), "{key}: {}", told.event);
        (Client::version(&told.etag), told.actor.clone().expect("every client has a name"))
    });
    History { first: Reference::created(first), operations, commits: commits.collect() }
}

fn count(figures: &mut Figures, history: &History) {
    use crate::reference::{Ask, Said};
    let made: BTreeSet<&String> = history.commits.values().collect();
    figures.add("operations", history.operations.len() as u64);
    figures.add("versions", history.commits.len() as u64);
    for operation in &history.operations {
        match (&operation.said, &operation.ask) {
            (None, _) => {
                figures.add("without a reply", 1);
                figures.add("without a reply, but applied", u64::from(made.contains(&operation.name)));
            }
            (Some(Said::Conflict { .. }), _) => figures.add("conflicts", 1),
            (
                Some(Said::State { version, .. }),
                Ask::Merge { rebase: true, expected: Some(expected), .. },
            ) => {
                figures.add("rebased", u64::from(*version > expected + 1));
            }
            _ => {}
        }
    }
}
