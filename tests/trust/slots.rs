//! slots: hundreds of slots migrate at once (CLUSTER MIGRATESLOTS, from Valkey 9 on) during writes
//! and lapses. The source sends later writes after the snapshot, so every version, lapse and entry
//! must arrive once and in order; `Audited` checks the state against its audit stream.
//!
//! The snapshot is slowed down (`rdb-key-save-delay`), so that many writes and lapses follow it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use fastrand::Rng;
use redis_state_client::{Change, SetProtected, connect_cluster};
use serde_json::{Value, json};
use support::{Client, Cluster, Reply, Server, block_on, wait_until};

use crate::audited::Audited;
use crate::cluster::{Written, any_key, write};
use crate::crowd::prepare;
use crate::memory_figures::number;
use crate::rounds::{Figures, Rounds, rounds};

const WRITERS: usize = 2;
const STATES: usize = 40;

/// Short enough to lapse many times in a round.
const TOKEN_S: f64 = 0.04;

/// The delay of the snapshot for each key, in microseconds.
const SNAPSHOT_SLOW_US: &str = "8000";

/// The migrating slots: half of those that the first of two primaries owns at the start. A primary
/// without slots would become a replica.
const SLOTS: std::ops::RangeInclusive<i64> = 0..=4095;

#[test]
fn slots() {
    let node = |node: support::Builder| {
        let node = node.without_schemas().arg("--state.audit-maxlen").arg("1000000");
        node.arg("--rdb-key-save-delay").arg(SNAPSHOT_SLOW_US)
    };
    if !moves_slots_in_one_step() {
        println!("slots: this server has no CLUSTER MIGRATESLOTS");
        return;
    }
    let cluster = Cluster::start_with(2, 1, node);
    cluster.primaries().iter().for_each(|primary| prepare(&mut primary.client(), TOKEN_S));
    // A schema that the first primary does not have.
    cluster.primaries()[1].client().ok(&["STATE.SCHEMA", "SET", "vimbiso.offer", r#"{"type":"object"}"#]);
    let mut to = 1;
    let seen = rounds("slots", Rounds { in_test: 2, in_soak: 200 }, |dice, figures| {
        let keys = created(dice, &cluster, 1 - to);
        let schemas_there = schemas(&cluster.primaries()[to]);
        let stop = Arc::new(AtomicBool::new(false));
        let begin = |n| write(n, cluster.urls(), keys.clone(), dice.fork(), Arc::clone(&stop));
        let writers: Vec<JoinHandle<Written>> = (0..WRITERS).map(begin).collect();
        let tokens = renew_tokens(cluster.urls(), keys.clone(), Arc::clone(&stop));
        let lapsed_before = lapses(&cluster.primaries()[to]);
        move_slots(&cluster, to, |lapsed| {
            assert_eq!(lapsed, lapsed_before, "the target commits no lapse before it owns the slots");
        });
        stop.store(true, Ordering::SeqCst);
        let written: Vec<Written> =
            writers.into_iter().map(|writer| writer.join().expect("a writer without a failure")).collect();
        let renewed = tokens.join().expect("a writer without a failure");
        assert_eq!(schemas(&cluster.primaries()[to]), schemas_there, "each node keeps its schemas");
        for key in &keys {
            has_it_all(&cluster.primaries()[to], key, &written, &renewed, figures);
        }
        for (primary, replica) in cluster.primaries().iter().zip(cluster.replicas()) {
            replica.catch_up(primary);
            let digest = |server: &Server| server.client().text(&["DEBUG", "DIGEST"]);
            wait_until("a replica has what its primary has", || digest(replica) == digest(primary));
        }
        for key in &keys {
            cluster.primaries()[to].client().ok(&["STATE.DELETE", key, "*", "PURGE"]);
        }
        to = 1 - to;
    });
    let Some(seen) = seen else { return };
    for what in ["updates", "lapses", "tokens"] {
        assert!(seen.get(what) > 0, "no {what} in any round");
    }
}

fn moves_slots_in_one_step() -> bool {
    let server = Server::builder().without_schemas().start();
    let known = server.client().ok(&["COMMAND", "INFO", "CLUSTER|MIGRATESLOTS"]);
    !known.array()[0].is_nil()
}

fn schemas(server: &Server) -> Vec<(String, Reply)> {
    let list = server.client().ok(&["STATE.SCHEMA", "LIST"]);
    let of = |schema: &Reply| (schema.field("name").text().to_owned(), schema.field("revision").clone());
    list.array().iter().map(of).collect()
}

fn lapses(server: &Server) -> u64 {
    number(&mut server.client(), "state", "state_lapses")
}

/// Creates labelled states in the slots that one of the primaries is about to migrate.
fn created(dice: &mut Rng, cluster: &Cluster, owner: usize) -> Vec<String> {
    let mut client = cluster.primaries()[owner].client();
    let mut keys = Vec::new();
    while keys.len() < STATES {
        let key = any_key(dice);
        if SLOTS.contains(&client.ok(&["CLUSTER", "KEYSLOT", &key]).int()) {
            let channel = json!({"type": "whatsapp", "identifier": key.trim_start_matches("channel:")});
            let document = json!({"channel": channel, "current": {"data": {"count": 0}}}).to_string();
            client.ok(&["STATE.UPDATE", &key, "0", &document, "LABEL", "begun"]);
            keys.push(key);
        }
    }
    keys
}

/// Sets a token in every state, over and over, which lapses at once; returns the number of tokens.
fn renew_tokens(urls: Vec<String>, keys: Vec<String>, stop: Arc<AtomicBool>) -> JoinHandle<u64> {
    std::thread::spawn(move || {
        block_on(async {
            let mut states = connect_cluster(urls).await.expect("a cluster").resends(20);
            let mut renewed = 0;
            while !stop.load(Ordering::SeqCst) {
                for key in &keys {
                    let name = format!("token-{renewed}");
                    let token = Change::merge(&json!({"auth": {"token": name}})).expect("JSON");
                    // With an ID: a request without a reply may be resent.
                    let request = SetProtected::any(key, token).actor(&name).id(&name);
                    let _etag = states.send(&request).await.expect("the update is redirected");
                    renewed += 1;
                }
            }
            renewed
        })
    })
}

/// Migrates the slots from the other primary; until then `meanwhile` gets the target's count of
/// lapses.
#[track_caller]
fn move_slots(cluster: &Cluster, to: usize, meanwhile: impl Fn(u64)) {
    let (mut source, mut target) = (cluster.primaries()[1 - to].client(), cluster.primaries()[to].client());
    let to_id = target.text(&["CLUSTER", "MYID"]);
    let [first, last] = [SLOTS.start(), SLOTS.end()].map(i64::to_string);
    source.ok(&["CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", &first, &last, "NODE", &to_id]);
    wait_until("the slots have moved", || {
        // The target is asked first: what it counts while busy happened before it owned the slots.
        let lapsed = lapses(&cluster.primaries()[to]);
        if is_busy(&mut target) {
            meanwhile(lapsed);
        }
        !is_busy(&mut source)
    });
}

/// Whether a migration from or to a node is running; finished ones have succeeded.
#[track_caller]
fn is_busy(client: &mut Client) -> bool {
    let jobs = client.ok(&["CLUSTER", "GETSLOTMIGRATIONS"]);
    let states: Vec<&str> = jobs.array().iter().map(|job| job.field("state").text()).collect();
    assert!(!states.iter().any(|state| ["failed", "cancelled"].contains(state)), "{jobs}");
    states.iter().any(|state| *state != "success")
}

/// Each acknowledged update is there once, in one audit stream without a gap, and so are the
/// snapshots and the label.
#[track_caller]
fn has_it_all(owner: &Server, key: &str, written: &[Written], renewed: &u64, figures: &mut Figures) {
    let mut client = owner.client();
    let count: u64 = written.iter().filter_map(|of| of.get(key)).sum();
    let document: Value = serde_json::from_str(&client.state(key).1).expect("a document is JSON");
    assert_eq!(document["current"]["data"]["count"], count, "{key}");
    let audited = Audited::read(&mut client, key);
    let [life] = &audited.lives[..] else { panic!("{key} has one life") };
    let by = |prefix: &str| {
        let is_theirs = |actor: &&str| actor.starts_with(prefix);
        life.entries.iter().filter_map(|entry| entry.actor.as_deref()).filter(is_theirs).count() as u64
    };
    assert_eq!(by("writer-"), count, "{key}: one entry for each update");
    assert!(by("token-") <= *renewed, "{key}: and at most one for each token");
    let history = client.ok(&["STATE.HISTORY", key]);
    let labelled = |version: &&Reply| !version.field("label").is_nil();
    let kept: Vec<i64> =
        history.array().iter().filter(labelled).map(|entry| entry.field("version").int()).collect();
    assert_eq!(kept, [1], "{key}: the labelled version is kept");
    assert!(history.array().len() > 1, "{key}: and newer snapshots");
    let lapsed = life.entries.iter().filter(|entry| entry.event == "lapse").count();
    figures.add("updates", count);
    figures.add("tokens", by("token-"));
    figures.add("lapses", lapsed as u64);
}
