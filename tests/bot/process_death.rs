//! After the death of a process or of the server, accepted messages are answered by a living
//! process.

use std::time::Duration;

use support::Server;

use crate::echo_service::{Echo, accepted, config, counted, start, waiting};
use crate::whatsapp::{FakeGraph, TARIRO, deliver, text};
use crate::{soon, until};

#[test]
fn message_of_a_dead_process_is_answered_by_another() {
    let server = Server::start();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let (one, two) = (Echo::shut(&server, "one").await, Echo::open(&server, "two").await);
        let dying = start(config(&server, &graph, "one"), &one).await;
        assert_eq!(
            deliver(dying.address(), &[text("wamid.1", TARIRO, "1"), text("wamid.2", TARIRO, "2")]).await,
            200
        );
        one.has_begun(1).await;
        drop(dying);
        let mut soon_claiming = config(&server, &graph, "two");
        soon_claiming.claim_after = Duration::from_millis(200);
        let _alive = start(soon_claiming, &two).await;
        graph.has_sent(2).await;
        until("no message waits", || waiting(&mut client) == 0).await;
        assert_eq!(graph.texts(), ["two: 1", "two: 2"]);
        assert_eq!(counted(&mut client, TARIRO), 2);
    });
}

/// A living process keeps its message, however long it takes.
#[test]
fn message_of_a_living_process_is_not_claimed() {
    let server = Server::start();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let (one, two) = (Echo::shut(&server, "one").await, Echo::open(&server, "two").await);
        let claiming = |name| {
            let mut config = config(&server, &graph, name);
            config.claim_after = Duration::from_secs(1);
            // One message at a time, so it does not claim more itself.
            config.at_once = 1;
            config
        };
        let slow = start(claiming("one"), &one).await;
        assert_eq!(
            deliver(slow.address(), &[text("wamid.1", TARIRO, "1"), text("wamid.2", TARIRO, "2")]).await,
            200
        );
        one.has_begun(1).await;
        let other = start(claiming("two"), &two).await;
        // Until the other process has tried to claim abandoned messages several times.
        let looked = |client: &mut support::Client| {
            let stats = client.text(&["INFO", "commandstats"]);
            let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_xautoclaim:calls="));
            line.and_then(|rest| rest.split(',').next()?.parse::<u64>().ok()).unwrap_or(0)
        };
        until("it has tried to claim", || looked(&mut client) >= 7).await;
        one.let_go();
        graph.has_sent(2).await;
        until("no message waits", || waiting(&mut client) == 0).await;
        drop(other);
        assert_eq!(graph.texts(), ["one: 1", "one: 2"]);
    });
}

/// The only case of a second answer: the process died after sending and before recording it. The
/// count stays right.
#[test]
fn death_after_sending_answers_again_and_counts_once() {
    let server = Server::start();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let echo = Echo::open(&server, "one").await;
        let dying = start(config(&server, &graph, "one"), &echo).await;
        graph.never_answer(true);
        assert_eq!(deliver(dying.address(), &[text("wamid.1", TARIRO, "pay")]).await, 200);
        graph.has_sent(1).await;
        drop(dying);
        graph.never_answer(false);
        // A process of the same name resumes its messages at once.
        let _again = start(config(&server, &graph, "one"), &echo).await;
        graph.has_sent(2).await;
        until("no message waits", || waiting(&mut client) == 0).await;
        assert_eq!(graph.texts(), ["one: pay", "one: pay"]);
        assert_eq!(counted(&mut client, TARIRO), 1);
    });
}

#[test]
fn nothing_is_accepted_without_the_server() {
    let builder = Server::builder().arg("--appendonly").arg("yes").arg("--appendfsync").arg("always");
    let mut server = builder.start();
    soon(async {
        let graph = FakeGraph::start();
        let shut = Echo::shut(&server, "one").await;
        let bot = start(config(&server, &graph, "one"), &shut).await;
        assert_eq!(deliver(bot.address(), &[text("wamid.1", TARIRO, "1")]).await, 200);
        shut.has_begun(1).await;
        server.kill();
        let second = text("wamid.2", TARIRO, "2");
        assert_eq!(deliver(bot.address(), std::slice::from_ref(&second)).await, 503);
        drop(bot);
        // The server is back, on another port. Accepted messages are there, others are redelivered.
        server.start_again();
        let bot = start(config(&server, &graph, "one"), &Echo::open(&server, "one").await).await;
        assert_eq!(deliver(bot.address(), &[second]).await, 200);
        graph.has_sent(2).await;
        assert_eq!(graph.texts(), ["one: 1", "one: 2"]);
        assert_eq!(accepted(&mut server.client()), 2);
    });
}
