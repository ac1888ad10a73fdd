//! Behaviour in a cluster: keys that must share a slot, slot migration, and nodes that apply a
//! command but never reply.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis_state_client::redis::cluster::ClusterClientBuilder;
use redis_state_client::{Attempt, Change, ErrorKind, Result, States, Touch, Update, connect_cluster};
use serde_json::{Value, json};
use support::{Client, Cluster, Server, block_on, wait_until};

const KEY: &str = "channel:+263771234567";
const TRAIL: &str = "{channel:+263771234567}:audit";

fn increment(document: &Value) -> Result<Change> {
    let count = document["current"]["data"]["count"].as_u64().unwrap_or_default();
    Change::merge(&json!({"current": {"data": {"count": count + 1}}}))
}

#[test]
fn siblings_in_another_slot_are_rejected() {
    let cluster = Cluster::start();
    let keys = cluster.keys("offer");
    block_on(async {
        let mut states = connect_cluster(cluster.urls()).await.expect("a cluster");
        let made = states.create(&keys[0], Change::merge(&json!({"amount": 5})).expect("JSON")).await;
        let made = made.expect("a state");
        let touch = Touch::new(&*keys[0]).align([keys[1].clone()]);
        let error = states.send(&touch).await.expect_err("they do not share a slot");
        assert_eq!(error.redis_error().and_then(|error| error.code()), Some("CROSSSLOT"), "{error}");
        assert_eq!(error.kind(), ErrorKind::Command);
        let sibling = format!("{{{}}}:session", keys[0]);
        let touch = Touch::new(&*keys[0]).align([sibling]);
        assert!(states.send(&touch).await.expect("they share a slot"));
        let read = states.get::<Value>(&keys[0]).await.expect("an answer").expect("a state");
        assert_eq!(read.etag, made);
    });
}

/// A slot migrates to another node and back while a task updates a state in it. The state moves
/// before or after its audit stream.
#[test]
fn slot_migration_loses_no_update_and_keeps_one_audit_stream() {
    let cluster = Cluster::start();
    let done = Arc::new(AtomicBool::new(false));
    let (urls, stop) = (cluster.urls(), Arc::clone(&done));
    let updates = std::thread::spawn(move || {
        block_on(async {
            let mut states = connect_cluster(urls).await.expect("a cluster").resends(20);
            states.create(KEY, Change::merge(&json!({})).expect("JSON")).await.expect("a state");
            let mut count = 0;
            while !stop.load(Ordering::Relaxed) {
                states.update_with(KEY, increment).await.expect("an update that follows redirections");
                count += 1;
            }
            count
        })
    });
    // A few more updates are tried before each key moves, on every node: between the state and its
    // audit stream they get TRYAGAIN, which counts as a call too.
    let between = || {
        let mut clients: Vec<Client> = cluster.primaries().iter().map(Server::client).collect();
        let mut updates = || clients.iter_mut().map(|client| calls(client, "state.update")).sum::<u64>();
        let seen = updates();
        wait_until("updates continue", || updates() > seen + 2);
    };
    wait_until("the state is there", || cluster.owner(KEY).client().ok(&["EXISTS", KEY]).int() == 1);
    let first = cluster.owner(KEY).port();
    let second = cluster.primaries().iter().find(|node| node.port() != first).expect("another one");
    cluster.move_slot(KEY, second, between);
    let first = cluster.primaries().iter().find(|node| node.port() == first).expect("it is there");
    cluster.move_slot(KEY, first, between);
    done.store(true, Ordering::Relaxed);
    let count: u64 = updates.join().expect("the updates end");
    assert!(count > 10, "{count} updates");
    let mut client = first.client();
    let (etag, document) = client.state(KEY);
    assert!(document.contains(&format!(r#""count":{count}"#)), "{document} after {count} updates");
    assert_eq!(Client::version(&etag), count + 1);
    // The stream is trimmed, but has no gap: each entry continues from the one before.
    let entries = client.ok(&["XRANGE", TRAIL, "-", "+"]);
    let versions: Vec<u64> = entries
        .array()
        .iter()
        .filter(|entry| entry.array()[1].field("event").text() != "reject")
        .map(|entry| entry.array()[1].field("version").text().parse().expect("a version"))
        .collect();
    assert_eq!(versions.last(), Some(&(count + 1)));
    assert!(versions.windows(2).all(|pair| pair[1] == pair[0] + 1), "{versions:?}");
}

/// While state and audit stream are on different nodes nothing is applied, and the error says so.
#[test]
fn tryagain_means_not_applied() {
    let cluster = Cluster::start();
    let first = cluster.owner(KEY).port();
    let other = cluster.primaries().iter().find(|node| node.port() != first).expect("another one");
    let update = {
        let urls = cluster.urls();
        move || {
            block_on(async {
                let mut states = connect_cluster(urls.clone()).await.expect("a cluster").resends(0);
                states.update_with(KEY, increment).await.map(|state| state.etag.version)
            })
        }
    };
    cluster.owner(KEY).client().ok(&["STATE.UPDATE", KEY, "0", "{}"]);
    let mut replies = Vec::new();
    cluster.move_slot(KEY, other, || replies.push(update()));
    let [here, between, there] = replies.as_slice() else { panic!("two keys move: {replies:?}") };
    assert_eq!(here.as_ref().ok(), Some(&2));
    let error = between.as_ref().expect_err("the state and its audit stream are on different nodes");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.is_retryable() && error.to_string().starts_with("TRYAGAIN "), "{error}");
    assert_eq!(there.as_ref().ok(), Some(&3));
    assert_eq!(update().ok(), Some(4));
}

fn calls(client: &mut Client, command: &str) -> u64 {
    let info = client.text(&["INFO", "commandstats"]);
    let line = info.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    line.and_then(|rest| rest.split(',').next()).map_or(0, |calls| calls.parse().expect("a number"))
}

/// A proxy before a node. Once armed, it lets a STATE.ATTEMPT through and breaks the connection
/// instead of returning the reply.
struct ReplyLoser {
    port: u16,
    armed: Arc<AtomicBool>,
}

impl ReplyLoser {
    fn before(node: u16) -> ReplyLoser {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let armed = Arc::new(AtomicBool::new(false));
        let arm = Arc::clone(&armed);
        // The thread ends with the process.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", node)) else { return };
                let swallow = Arc::new(AtomicBool::new(false));
                let (up, down) = (client.try_clone(), server.try_clone());
                let (Ok(up), Ok(down)) = (up, down) else { return };
                let (arm, mark) = (Arc::clone(&arm), Arc::clone(&swallow));
                std::thread::spawn(move || {
                    pump(up, server, |bytes| {
                        let attempt = bytes.windows(13).any(|window| window == b"STATE.ATTEMPT");
                        if attempt && arm.swap(false, Ordering::SeqCst) {
                            mark.store(true, Ordering::SeqCst);
                        }
                        true
                    })
                });
                std::thread::spawn(move || pump(down, client, |_| !swallow.load(Ordering::SeqCst)));
            }
        });
        ReplyLoser { port, armed }
    }
}

