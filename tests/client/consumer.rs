//! The audit consumer redelivers exactly the unacknowledged entries, in order, whichever consumer
//! stops. Failures are in `consumer_breaks`.

use std::time::Duration;

use redis_state_client::{AuditConsumer, Consume, Delivered, Start};
use support::{Client, Server, block_on};

use crate::soon;

pub const STREAM: &str = "sessions";
const TRAIL: &str = "{offer:7d1f}:audit";

/// Adds entries as the server writes them, one for each number.
pub fn add(client: &mut Client, versions: impl IntoIterator<Item = u64>) {
    for version in versions {
        client.ok(&["XADD", STREAM, "*", "event", "expire", "version", &version.to_string()]);
    }
}

pub async fn open(server: &Server, name: &str) -> AuditConsumer {
    open_with(server, Consume::feed(STREAM, "bot", name, Start::Oldest)).await
}

pub async fn open_with(server: &Server, consume: Consume) -> AuditConsumer {
    consume.open(&server.url()).await.expect("a consumer")
}

pub async fn take(consumer: &mut AuditConsumer) -> Delivered {
    consumer.next().await.expect("an entry")
}

pub async fn take_and_ack(consumer: &mut AuditConsumer) -> u64 {
    let entry = take(consumer).await;
    assert!(entry.ack().await.expect("an answer"), "acknowledged twice: {entry:?}");
    entry.version
}

pub fn pending(client: &mut Client) -> i64 {
    client.ok(&["XPENDING", STREAM, "bot"]).array()[0].int()
}

#[test]
fn restarted_consumer_gets_unacknowledged_entries() {
    let server = Server::start();
    let mut client = server.client();
    add(&mut client, 1..=6);
    block_on(soon(async {
        let mut first = open(&server, "one").await;
        let mut given = Vec::new();
        for version in 1..=4 {
            let entry = take(&mut first).await;
            assert_eq!((entry.version, entry.is_repeated()), (version, false));
            given.push(entry);
        }
        assert!(given[0].ack().await.expect("an answer") && given[2].ack().await.expect("an answer"));
        assert!(!given[0].ack().await.expect("an answer"), "it was acknowledged");
        drop((first, given));

        let mut second = open(&server, "one").await;
        add(&mut client, [7]);
        for (version, is_repeated) in [(2, true), (4, true), (5, true), (6, true), (7, false)] {
            let entry = take(&mut second).await;
            assert_eq!((entry.version, entry.is_repeated()), (version, is_repeated));
            assert!(entry.ack().await.expect("an answer"));
        }
        drop(second);

        let mut third = open(&server, "one").await;
        add(&mut client, [8]);
        assert_eq!(take_and_ack(&mut third).await, 8);
        assert_eq!((pending(&mut client), third.trimmed()), (0, 0));
    }));
}

#[test]
fn new_group_begins_at_its_start() {
    let server = Server::start();
    let mut client = server.client();
    block_on(soon(async {
        let mut early = open_with(&server, Consume::feed(STREAM, "early", "one", Start::Now)).await;
        add(&mut client, [1, 2]);
        let mut late = open_with(&server, Consume::feed(STREAM, "late", "one", Start::Now)).await;
        let mut all = open_with(&server, Consume::feed(STREAM, "all", "one", Start::Oldest)).await;
        add(&mut client, [3]);
        assert_eq!([take(&mut early).await.version, take(&mut early).await.version], [1, 2]);
        assert_eq!(take(&mut late).await.version, 3);
        assert_eq!(take(&mut all).await.version, 1);
    }));
}

#[test]
fn two_consumers_share_a_group() {
    let server = Server::start();
    let mut client = server.client();
    block_on(soon(async {
        let narrow = |name| Consume::feed(STREAM, "bot", name, Start::Oldest).count(1);
        let mut one = open_with(&server, narrow("one")).await;
        let mut two = open_with(&server, narrow("two")).await;
        let mut received = Vec::new();
        for version in [1, 3, 5] {
            // Both wait, and each gets one.
            add(&mut client, [version, version + 1]);
            let (left, right) = tokio::join!(take_and_ack(&mut one), take_and_ack(&mut two));
            received.extend([left, right]);
        }
        received.sort_unstable();
        assert_eq!((received, pending(&mut client)), (vec![1, 2, 3, 4, 5, 6], 0));
    }));
}

