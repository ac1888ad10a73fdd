//! cluster: slots migrate while writers update the states in them by the client crate. No update is
//! lost, no audit stream is split, and each replica holds the data of its primary.
//!
//! One cluster serves all rounds, because it takes seconds to start; so the slots get more and more
//! mixed. Each round has its own states. A plain client also writes, and gets the redirections of a
//! cluster: to another node, or to try again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use fastrand::Rng;
use redis_state_client::{Change, Result, Schemas, State, connect_cluster};
use serde_json::{Value, json};
use support::{Client, Cluster, Reply, Server, block_on, repository};

use crate::audited::{AuditEntry, Audited};
use crate::rounds::{Figures, Rounds, rounds};

const WRITERS: usize = 3;
const STATES: usize = 24;

/// The number of slots in one migration.
const SLOTS: usize = 100;

/// The maximum number of keys tried to find them.
const TRIED_MAX: usize = 10_000;

/// S8: slots migrate during writes.
#[test]
fn cluster() {
    let node = |node: support::Builder| node.without_schemas().arg("--state.audit-maxlen").arg("1000000");
    let cluster = Cluster::start_with(3, 1, node);
    sync_schemas(&cluster);
    rounds("cluster", Rounds { in_test: 1, in_soak: 100 }, |dice, figures| {
        let keys = created(dice, &cluster);
        let stop = Arc::new(AtomicBool::new(false));
        let begin = |n| write(n, cluster.urls(), keys.clone(), dice.fork(), Arc::clone(&stop));
        let writers: Vec<JoinHandle<Written>> = (0..WRITERS).map(begin).collect();
        let asked = slots_move(dice, &cluster, &keys, figures);
        stop.store(true, Ordering::SeqCst);
        let written: Vec<Written> =
            writers.into_iter().map(|writer| writer.join().expect("a writer without a failure")).collect();
        for key in &keys {
            has_it_all(&cluster, key, &written, &asked, figures);
        }
        for (primary, replica) in cluster.primaries().iter().zip(cluster.replicas()) {
            replica.catch_up(primary);
            let digest = |server: &Server| server.client().text(&["DEBUG", "DIGEST"]);
            assert_eq!(digest(replica), digest(primary), "a replica and its primary");
        }
        for key in &keys {
            cluster.owner(key).client().ok(&["STATE.DELETE", key, "*", "PURGE"]);
        }
    });
}

/// One call of the client crate sends the schemas to every primary.
#[track_caller]
fn sync_schemas(cluster: &Cluster) {
    let schemas = Schemas::read_dir(repository().join("schemas")).expect("a folder of schemas");
    let schemas = schemas.bind("channel:*", "vimbiso.channel");
    block_on(async {
        let mut states = connect_cluster(cluster.urls()).await.expect("a cluster");
        let report = states.sync_schemas_with(&schemas).await.expect("primaries");
        assert!(report.is_ok() && report.nodes.len() == cluster.primaries().len(), "{report}");
    });
    let list = |server: &Server| server.client().ok(&["STATE.SCHEMA", "LIST"]);
    for (primary, replica) in cluster.primaries().iter().zip(cluster.replicas()) {
        replica.catch_up(primary);
        assert!(!list(primary).array().is_empty());
        assert_eq!(list(replica), list(primary));
    }
}

/// Creates states with random names, on all nodes.
fn created(dice: &mut Rng, cluster: &Cluster) -> Vec<String> {
    let keys: Vec<String> = (0..STATES).map(|_| any_key(dice)).collect::<BTreeSet<_>>().into_iter().collect();
    block_on(async {
        let mut states = connect_cluster(cluster.urls()).await.expect("a cluster");
        for key in &keys {
            let channel = json!({"type": "whatsapp", "identifier": key.trim_start_matches("channel:")});
            let change = json!({"channel": channel, "current": {"data": {"count": 0}}});
            states.create(key, Change::merge(&change).expect("JSON")).await.expect("a state");
        }
    });
    keys
}

pub fn any_key(dice: &mut Rng) -> String {
    format!("channel:+26377{:07}", dice.u32(..10_000_000))
}

/// The number of acknowledged updates of each key by a writer.
pub type Written = BTreeMap<String, u64>;

/// Reads, adds one, writes; names the audit stream half of the time.
pub fn write(
    n: usize,
    urls: Vec<String>,
    keys: Vec<String>,
    mut dice: Rng,
    stop: Arc<AtomicBool>,
) -> JoinHandle<Written> {
    let increment = |document: &Value| -> Result<Change> {
        let count = document["current"]["data"]["count"].as_u64().unwrap_or_default();
        Change::merge(&json!({"current": {"data": {"count": count + 1}}}))
    };
    std::thread::spawn(move || {
        let mut written = Written::new();
        block_on(async {
            let mut states =
                connect_cluster(urls).await.expect("a cluster").resends(20).conflict_retries(100);
            while !stop.load(Ordering::SeqCst) {
                let key = dice.choice(&keys).expect("there are keys");
                let edit = states.edit(key).actor(format!("writer-{n}"));
                let edit = if dice.bool() { edit.audit() } else { edit };
                let _state: State<Value> = edit.with(increment).await.expect("the update is redirected");
                *written.entry(key.clone()).or_default() += 1;
            }
        });
        written
    })
}