/// Forwards bytes until `pass` returns false; then both ends are closed.
fn pump(mut from: TcpStream, mut to: TcpStream, mut pass: impl FnMut(&[u8]) -> bool) {
    let mut bytes = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        if !pass(&bytes[..length]) || to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(std::net::Shutdown::Both), to.shutdown(std::net::Shutdown::Both));
}

/// A node applies an attempt, and the connection breaks before the reply. The attempt has no ID, so
/// it must not be resent. redis-rs alone resends it, and reports success.
#[test]
fn possibly_applied_request_is_resent_only_with_an_id() {
    let cluster = Cluster::start_with(1, 0, |node| node);
    let node = &cluster.primaries()[0];
    let loser = ReplyLoser::before(node.port());
    let mut client = node.client();
    // CLUSTER SLOTS leads to the proxy.
    client.ok(&["CONFIG", "SET", "cluster-announce-port", &loser.port.to_string()]);
    wait_until("the node announces the proxy", || {
        client.text(&["CLUSTER", "NODES"]).contains(&format!(":{}@", loser.port))
    });
    let nodes = [format!("redis://127.0.0.1:{}/", loser.port)];
    let attempts = |client: &mut Client| {
        let reply = client.ok(&["STATE.ATTEMPTS", KEY, "confirm"]);
        reply.field("attempts").int()
    };
    block_on(async {
        let mut states = connect_cluster(nodes.clone()).await.expect("a cluster");
        states.create(KEY, Change::merge(&json!({})).expect("JSON")).await.expect("a state");

        loser.armed.store(true, Ordering::SeqCst);
        let error = states.send(&Attempt::failure(KEY, "confirm")).await.expect_err("its answer is lost");
        assert!(error.outcome_unknown(), "{error}");
        assert!(!loser.armed.load(Ordering::SeqCst), "the attempt has passed the proxy");
        assert_eq!(attempts(&mut client), 1);

        loser.armed.store(true, Ordering::SeqCst);
        let known = Attempt::failure(KEY, "confirm").id("wamid.HBgL1");
        assert_eq!(states.send(&known).await.expect("it is resent, and recognized as a replay"), 2);
        assert_eq!(attempts(&mut client), 2);

        // How a connection of redis-rs behaves: the reason for the client's own.
        let builder = ClusterClientBuilder::new(nodes.clone()).response_timeout(Duration::from_secs(5));
        let connection = builder.build().expect("an address").get_async_connection().await;
        let mut states = States::new(connection.expect("a cluster"));
        loser.armed.store(true, Ordering::SeqCst);
        states.send(&Attempt::failure(KEY, "confirm")).await.expect("redis-rs has sent it again");
        assert_eq!(attempts(&mut client), 4, "two attempts counted for one");
        let update = Update::any(KEY, Change::merge(&json!({"current": {}})).expect("JSON"));
        states.send(&update).await.expect("other requests work");
    });
}
