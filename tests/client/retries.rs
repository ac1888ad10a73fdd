//! Conflicts and lost replies: each change is applied once, despite concurrent writers and broken
//! connections.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use redis_state_client::redis::{self, aio::ConnectionManager, aio::ConnectionManagerConfig};
use redis_state_client::{
    Async, Change, Delete, ErrorKind, RESPONSE_TIMEOUT, Result, States, Touch, Update, connect,
    connect_blocking,
};
use serde_json::{Value, json};
use support::{Client, Server, block_on};

use crate::cutting_proxy::Cutting;

const KEY: &str = "channel:+263771234567";

async fn with_counter(server: &Server) -> Result<States<Async<ConnectionManager>>> {
    let mut states = connect(&server.url()).await?;
    states.create(KEY, Change::merge(&json!({"current": {"data": {"count": 0}}}))?).await?;
    Ok(states)
}

fn increment(document: &Value) -> Result<Change> {
    let count = document["current"]["data"]["count"].as_u64().unwrap_or_default();
    Change::merge(&json!({"current": {"data": {"count": count + 1}}}))
}

/// S32, S33: as many tasks as a busy bot has.
#[test]
fn thirty_two_tasks_on_one_key_lose_no_increment() {
    let server = Server::start();
    block_on(async {
        let states = with_counter(&server).await.expect("a state");
        let tasks: Vec<_> = (0..32)
            .map(|_| {
                let mut states = states.clone().conflict_retries(200);
                tokio::spawn(async move {
                    for _ in 0..10 {
                        states.update_with(KEY, increment).await.expect("an update that is retried");
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("a task that ends");
        }
    });
    let (etag, document) = server.client().state(KEY);
    assert_eq!(document, r#"{"current":{"data":{"count":320}}}"#);
    assert!(etag.starts_with("321-"), "{etag}");
}

/// S11: a broken connection loses no message and doubles none. A value added to an array twice
/// would show.
#[test]
fn ten_thousand_updates_over_breaking_connections_are_each_applied_once() {
    const TASKS: u64 = 16;
    const UPDATES: u64 = 10_000 / TASKS;
    let server = Server::builder().module_arg("snapshots").module_arg("0").start();
    let seed = RandomState::new().build_hasher().finish();
    println!("seed {seed}");
    let cuts = block_on(async {
        let way = Cutting::before(server.port(), 20_000, seed).await;
        let states = connect(&way.url()).await.expect("a connection").resends(50);
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let mut states = states.clone();
                tokio::spawn(async move {
                    let key = format!("channel:+26377{task:07}");
                    let start = Change::merge(&json!({"messages": []})).expect("json");
                    states.send(&Update::any(&key, start).id("start")).await.expect("a state");
                    for n in 0..UPDATES {
                        let message = json!([{"op": "add", "path": "/messages/-", "value": n}]);
                        let message = Change::patch(&message).expect("json");
                        let update = Update::any(&key, message).id(format!("wamid.{n}"));
                        states.send(&update).await.expect("an update that is resent");
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("a task that ends");
        }
        way.cuts()
    });
    assert!(cuts > 50, "the connection broke {cuts} times");
    let expected: Vec<u64> = (0..UPDATES).collect();
    for task in 0..TASKS {
        let (etag, document) = server.client().state(&format!("channel:+26377{task:07}"));
        assert_eq!(document, json!({"messages": expected}).to_string());
        assert!(etag.starts_with(&format!("{}-", UPDATES + 1)), "one version for each: {etag}");
    }
}

/// A proxy before `server` that breaks on demand, and the states behind it.
async fn with_way(server: &Server) -> (Cutting, States<Async<ConnectionManager>>) {
    let way = Cutting::before(server.port(), u64::MAX, 1).await;
    let states = connect(&way.url()).await.expect("a connection");
    (way, states)
}

fn note() -> Change {
    Change::patch(&json!([{"op": "add", "path": "/notes/-", "value": "seen"}])).expect("json")
}

fn notes(server: &Server) -> (String, String) {
    server.client().state(KEY)
}

#[test]
fn resent_update_with_an_id_is_recognized() {
    let server = Server::start();
    block_on(async {
        let (way, mut states) = with_way(&server).await;
        states.create(KEY, Change::merge(&json!({"notes": []})).expect("json")).await.expect("a state");
        way.lose_next_answer();
        let update = Update::any(KEY, note()).id("wamid.HBgL1").returning();
        let committed = states.send(&update).await.expect("the first reply, after resending");
        assert_eq!(committed.text(), Some(r#"{"notes":["seen"]}"#));
        assert_eq!(
            (way.cuts(), notes(&server)),
            (1, (committed.etag.to_string(), r#"{"notes":["seen"]}"#.into()))
        );
    });
}

#[test]
fn resent_update_with_an_etag_reports_an_unknown_outcome() {
    let server = Server::start();
    block_on(async {
        let (way, mut states) = with_way(&server).await;
        let first =
            states.create(KEY, Change::merge(&json!({"notes": []})).expect("json")).await.expect("a state");
        way.lose_next_answer();
        // It was applied; the resent one conflicts with it, and can't know that.
        let error = states.send(&Update::new(KEY, first, note())).await.expect_err("the outcome is unknown");
        let (etag, document) = notes(&server);
        assert!(error.outcome_unknown() && !error.is_conflict() && !error.is_retryable(), "{error:?}");
        assert_eq!(error.current_etag().map(|etag| etag.to_string()), Some(etag));
        assert_eq!(document, r#"{"notes":["seen"]}"#);
        // If nothing was applied, the resent request is: here the reply of a rejection is lost.
        way.lose_next_answer();
        let error = states.send(&Update::new(KEY, first, note())).await.expect_err("an old etag");
        assert!(
            error.outcome_unknown(),
            "the outcome of a conflict after a lost reply is unknown: {error:?}"
        );
        way.lose_next_answer();
        let wrong = Change::patch(&json!([{"op": "remove", "path": "/nothing"}])).expect("json");
        let error = states.send(&Update::new(KEY, 2, wrong)).await.expect_err("a patch that fits nothing");
        assert_eq!(error.kind(), ErrorKind::BadPatch, "the version was there, so nothing had been applied");
    });
}

#[test]
fn update_without_id_and_etag_is_never_resent() {
    let server = Server::start();
    block_on(async {
        let (way, mut states) = with_way(&server).await;
        states.create(KEY, Change::merge(&json!({"notes": []})).expect("json")).await.expect("a state");
        way.lose_next_answer();
        let error = states.send(&Update::any(KEY, note())).await.expect_err("the outcome is unknown");
        assert!(error.outcome_unknown() && error.current_etag().is_none(), "{error:?}");
        assert_eq!(notes(&server).1, r#"{"notes":["seen"]}"#);
        let before = Client::version(&notes(&server).0);
        // Reconnecting sends requests of its own.
        assert!(states.get::<Value>(KEY).await.expect("an answer").is_some());
        way.lose_next_answer();
        let error = states.send(&Delete::new(KEY, before)).await.expect_err("the outcome is unknown");
        assert!(error.outcome_unknown(), "{error:?}");
        assert!(states.get::<Value>(KEY).await.expect("an answer").is_none());
    });
}

#[test]
fn update_with_is_applied_once_despite_a_lost_reply() {
    let server = Server::start();
    block_on(async {
        let (way, mut states) = with_way(&server).await;
        states.create(KEY, Change::merge(&json!({"notes": []})).expect("json")).await.expect("a state");
        let mut runs = 0;
        let lost = |_: &Value| {
            // The read has its reply: the next one is the update's.
            way.lose_next_answer();
            runs += 1;
            Ok(note())
        };
        let state = states.update_with(KEY, lost).await.expect("the first reply, after resending");
        assert_eq!((runs, state.etag.version, state.document), (1, 2, json!({"notes": ["seen"]})));
    });
}

#[test]
fn blocking_connection_reconnects() {
    let server = Server::start();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime for the proxy");
    let way = runtime.block_on(Cutting::before(server.port(), u64::MAX, 1));
    let mut states = connect_blocking(&way.url()).expect("a connection");
    states.create(KEY, Change::merge(&json!({"notes": []})).expect("json")).expect("a state");
    for times in 1..=3 {
        way.lose_next_answer();
        let update = Update::any(KEY, note()).id(format!("wamid.{times}"));
        assert_eq!(states.send(&update).expect("the answer").etag.version, times + 1);
    }
    way.lose_next_answer();
    assert!(states.send(&Update::any(KEY, note())).expect_err("the outcome is unknown").outcome_unknown());
    assert_eq!(notes(&server).1, json!({"notes": ["seen", "seen", "seen", "seen"]}).to_string());
}

#[test]
fn slow_server_gets_the_request_again() {
    let server = Server::start();
    block_on(async {
        let config = ConnectionManagerConfig::new().set_response_timeout(Some(Duration::from_millis(50)));
        let client = redis::Client::open(server.url()).expect("an address");
        let manager = ConnectionManager::new_with_config(client, config).await.expect("a connection");
        let mut states = States::new(manager).resends(30);
        states.create(KEY, Change::merge(&json!({"notes": []})).expect("json")).await.expect("a state");
        server.client().ok(&["CLIENT", "PAUSE", "300", "WRITE"]);
        let error =
            states.clone().resends(0).send(&Update::any(KEY, note())).await.expect_err("no answer in time");
        assert!(error.outcome_unknown(), "{error:?}");
        let update = Update::any(KEY, note()).id("wamid.HBgL1");
        states.send(&update).await.expect("the answer, in the end");
    });
    // The request that timed out was applied.
    assert_eq!(notes(&server).1, r#"{"notes":["seen","seen"]}"#);
}

#[test]
fn conflict_is_returned_after_the_last_retry() {
    let server = Server::start();
    block_on(async {
        let mut states = with_counter(&server).await.expect("a state");
        let mut other = states.clone();
        let mut runs = 0;
        let mut interrupted = |document: &Value| {
            runs += 1;
            server.client().ok(&[
                "STATE.UPDATE",
                KEY,
                "*",
                &format!(r#"{{"current":{{"data":{{"run":{runs}}}}}}}"#),
            ]);
            increment(document)
        };
        let error =
            states.update_with(KEY, &mut interrupted).await.expect_err("another client is always faster");
        assert!(error.is_conflict() && error.current_etag().is_some());
        assert_eq!(
            states.edit(KEY).retries(0).with(&mut interrupted).await.map(drop).map_err(|e| e.kind()),
            Err(ErrorKind::Conflict)
        );
        assert_eq!(runs, 4 + 1, "S32: three retries by default");
        let rejected =
            other.update_with(KEY, |_: &Value| Change::merge(&json!([]))).await.expect_err("no object");
        assert_eq!(rejected.kind(), ErrorKind::Invalid, "a rejection is not retried");
    });
    assert!(notes(&server).1.contains(r#""count":0"#));
}

/// S11: a write can wait for its replicas in the same call.
#[test]
fn write_is_acknowledged_by_the_replicas_that_have_it() {
    let (server, replica) = (Server::start(), Server::start());
    replica.follow(&server);
    // The link is up before the primary relies on it; the replica reports once a second.
    assert_eq!(server.client().ok(&["WAIT", "1", "30000"]).int(), 1);
    let within = RESPONSE_TIMEOUT / 2;
    block_on(async {
        let (way, mut states) = with_way(&server).await;
        states.create(KEY, Change::merge(&json!({"notes": []})).expect("json")).await.expect("a state");
        let update = Update::any(KEY, note()).id("wamid.1");
        let acknowledged = states.send_acknowledged(&update, 1, within).await.expect("an answer");
        assert_eq!((acknowledged.reply.etag.version, acknowledged.replicas), (2, 1));
        assert_eq!(replica.client().state(KEY), notes(&server), "the acknowledging replica has it");

        // A new connection has written nothing: the replay of the update must not count as
        // acknowledged.
        replica.freeze();
        way.lose_next_answer();
        let update = Update::any(KEY, note()).id("wamid.2");
        let alone = states.send_acknowledged(&update, 1, within).await.expect("an answer");
        assert_eq!((alone.reply.etag.version, alone.replicas), (3, 0));

        let rejected = Update::new(KEY, 1, note());
        let error = states.send_acknowledged(&rejected, 1, within).await.expect_err("an old version");
        assert!(error.is_conflict(), "{error:?}");
    });
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let touched = states.send_acknowledged(&Touch::new(KEY), 0, within).expect("an answer");
    assert_eq!((touched.reply, touched.replicas), (true, 0));
}
