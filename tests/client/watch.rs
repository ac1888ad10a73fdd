//! Watching a state, and waiting for one: which states a watch returns, and failures in between.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use redis_state_client::{ErrorKind, State, Watch, connect_waiter, connect_waiter_blocking};
use serde_json::Value;
use support::{Client, Server, block_on, wait_until};

use crate::{cut, soon};

const KEY: &str = "channel:+263771234567";

type Step = BTreeMap<String, String>;

fn step(client: &mut Client, stage: &str) -> String {
    client.text(&["STATE.UPDATE", KEY, "*", &format!(r#"{{"stage":"{stage}"}}"#)])
}

async fn stage(watch: &mut Watch<Step>) -> Option<String> {
    watch.next().await.expect("a state").map(|state| state.document["stage"].clone())
}

/// Waits until a client is blocked.
fn blocked(client: &mut Client) {
    wait_until("a client is blocked", || client.text(&["INFO", "clients"]).contains("blocked_clients:1\r\n"));
}

#[test]
fn watch_returns_the_newest_version_deletions_and_creations() {
    let server = Server::start();
    let mut client = server.client();
    step(&mut client, "menu");
    block_on(soon(async {
        let mut watch = Watch::<Step>::open(&server.url(), KEY).await.expect("a watch");
        assert_eq!(stage(&mut watch).await.as_deref(), Some("menu"));
        // A slow watcher gets the newest version.
        for stage in ["offer", "confirm", "ledger"] {
            step(&mut client, stage);
        }
        assert_eq!(stage(&mut watch).await.as_deref(), Some("ledger"));
        client.ok(&["STATE.DELETE", KEY, "*"]);
        assert_eq!(stage(&mut watch).await, None);
        step(&mut client, "menu");
        assert_eq!(stage(&mut watch).await.as_deref(), Some("menu"));
        // A deletion between two reads, and a new state with the same version and text.
        client.ok(&["DEL", KEY]);
        let etag = step(&mut client, "menu");
        let state = watch.next().await.expect("a state").expect("it is there");
        assert_eq!((state.etag.to_string(), state.document["stage"].as_str()), (etag, "menu"));
        // While it waits.
        let ended = tokio::spawn(async move { stage(&mut watch).await });
        tokio::task::spawn_blocking(move || {
            blocked(&mut client);
            client.ok(&["PEXPIRE", KEY, "5"]);
        })
        .await
        .expect("an expiry");
        assert_eq!(ended.await.expect("a watch"), None);
    }));
}

#[test]
fn watch_returns_lapses() {
    let server = Server::start();
    let mut client = server.client();
    let schema = r#"{"properties":{"form":{"type":"object","x-ttl":0.3}}}"#;
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", schema]);
    block_on(soon(async {
        let mut watch: Watch = Watch::open_from(&server.url(), KEY, 0).await.expect("a watch");
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"form":{"amount":5}}"#, "SCHEMA", "vimbiso.forms"]);
        let versions =
            [watch.next().await, watch.next().await].map(|state| state.expect("a state").expect("there"));
        assert_eq!(versions[0].document["form"]["amount"], 5);
        assert_eq!((versions[1].etag.version, versions[1].document.get("form")), (2, None));
    }));
}

#[test]
fn cut_connection_and_cancelled_wait_lose_nothing() {
    let server = Server::start();
    let mut client = server.client();
    block_on(soon(async {
        let mut watch = Watch::<Step>::open(&server.url(), KEY).await.expect("a watch");
        assert_eq!(stage(&mut watch).await, None);
        for round in 0..5 {
            assert!(tokio::time::timeout(Duration::from_millis(30), watch.next()).await.is_err());
            cut(&mut client);
            let now = format!("step{round}");
            step(&mut client, &now);
            assert_eq!(stage(&mut watch).await, Some(now));
        }
    }));
}

#[test]
fn errors_are_reported_and_the_watch_continues() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["SET", KEY, "a string"]);
    block_on(soon(async {
        let mut watch = Watch::<Step>::open(&server.url(), KEY).await.expect("a watch");
        assert_eq!(watch.next().await.err().map(|error| error.kind()), Some(ErrorKind::WrongType));
        client.ok(&["DEL", KEY]);
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"stage":7}"#]);
        // A document of another type: reported once, then the watch continues.
        assert_eq!(watch.next().await.err().map(|error| error.kind()), Some(ErrorKind::Unexpected));
        step(&mut client, "menu");
        assert_eq!(stage(&mut watch).await.as_deref(), Some("menu"));
    }));
}

#[test]
fn wait_ends_with_a_newer_state_a_deletion_or_the_timeout() {
    let server = Server::start();
    let mut client = server.client();
    let etag = step(&mut client, "menu");
    let known = redis_state_client::Etag::parse(&etag).expect("an etag");
    let long = Duration::from_secs(50);
    block_on(soon(async {
        let mut waiter = connect_waiter(&server.url()).await.expect("a waiter");
        let began = Instant::now();
        let nothing: Option<State> =
            waiter.wait_for_newer(KEY, known, Duration::from_millis(80)).await.expect("an answer");
        assert!(nothing.is_none() && began.elapsed() >= Duration::from_millis(80));
        // Longer than the default timeouts of redis-rs (half a second) and of this crate (two).
        let began = Instant::now();
        let nothing: Option<State> =
            waiter.wait_for_newer(KEY, known, Duration::from_millis(2500)).await.expect("an answer");
        assert!(nothing.is_none() && began.elapsed() >= Duration::from_millis(2500));
        // A cancelled wait does not delay the next one.
        let began = Instant::now();
        let given_up = waiter.wait_for_newer::<Value>("channel:none", 0, long);
        let given_up = tokio::time::timeout(Duration::from_millis(30), given_up);
        assert!(given_up.await.is_err());
        step(&mut client, "offer");
        let newer: Option<State> = waiter.wait_for_newer(KEY, known, long).await.expect("an answer");
        assert_eq!(newer.map(|state| state.etag.version), Some(2));
        client.ok(&["DEL", KEY]);
        let deleted: Option<State> = waiter.wait_for_newer(KEY, 2, long).await.expect("an answer");
        assert!(deleted.is_none() && began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    }));
}

#[test]
fn blocking_wait_may_exceed_the_response_timeout() {
    let server = Server::start();
    let mut client = server.client();
    step(&mut client, "menu");
    let mut waiter = connect_waiter_blocking(&server.url()).expect("a waiter");
    let began = Instant::now();
    let nothing: Option<State> =
        waiter.wait_for_newer(KEY, 1, Duration::from_millis(2500)).expect("an answer");
    assert!(nothing.is_none() && began.elapsed() >= Duration::from_millis(2500));
    let other = std::thread::spawn(move || {
        blocked(&mut client);
        step(&mut client, "offer");
    });
    let newer: Option<State> = waiter.wait_for_newer(KEY, 1, Duration::from_secs(50)).expect("an answer");
    assert_eq!(newer.map(|state| state.etag.version), Some(2));
    other.join().expect("an update");
}
