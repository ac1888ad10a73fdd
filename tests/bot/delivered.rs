//! Messages that are delivered twice, out of order, or to several processes at once: each is
//! answered once.

use redis_state_bot::service::SORRY;
use support::Server;

use crate::echo_service::{Echo, INBOX, accepted, config, counted, start, waiting};
use crate::whatsapp::{FakeGraph, TARIRO, deliver, text};
use crate::{soon, until};

#[test]
fn redelivered_message_is_answered_once() {
    let server = Server::start();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let echo = Echo::shut(&server, "one").await;
        let bot = start(config(&server, &graph, "one"), &echo).await;
        let (first, second) = (text("wamid.1", TARIRO, "1"), text("wamid.2", TARIRO, "2"));
        // While it waits: concurrently, twice in one body, and the older one after the newer.
        let (newer, twice) = (vec![second.clone()], vec![second.clone(), second.clone()]);
        assert_eq!(tokio::join!(deliver(bot.address(), &newer), deliver(bot.address(), &twice)), (200, 200));
        assert_eq!(deliver(bot.address(), &[first.clone(), second.clone()]).await, 200);
        echo.let_go();
        graph.has_sent(2).await;
        until("no message waits", || waiting(&mut client) == 0).await;
        // And after it is answered.
        assert_eq!(deliver(bot.address(), &[second, first]).await, 200);
        assert_eq!(deliver(bot.address(), &[text("wamid.3", TARIRO, "3")]).await, 200);
        graph.has_sent(3).await;
        assert_eq!(graph.texts(), ["one: 1", "one: 2", "one: 3"]);
        assert_eq!((accepted(&mut client), counted(&mut client, TARIRO)), (3, 3));
    });
}

/// However the webhooks are distributed, one process at a time works for a user.
#[test]
fn messages_of_one_user_are_answered_in_order() {
    let server = Server::start();
    soon(async {
        let graph = FakeGraph::start();
        let bots = [
            start(config(&server, &graph, "one"), &Echo::open(&server, "one").await).await,
            start(config(&server, &graph, "two"), &Echo::open(&server, "two").await).await,
        ];
        let numbered = |n: usize| text(&format!("wamid.{n}"), TARIRO, &n.to_string());
        let messages: Vec<_> = (0..60).map(numbered).collect();
        for (n, some) in messages.chunks(3).enumerate() {
            assert_eq!(deliver(bots[n % 2].address(), some).await, 200);
        }
        graph.has_sent(60).await;
        let received =
            |(_, text): &(String, String)| text.split_once(": ").map(|(_, received)| received.to_owned());
        let sent: Vec<Option<String>> = graph.sent().iter().map(received).collect();
        let wanted: Vec<Option<String>> = (0..60).map(|n| Some(n.to_string())).collect();
        assert_eq!(sent, wanted);
    });
}

/// The stream was deleted or evicted: the mailbox is answered with the next message.
#[test]
fn mailbox_without_its_ticket_gets_a_new_one() {
    let server = Server::start();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let shut = Echo::shut(&server, "one").await;
        let bot = start(config(&server, &graph, "one"), &shut).await;
        assert_eq!(deliver(bot.address(), &[text("wamid.1", TARIRO, "1")]).await, 200);
        shut.has_begun(1).await;
        drop(bot);
        client.ok(&["DEL", INBOX]);
        let bot = start(config(&server, &graph, "two"), &Echo::open(&server, "two").await).await;
        assert_eq!(deliver(bot.address(), &[text("wamid.2", TARIRO, "2")]).await, 200);
        graph.has_sent(2).await;
        until("no message waits", || waiting(&mut client) == 0).await;
        assert_eq!(graph.texts(), ["two: 1", "two: 2"]);
        assert_eq!(client.ok(&["EXISTS", "{bot:inbox}:from:+263771234567"]).int(), 0);
    });
}

#[test]
fn two_processes_share_the_messages() {
    let server = Server::start();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let (one, two) = (Echo::shut(&server, "one").await, Echo::shut(&server, "two").await);
        let bots = [
            start(config(&server, &graph, "one"), &one).await,
            start(config(&server, &graph, "two"), &two).await,
        ];
        let mut wanted = Vec::new();
        for n in 0..40 {
            let from = format!("2637700000{:02}", n % 10);
            let body = format!("{n:02}");
            assert_eq!(
                deliver(bots[n % 2].address(), &[text(&format!("wamid.{n}"), &from, &body)]).await,
                200
            );
            wanted.push(body);
        }
        // Neither process can take all of them.
        one.has_begun(1).await;
        two.has_begun(1).await;
        one.let_go();
        two.let_go();
        graph.has_sent(40).await;
        until("no message waits", || waiting(&mut client) == 0).await;
        let mut received: Vec<String> =
            graph.texts().iter().filter_map(|text| Some(text.split_once(": ")?.1.to_owned())).collect();
        received.sort();
        assert_eq!(received, wanted, "each message is answered once");
        let counts: u64 = (0..10).map(|n| counted(&mut client, &format!("2637700000{n:02}"))).sum();
        assert_eq!(counts, 40);
    });
}

/// S70: a message that fails permanently is answered with an apology and put aside, and the next
/// message is answered.
#[test]
fn failing_message_does_not_block_the_next() {
    let server = Server::start();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let bot = start(config(&server, &graph, "one"), &Echo::open(&server, "one").await).await;
        let messages = ["fail", "panic", "hi"].map(|word| text(&format!("wamid.{word}"), TARIRO, word));
        assert_eq!(deliver(bot.address(), &messages).await, 200);
        graph.has_sent(3).await;
        let sent: Vec<String> = graph.sent().into_iter().map(|(_, text)| text).collect();
        assert_eq!(sent, [SORRY, SORRY, "one: hi"]);
        until("no message waits", || waiting(&mut client) == 0).await;
        assert_eq!(counted(&mut client, TARIRO), 1, "the state is as before");
        let aside = client.ok(&["XRANGE", "{bot:inbox}:failed", "-", "+"]);
        let aside: Vec<_> = aside.array().iter().map(|entry| entry.array()[1].array()[1].text()).collect();
        assert_eq!(aside.len(), 2);
        assert!(aside[0].contains("wamid.fail") && aside[1].contains("wamid.panic"), "{aside:?}");
    });
}
