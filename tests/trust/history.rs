//! history: 64 clients read, change and roll back a few states at once, while their server is
//! stopped, continued and killed. Their requests and responses are a history, which must be
//! linearizable for each key (`linearizability.rs`).
//!
//! All clients share four keys. Before that each four clients share a key for a few requests: these
//! histories are short enough to be checked by a search too. Not by pieces of a long history:
//! operations reach over the ends of a piece.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::json;
use support::{Client, Server};

use crate::audited::Audited;
use crate::crowd::prepare;
use crate::history_client::HistoryClient;
use crate::linearizability::{History, Operation};
use crate::rounds::{Figures, Rounds, rounds};
use crate::sequential::{Expected, Request, Response, Sequential};

const CLIENTS: usize = 64;

/// The clients that share a key of their own.
const GROUP: usize = 4;

/// The requests of a client at the key of its group, and at the shared keys.
const REQUESTS: [usize; 2] = [4, 36];

/// No client writes a token, so nothing lapses.
const TOKEN_S: f64 = 3_600.0;

/// S31, S33: of concurrent writers exactly one makes each version. 64 times 40 operations a round
/// are 51,200, and five million in a soak.
#[test]
fn history() {
    let seen = rounds("history", Rounds { in_test: 20, in_soak: 2_000 }, |dice, figures| {
        let mut server = start();
        let mut client = server.client();
        let keys: Vec<String> = (0..4).map(|n| format!("channel:+26377123456{n}")).collect();
        let groups: Vec<String> =
            (0..CLIENTS / GROUP).map(|n| format!("channel:+2637798765{n:02}")).collect();
        let first: BTreeMap<&String, String> =
            keys.iter().chain(&groups).map(|key| (key, created(&mut client, key))).collect();
        let new = |n: usize| {
            let own = (groups[n / GROUP].clone(), REQUESTS[0]);
            HistoryClient::new(n, dice, own, &keys, REQUESTS[1])
        };
        let clients = (0..CLIENTS).map(new).collect();
        let clients = run(dice, &mut server, clients, figures);
        each_version_has_one_etag(&clients);
        let mut client = server.client();
        for (key, document) in first {
            let history = history_of(&mut client, key, &document, &clients);
            count(figures, &history);
            if let Err(wrong) = history.check() {
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
    // No snapshot and no audit entry is trimmed: a rollback always finds its target.
    let builder = builder.arg("--state.snapshots").arg("1000").arg("--state.audit-maxlen").arg("1000000");
    let server = builder.start();
    prepare(&mut server.client(), TOKEN_S);
    server
}

/// Creates a state; returns the document of version 1.
fn created(client: &mut Client, key: &str) -> String {
    let channel = json!({"type": "whatsapp", "identifier": key.trim_start_matches("channel:")});
    let change = json!({"channel": channel, "current": {"data": {"page": "first"}}}).to_string();
    let state = client.ok(&["STATE.UPDATE", key, "0", &change, "RETURN"]);
    state.array()[1].text().to_owned()
}

/// Sends all requests, in most rounds with a kill of the server in between.
fn run(
    dice: &mut Rng,
    server: &mut Server,
    mut clients: Vec<HistoryClient>,
    figures: &mut Figures,
) -> Vec<HistoryClient> {
    if dice.u8(..3) > 0 {
        let threads = begin(server, clients);
        disturb(dice, server, figures);
        server.kill();
        let dead_at = Instant::now();
        let ended = end(threads).into_iter().enumerate();
        clients = ended.map(|(n, client)| client.survived(dead_at, CLIENTS + n)).collect();
        server.start_again();
        figures.add("kills", 1);
    }
    let threads = begin(server, clients);
    disturb(dice, server, figures);
    server.thaw();
    let clients = end(threads);
    assert!(!clients.iter().any(HistoryClient::has_more), "the server has crashed");
    clients
}

fn begin(server: &Server, clients: Vec<HistoryClient>) -> Vec<JoinHandle<HistoryClient>> {
    let one = |client: HistoryClient| {
        let mut connection = server.client();
        std::thread::spawn(move || client.run(&mut connection))
    };
    clients.into_iter().map(one).collect()
}

fn end(threads: Vec<JoinHandle<HistoryClient>>) -> Vec<HistoryClient> {
    threads.into_iter().map(|thread| thread.join().expect("a client without a panic")).collect()
}

/// Stops the server for some milliseconds, up to twice; it may stay stopped.
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
fn each_version_has_one_etag(clients: &[HistoryClient]) {
    let mut etags: BTreeMap<(&str, u64), &str> = BTreeMap::new();
    for (key, etag) in clients.iter().flat_map(|client| &client.etags) {
        let known = *etags.entry((key, Client::version(etag))).or_insert(etag);
        assert_eq!(known, etag, "two etags of one version of {key}");
    }
}

/// The operations at a key, and the commits by its audit stream, which alone knows those without a
/// response.
fn history_of(client: &mut Client, key: &str, first: &str, clients: &[HistoryClient]) -> History {
    let operations = clients.iter().flat_map(|client| &client.operations);
    let operations: Vec<Operation> =
        operations.filter(|(of, _)| of == key).map(|(_, operation)| operation.clone()).collect();
    let audited = Audited::read(client, key);
    let [life] = &audited.lives[..] else { panic!("{key} has one life") };
    let commits = life.entries.iter().skip(1).map(|entry| {
        assert!(["update", "rollback"].contains(&entry.event.as_str()), "{key}: {}", entry.event);
        (Client::version(&entry.etag), entry.actor.clone().expect("every command has an actor"))
    });
    History { first: Sequential::created(first), operations, commits: commits.collect() }
}

fn count(figures: &mut Figures, history: &History) {
    let made: BTreeSet<&String> = history.commits.values().collect();
    figures.add("operations", history.operations.len() as u64);
    figures.add("versions", history.commits.len() as u64);
    for operation in &history.operations {
        match (&operation.response, &operation.request) {
            (None, _) => {
                figures.add("without a reply", 1);
                figures.add("without a reply, but applied", u64::from(made.contains(&operation.name)));
            }
            (Some(Response::Conflict { .. }), _) => figures.add("conflicts", 1),
            (
                Some(Response::State { version, .. }),
                Request::Merge { rebase: true, expected: Expected::Etag(expected), .. },
            ) => figures.add("rebased", u64::from(*version > expected + 1)),
            _ => {}
        }
    }
}