/// Migrates a hundred slots from one primary to another, those of the states first. Returns the key
/// of each update that a plain client made meanwhile.
fn slots_move(dice: &mut Rng, cluster: &Cluster, keys: &[String], figures: &mut Figures) -> Vec<String> {
    let mut ways: Vec<&Server> = cluster.primaries().iter().collect();
    dice.shuffle(&mut ways);
    let (from, to) = (ways[0], ways[1]);
    let mut asked = Vec::new();
    for key in keys_of_slots(dice, cluster, from, keys) {
        let is_one = keys.contains(&key);
        cluster.move_slot(&key, to, || {
            if is_one && ask_beside(dice, [from, to], &key, asked.len(), figures) {
                asked.push(key.clone());
            }
        });
        assert_eq!(cluster.owner(&key).port(), to.port());
        figures.add("slots", 1);
        figures.add("states", u64::from(is_one));
    }
    asked
}

/// A key for each slot, all on this node.
fn keys_of_slots(dice: &mut Rng, cluster: &Cluster, from: &Server, keys: &[String]) -> Vec<String> {
    let mut client = from.client();
    let mut slots = BTreeSet::new();
    let more = std::iter::repeat_with(|| any_key(dice)).take(TRIED_MAX);
    let of_node = keys.iter().cloned().chain(more).filter(|key| {
        cluster.owner(key).port() == from.port()
            && slots.insert(client.ok(&["CLUSTER", "KEYSLOT", key]).int())
    });
    of_node.take(SLOTS).collect()
}

/// A plain client is redirected or asked to try again by both nodes of the migration: by Redis if
/// it names the audit stream, else by the module. Returns whether its update was applied.
#[track_caller]
fn ask_beside(dice: &mut Rng, nodes: [&Server; 2], key: &str, beside: usize, figures: &mut Figures) -> bool {
    let [mut source, mut target] = nodes.map(Server::client);
    let align = ["STATE.TOUCH", key, "ALIGN", "1", "channel:elsewhere"];
    assert!(source.err(&align).starts_with("CROSSSLOT "), "keys of two slots");
    let stream = format!("{{{key}}}:audit");
    let change = json!({"current": {"data": {"beside": beside}}}).to_string();
    let update = ["STATE.UPDATE", key, "*", &change, "AUDIT", &stream];
    let update = if dice.bool() { &update[..] } else { &update[..4] };
    let mut reply = source.call(update);
    if matches!(&reply, Reply::Error(line) if line.starts_with("ASK ")) {
        figures.add("redirected to the other node", 1);
        target.ok(&["ASKING"]);
        reply = target.call(update);
    }
    match reply {
        Reply::Error(line) => {
            assert!(line.starts_with("TRYAGAIN "), "{line}");
            figures.add("asked to try again", 1);
            false
        }
        reply => Client::version(reply.text()) > 0,
    }
}

/// Each acknowledged update is there once, in the document and in an audit stream without a gap.
#[track_caller]
fn has_it_all(cluster: &Cluster, key: &str, written: &[Written], asked: &[String], figures: &mut Figures) {
    let mut client = cluster.owner(key).client();
    let count: u64 = written.iter().filter_map(|of| of.get(key)).sum();
    let document: Value = serde_json::from_str(&client.state(key).1).expect("a document is JSON");
    assert_eq!(document["current"]["data"]["count"], count, "{key}");
    let audited = Audited::read(&mut client, key);
    let [life] = &audited.lives[..] else { panic!("{key} has one life") };
    let by_writers = life.entries.iter().filter(|entry| entry.actor.is_some()).count();
    assert_eq!(by_writers as u64, count, "{key}: one entry for each update");
    let by_plain = |entry: &&AuditEntry| entry.actor.is_none() && entry.event != "create";
    let acknowledged = asked.iter().filter(|of| *of == key).count();
    assert_eq!(
        life.entries.iter().filter(by_plain).count(),
        acknowledged,
        "{key}: and one for each update of the plain client"
    );
    let wrong = r#"{"current":{"path":7}}"#;
    assert!(
        client.err(&["STATE.UPDATE", key, "*", wrong, "DRYRUN"]).starts_with("INVALID "),
        "its schema is here"
    );
    for other in cluster.primaries().iter().filter(|other| other.port() != cluster.owner(key).port()) {
        assert!(other.client().err(&["STATE.GET", key]).starts_with("MOVED "), "{key} is on one node");
    }
    figures.add("updates", count);
}
