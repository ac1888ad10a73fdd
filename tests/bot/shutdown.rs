//! Shutdown: work in progress is finished, and the rest is left to other processes.

use std::time::Duration;

use support::Server;

use crate::echo_service::{Echo, config, start, waiting};
use crate::whatsapp::{FakeGraph, TARIRO, deliver, text};
use crate::{soon, until};

#[test]
fn work_in_progress_is_finished() {
    let server = Server::start();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let echo = Echo::shut(&server, "one").await;
        let bot = start(config(&server, &graph, "one"), &echo).await;
        let address = bot.address();
        assert_eq!(deliver(bot.address(), &[text("wamid.1", TARIRO, "1")]).await, 200);
        echo.has_begun(1).await;
        let stopping = tokio::spawn(bot.stop());
        let is_shut = || std::net::TcpStream::connect(address).is_err();
        until("the webhook is closed", is_shut).await;
        assert!(!stopping.is_finished(), "an answer is in progress");
        echo.let_go();
        stopping.await.expect("it stops");
        assert_eq!((graph.texts(), waiting(&mut client)), (vec!["one: 1".to_owned()], 0));
    });
}

#[test]
fn unfinished_work_is_left_to_other_processes() {
    let server = Server::start();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let (shut, open) = (Echo::shut(&server, "one").await, Echo::open(&server, "two").await);
        let mut hasty = config(&server, &graph, "one");
        hasty.grace = Duration::from_millis(50);
        let bot = start(hasty, &shut).await;
        assert_eq!(deliver(bot.address(), &[text("wamid.1", TARIRO, "1")]).await, 200);
        shut.has_begun(1).await;
        bot.stop().await;
        assert_eq!((graph.texts(), waiting(&mut client)), (vec![], 1));
        let mut next = config(&server, &graph, "two");
        next.claim_after = Duration::from_millis(100);
        let _next = start(next, &open).await;
        graph.has_sent(1).await;
        until("no message waits", || waiting(&mut client) == 0).await;
        assert_eq!(graph.texts(), ["two: 1"]);
    });
}
