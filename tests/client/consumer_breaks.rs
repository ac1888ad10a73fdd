//! The audit consumer through failures of the connection, the server, its group and the stream.

use std::time::Duration;

use redis_state_client::{Consume, EntryId, Start};
use support::{Server, block_on, wait_until};

use crate::consumer::{STREAM, add, open, open_with, pending, take, take_and_ack};
use crate::{cut, soon};

#[test]
fn cut_connection_loses_nothing() {
    let server = Server::start();
    let mut client = server.client();
    block_on(soon(async {
        let mut consumer = open(&server, "one").await;
        let mut received = Vec::new();
        for round in 0..5 {
            add(&mut client, [3 * round]);
            received.push(take_and_ack(&mut consumer).await);
            // While it waits, and with entries added before it reconnects.
            let waits = tokio::time::timeout(Duration::from_millis(50), consumer.next()).await;
            assert!(waits.is_err(), "nothing is there");
            cut(&mut client);
            add(&mut client, [3 * round + 1]);
            received.push(take_and_ack(&mut consumer).await);
            // With entries that it was sent and has not delivered.
            cut(&mut client);
            add(&mut client, [3 * round + 2]);
            received.push(take_and_ack(&mut consumer).await);
        }
        assert_eq!((received, pending(&mut client)), ((0..15).collect(), 0));
    }));
}

/// A lost reply: the server has delivered the entry, and the connection is cut.
#[test]
fn entry_whose_delivery_was_lost_comes_first() {
    let server = Server::start();
    let mut client = server.client();
    block_on(soon(async {
        let mut consumer = open(&server, "one").await;
        add(&mut client, [1]);
        assert_eq!(take_and_ack(&mut consumer).await, 1);
        add(&mut client, [2]);
        client.ok(&["XREADGROUP", "GROUP", "bot", "one", "STREAMS", STREAM, ">"]);
        cut(&mut client);
        add(&mut client, [3]);
        assert_eq!([take_and_ack(&mut consumer).await, take_and_ack(&mut consumer).await], [2, 3]);
    }));
}

#[test]
fn trimmed_entries_are_counted_and_skipped() {
    let server = Server::start();
    let mut client = server.client();
    add(&mut client, 1..=6);
    block_on(soon(async {
        drop(take(&mut open(&server, "one").await).await);
        drop(
            take(&mut open_with(&server, Consume::feed(STREAM, "other", "dead", Start::Oldest)).await).await,
        );
        assert_eq!(pending(&mut client), 6);
        client.ok(&["XTRIM", STREAM, "MAXLEN", "2"]);
        let mut consumer = open(&server, "one").await;
        assert_eq!([take_and_ack(&mut consumer).await, take_and_ack(&mut consumer).await], [5, 6]);
        assert_eq!((pending(&mut client), consumer.trimmed()), (0, 4));
        // Entries of a dead consumer too.
        let consume =
            Consume::feed(STREAM, "other", "one", Start::Oldest).claim_after(Duration::from_millis(300));
        let mut other = open_with(&server, consume).await;
        assert_eq!([take(&mut other).await.version, take(&mut other).await.version], [5, 6]);
        assert_eq!(other.trimmed(), 4);
    }));
}

#[test]
fn deleted_group_is_recreated() {
    let server = Server::start();
    let mut client = server.client();
    block_on(soon(async {
        let mut consumer = open(&server, "one").await;
        add(&mut client, 1..=2);
        assert_eq!([take_and_ack(&mut consumer).await, take_and_ack(&mut consumer).await], [1, 2]);
        // While it waits.
        assert!(tokio::time::timeout(Duration::from_millis(50), consumer.next()).await.is_err());
        client.ok(&["FLUSHALL"]);
        add(&mut client, [3]);
        assert_eq!(take_and_ack(&mut consumer).await, 3);
        // Recreating the group redelivers no acknowledged entry, and delivers entries added since.
        client.ok(&["XGROUP", "DESTROY", STREAM, "bot"]);
        add(&mut client, [4]);
        assert_eq!(take_and_ack(&mut consumer).await, 4);
        // A recreated stream with lower IDs, as after a failover to a server whose clock is behind.
        client.ok(&["DEL", STREAM]);
        client.ok(&["XADD", STREAM, "7-0", "event", "expire", "version", "5"]);
        let entry = take(&mut consumer).await;
        assert_eq!((entry.version, entry.id), (5, EntryId { ms: 7, seq: 0 }));
        assert!(entry.ack().await.expect("an answer"));
    }));
}

/// S15, S16: the server and the consumer stop, and unacknowledged entries are there after the
/// restart.
#[test]
fn unacknowledged_entries_survive_a_restart() {
    let builder = Server::builder().arg("--appendonly").arg("yes").arg("--appendfsync").arg("always");
    let mut server = builder.start();
    let mut client = server.client();
    block_on(soon(async {
        let mut consumer = open(&server, "one").await;
        add(&mut client, 1..=3);
        assert_eq!(take_and_ack(&mut consumer).await, 1);
        drop(client);
        server.kill();
        assert_eq!(take(&mut consumer).await.version, 2, "this one was read before");
        drop(consumer);
        server.start_again();
        // Another port, so another consumer.
        let mut consumer = open(&server, "one").await;
        let mut client = server.client();
        assert_eq!([take_and_ack(&mut consumer).await, take_and_ack(&mut consumer).await], [2, 3]);
        assert_eq!(pending(&mut client), 0);
    }));
}

/// A lasting error is reported, and the consumer continues.
#[test]
fn lasting_error_is_reported() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["ACL", "SETUSER", "worker", "on", ">secret", "~sessions", "+@all"]);
    let url = server.url().replace("redis://", "redis://worker:secret@");
    block_on(soon(async {
        let elsewhere = Consume::feed("others", "bot", "one", Start::Oldest).open(&url).await;
        assert_eq!(
            elsewhere.err().map(|error| error.kind()),
            Some(redis_state_client::ErrorKind::NoPermission)
        );
        let mut consumer =
            Consume::feed(STREAM, "bot", "one", Start::Oldest).open(&url).await.expect("a consumer");
        client.ok(&["ACL", "SETUSER", "worker", "-xreadgroup"]);
        let error = consumer.next().await.expect_err("no permission");
        assert_eq!(error.kind(), redis_state_client::ErrorKind::NoPermission, "{error}");
        client.ok(&["ACL", "SETUSER", "worker", "+xreadgroup"]);
        add(&mut client, [1]);
        assert_eq!(take_and_ack(&mut consumer).await, 1);
    }));
    wait_until("nothing waits", || pending(&mut client) == 0);
}
