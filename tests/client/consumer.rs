//! The consumer: what was not acknowledged comes again, in order, and nothing else does, whoever stops and whatever breaks.

use std::time::Duration;

use redis_state_client::{AuditConsumer, Consume, Delivered, EntryId, Start};
use support::{Client, Server, block_on, wait_until};

use crate::{cut, soon};

const STREAM: &str = "sessions";
const TRAIL: &str = "{offer:7d1f}:audit";

/// Entries as the server writes them, one for each number.
fn add(client: &mut Client, versions: impl IntoIterator<Item = u64>) {
    for version in versions {
        client.ok(&["XADD", STREAM, "*", "event", "expire", "version", &version.to_string()]);
    }
}

async fn open(server: &Server, name: &str) -> AuditConsumer {
    open_with(server, Consume::feed(STREAM, "bot", name, Start::Oldest)).await
}

async fn open_with(server: &Server, consume: Consume) -> AuditConsumer {
    consume.open(&server.url()).await.expect("a consumer")
}

async fn take(consumer: &mut AuditConsumer) -> Delivered {
    consumer.next().await.expect("an entry")
}

async fn take_and_ack(consumer: &mut AuditConsumer) -> u64 {
    let entry = take(consumer).await;
    assert!(entry.ack().await.expect("an answer"), "acknowledged twice: {entry:?}");
    entry.version
}

fn pending(client: &mut Client) -> i64 {
    client.ok(&["XPENDING", STREAM, "bot"]).array()[0].int()
}

#[test]
fn who_stops_and_starts_again_gets_what_was_not_acknowledged() {
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
fn a_new_group_begins_where_it_is_told_to() {
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
fn two_consumers_of_a_group_share() {
    let server = Server::start();
    let mut client = server.client();
    block_on(soon(async {
        let narrow = |name| Consume::feed(STREAM, "bot", name, Start::Oldest).count(1);
        let mut one = open_with(&server, narrow("one")).await;
        let mut two = open_with(&server, narrow("two")).await;
        let mut heard = Vec::new();
        for version in [1, 3, 5] {
            // Both wait, and each is given one.
            add(&mut client, [version, version + 1]);
            let (left, right) = tokio::join!(take_and_ack(&mut one), take_and_ack(&mut two));
            heard.extend([left, right]);
        }
        heard.sort_unstable();
        assert_eq!((heard, pending(&mut client)), (vec![1, 2, 3, 4, 5, 6], 0));
    }));
}

#[test]
fn entries_of_a_consumer_that_died_are_taken_over() {
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

/// What it still holds is not given to it a second time; what it dropped unacknowledged is.
#[test]
fn what_was_dropped_comes_again_and_what_is_held_does_not() {
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

/// What it has read but not handed out, and another one has taken over meanwhile, it does not hand out any more.
#[test]
fn what_lay_ready_for_too_long_is_asked_for_again() {
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

#[test]
fn a_cut_connection_loses_nothing() {
    let server = Server::start();
    let mut client = server.client();
    block_on(soon(async {
        let mut consumer = open(&server, "one").await;
        let mut heard = Vec::new();
        for round in 0..5 {
            add(&mut client, [3 * round]);
            heard.push(take_and_ack(&mut consumer).await);
            // While it waits, and with entries that come before it is back.
            let waits = tokio::time::timeout(Duration::from_millis(50), consumer.next()).await;
            assert!(waits.is_err(), "nothing is there");
            cut(&mut client);
            add(&mut client, [3 * round + 1]);
            heard.push(take_and_ack(&mut consumer).await);
            // And with some that it was given and has not handed out.
            cut(&mut client);
            add(&mut client, [3 * round + 2]);
            heard.push(take_and_ack(&mut consumer).await);
        }
        assert_eq!((heard, pending(&mut client)), ((0..15).collect(), 0));
    }));
}

/// An answer that never arrives: the server has given the entry away, and the connection is cut.
#[test]
fn an_entry_whose_delivery_was_not_heard_of_comes_first() {
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

/// `next` under a timeout, again and again: neither an entry nor the connection is lost.
#[test]
fn who_gives_up_waiting_loses_nothing() {
    let server = Server::start();
    let mut client = server.client();
    block_on(soon(async {
        let mut consumer = open(&server, "one").await;
        let connections = |client: &mut Client| {
            let info = client.text(&["INFO", "stats"]);
            let line = info.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
            line.expect("a counter").trim().parse::<u64>().expect("a number")
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

#[test]
fn what_was_trimmed_is_counted_and_not_waited_for() {
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
        // Those of a consumer that died too.
        let consume =
            Consume::feed(STREAM, "other", "one", Start::Oldest).claim_after(Duration::from_millis(300));
        let mut other = open_with(&server, consume).await;
        assert_eq!([take(&mut other).await.version, take(&mut other).await.version], [5, 6]);
        assert_eq!(other.trimmed(), 4);
    }));
}

#[test]
fn a_group_that_is_gone_is_made_again() {
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
        // Nothing that was acknowledged comes again with the group alone gone, and what came since does.
        client.ok(&["XGROUP", "DESTROY", STREAM, "bot"]);
        add(&mut client, [4]);
        assert_eq!(take_and_ack(&mut consumer).await, 4);
        // A stream that begins anew with lower IDs, as after a failover to a server whose clock is behind.
        client.ok(&["DEL", STREAM]);
        client.ok(&["XADD", STREAM, "7-0", "event", "expire", "version", "5"]);
        let entry = take(&mut consumer).await;
        assert_eq!((entry.version, entry.id), (5, EntryId { ms: 7, seq: 0 }));
        assert!(entry.ack().await.expect("an answer"));
    }));
}

/// S15, S16: the server goes down, kill -9, and comes back on its port; the consumer does not notice more than a pause.
#[test]
fn a_server_that_restarts_is_waited_out() {
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

/// A trail that is made before its first entry does not stay for ever, and the server's own expiry is left alone.
#[test]
fn an_empty_trail_expires() {
    let server = Server::start();
    let mut client = server.client();
    block_on(soon(async {
        let consume = |group| Consume::trail("offer:7d1f", group, "one", Start::Oldest).expect("a key");
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

/// An error that does not pass is told, and is no end.
#[test]
fn what_does_not_pass_is_told() {
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
        let error = consumer.next().await.expect_err("no right");
        assert_eq!(error.kind(), redis_state_client::ErrorKind::NoPermission, "{error}");
        client.ok(&["ACL", "SETUSER", "worker", "+xreadgroup"]);
        add(&mut client, [1]);
        assert_eq!(take_and_ack(&mut consumer).await, 1);
    }));
    wait_until("nothing waits", || pending(&mut client) == 0);
}