#[test]
fn entries_of_a_dead_consumer_are_claimed() {
    let server = Server::start();
    let mut client = server.client();
    add(&mut client, 1..=3);
    block_on(soon(async {
        let mut dead = open(&server, "dead").await;
        let entry = take(&mut dead).await;
        assert_eq!((entry.version, pending(&mut client)), (1, 3));
        drop((entry, dead));
        let consume =
            Consume::feed(STREAM, "bot", "alive", Start::Oldest).claim_after(Duration::from_millis(300));
        let mut alive = open_with(&server, consume).await;
        for version in 1..=3 {
            let entry = take(&mut alive).await;
            assert_eq!((entry.version, entry.is_repeated()), (version, true));
            assert!(entry.ack().await.expect("an answer"));
        }
        assert_eq!(pending(&mut client), 0);
    }));
}

/// An entry that the program still holds is not delivered twice; one that it dropped unacknowledged
/// is.
#[test]
fn dropped_entries_are_redelivered_and_held_ones_are_not() {
    let server = Server::start();
    let mut client = server.client();
    add(&mut client, 1..=2);
    block_on(soon(async {
        let consume =
            Consume::feed(STREAM, "bot", "one", Start::Oldest).claim_after(Duration::from_millis(200));
        let mut consumer = open_with(&server, consume).await;
        let held = take(&mut consumer).await;
        drop(take(&mut consumer).await);
        for _ in 0..3 {
            let again = take(&mut consumer).await;
            assert_eq!((again.version, again.is_repeated()), (2, true));
        }
        assert!(held.ack().await.expect("an answer"));
    }));
}

/// Entries that were read ahead, and claimed by another consumer meanwhile, are not delivered.
#[test]
fn entries_claimed_by_another_consumer_are_not_delivered() {
    let server = Server::start();
    let mut client = server.client();
    add(&mut client, 1..=5);
    block_on(soon(async {
        let consume = |name, idle| Consume::feed(STREAM, "bot", name, Start::Oldest).claim_after(idle);
        let mut slow = open_with(&server, consume("slow", Duration::from_millis(200))).await;
        assert_eq!(take_and_ack(&mut slow).await, 1);
        let mut fast = open_with(&server, consume("fast", Duration::from_millis(200)).count(2)).await;
        assert_eq!([take_and_ack(&mut fast).await, take_and_ack(&mut fast).await], [2, 3]);
        drop(fast);
        for version in [4, 5] {
            let entry = take(&mut slow).await;
            assert_eq!((entry.version, entry.is_repeated()), (version, true));
            assert!(entry.ack().await.expect("an answer"));
        }
    }));
}

/// `next` under a timeout, repeatedly: neither an entry nor the connection is lost.
#[test]
fn cancelled_wait_loses_nothing() {
    let server = Server::start();
    let mut client = server.client();
    block_on(soon(async {
        let mut consumer = open(&server, "one").await;
        let connections = |client: &mut Client| {
            client.info("stats", "total_connections_received").parse::<u64>().expect("a number")
        };
        let before = connections(&mut client);
        for version in 0..20 {
            let given_up = tokio::time::timeout(Duration::from_millis(5), consumer.next()).await;
            assert!(given_up.is_err(), "nothing is there");
            add(&mut client, [version]);
            assert_eq!(take_and_ack(&mut consumer).await, version);
        }
        assert_eq!(connections(&mut client), before);
    }));
}

/// An audit stream created before its first entry gets an expiry; the server's own expiry is kept.
#[test]
fn empty_audit_stream_expires() {
    let server = Server::start();
    let mut client = server.client();
    block_on(soon(async {
        let consume = |group| Consume::audit("offer:7d1f", group, "one", Start::Oldest).expect("a key");
        let mut consumer = open_with(&server, consume("bot")).await;
        assert!((1..=86_400_000).contains(&client.ok(&["PTTL", TRAIL]).int()));
        client.ok(&["CONFIG", "SET", "state.audit-ttl", "172800"]);
        client.ok(&["STATE.UPDATE", "offer:7d1f", "0", "{}"]);
        assert_eq!(take_and_ack(&mut consumer).await, 1);
        drop(open_with(&server, consume("other")).await);
        assert!(client.ok(&["PTTL", TRAIL]).int() > 86_400_000);
        drop(open(&server, "one").await);
        assert_eq!(client.ok(&["PTTL", STREAM]).int(), -1, "the feed never expires");
    }));
}
