//! slots: hundreds of slots move from one primary to another in one step (CLUSTER MIGRATESLOTS, from Valkey 9 on), while people
//! write to the states in them and tokens fall due. What the node that they come from goes on writing is sent after them, so
//! every version, lapse and entry must arrive once and in its turn; `Story` looks for that in the state and in its trail.
//!
//! The snapshot is slowed down (`rdb-key-save-delay`), so that much is written, and lapses, behind it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use fastrand::Rng;
use redis_state_client::{Change, SetProtected, connect_cluster};
use serde_json::{Value, json};
use support::{Client, Cluster, Reply, Server, block_on, wait_until};

use crate::cluster::{Written, any_key, write};
use crate::crowd::prepare;
use crate::pressure::number;
use crate::rounds::{Figures, Rounds, rounds};
use crate::story::Story;

const WRITERS: usize = 2;
const STATES: usize = 40;

/// Short enough to lapse many times in a round.
const TOKEN_S: f64 = 0.04;

/// How long the snapshot takes for each key, in microseconds.
const SNAPSHOT_SLOW_US: &str = "8000";

/// The slots that move: half of those that the first of two primaries begins with. One that has none left becomes a replica.
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
    // Which the first one has not.
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
            assert_eq!(lapsed, lapsed_before, "nothing lapses where it is not yet at home");
        });
        stop.store(true, Ordering::SeqCst);
        let written: Vec<Written> =
            writers.into_iter().map(|writer| writer.join().expect("a writer who was answered")).collect();
        let renewed = tokens.join().expect("somebody who was answered");
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

/// States with a label, in the slots that one of the primaries is about to pass on.
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

/// Gives every state a token, over and over, which lapses at once; how often it was done.
fn renew_tokens(urls: Vec<String>, keys: Vec<String>, stop: Arc<AtomicBool>) -> JoinHandle<u64> {
    std::thread::spawn(move || {
        block_on(async {
            let mut states = connect_cluster(urls).await.expect("a cluster").resends(20);
            let mut renewed = 0;
            while !stop.load(Ordering::SeqCst) {
                for key in &keys {
                    let name = format!("token-{renewed}");
                    let token = Change::merge(&json!({"auth": {"token": name}})).expect("JSON");
                    // With an ID: what got no answer may be sent again.
                    let request = SetProtected::any(key, token).actor(&name).id(&name);
                    let _etag = states.send(&request).await.expect("it is sent on");
                    renewed += 1;
                }
            }
            renewed
        })
    })
}

/// Moves those slots from the other primary in one step; `meanwhile` hears until then how
/// many lapses the target has counted.
#[track_caller]
fn move_slots(cluster: &Cluster, to: usize, meanwhile: impl Fn(u64)) {
    let (mut source, mut target) = (cluster.primaries()[1 - to].client(), cluster.primaries()[to].client());
    let to_id = target.text(&["CLUSTER", "MYID"]);
    let [first, last] = [SLOTS.start(), SLOTS.end()].map(i64::to_string);
    source.ok(&["CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", &first, &last, "NODE", &to_id]);
    wait_until("the slots have moved", || {
        // The target is asked first: what it counts while it is still busy has come about before they were its own.
        let lapsed = lapses(&cluster.primaries()[to]);
        if is_busy(&mut target) {
            meanwhile(lapsed);
        }
        !is_busy(&mut source)
    });
}

/// Whether slots are on the way to or from a node; all that were have arrived.
#[track_caller]
fn is_busy(client: &mut Client) -> bool {
    let jobs = client.ok(&["CLUSTER", "GETSLOTMIGRATIONS"]);
    let states: Vec<&str> = jobs.array().iter().map(|job| job.field("state").text()).collect();
    assert!(!states.iter().any(|state| ["failed", "cancelled"].contains(state)), "{jobs}");
    states.iter().any(|state| *state != "success")
}

/// Each update that somebody was told of is there once, in one trail without a gap, as are the past versions and the label.
#[track_caller]
fn has_it_all(owner: &Server, key: &str, written: &[Written], renewed: &u64, figures: &mut Figures) {
    let mut client = owner.client();
    let count: u64 = written.iter().filter_map(|of| of.get(key)).sum();
    let document: Value = serde_json::from_str(&client.state(key).1).expect("a document is JSON");
    assert_eq!(document["current"]["data"]["count"], count, "{key}");
    let story = Story::read(&mut client, key);
    let [life] = &story.lives[..] else { panic!("{key} has one life") };
    let by = |who: &str| {
        let is_theirs = |actor: &&str| actor.starts_with(who);
        life.told.iter().filter_map(|told| told.actor.as_deref()).filter(is_theirs).count() as u64
    };
    assert_eq!(by("writer-"), count, "{key}: one entry for each update");
    assert!(by("token-") <= *renewed, "{key}: and none more for each token");
    let history = client.ok(&["STATE.HISTORY", key]);
    let labelled = |version: &&Reply| !version.field("label").is_nil();
    let kept: Vec<i64> =
        history.array().iter().filter(labelled).map(|entry| entry.field("version").int()).collect();
    assert_eq!(kept, [1], "{key}: the labelled version is kept");
    assert!(history.array().len() > 1, "{key}: and newer past ones");
    let lapsed = life.told.iter().filter(|told| told.event == "lapse").count();
    figures.add("updates", count);
    figures.add("tokens", by("token-"));
    figures.add("lapses", lapsed as u64);
}
