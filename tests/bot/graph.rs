//! Sending by the Graph API: permanent rejections, and errors that are retried.

use redis_state_bot::message::Sender;
use redis_state_bot::service::{Graph, Undelivered};
use support::Server;

use crate::echo_service::{Echo, config, start, waiting};
use crate::whatsapp::{FakeGraph, NUMBER_ID, TARIRO, TOKEN, deliver, text};
use crate::{soon, until};

fn graph_at(url: &str) -> Graph {
    Graph::new(url, NUMBER_ID, TOKEN.parse().expect("a text")).expect("a Graph API")
}

#[test]
fn temporary_errors_are_retried_and_permanent_ones_are_not() {
    soon(async {
        let fake = FakeGraph::start();
        let graph = graph_at(&fake.url);
        fake.refuse(&[(429, 0), (500, 0), (400, 130_429)]);
        graph.deliver("+263771234567", &"hi".into()).await.expect("the fourth time");
        assert_eq!(fake.sent(), [(TARIRO.to_owned(), "hi".to_owned())]);

        fake.refuse(&[(400, 131_026)]);
        let rejected = graph.deliver("+263771234567", &"hi".into()).await.expect_err("no WhatsApp there");
        assert_eq!(rejected, Undelivered::Rejected("400 Bad Request, code 131026".to_owned()));
        fake.refuse(&[(400, 131_026)]);
        graph.send("+263771234567", &"hi".into()).await.expect("a rejected text is dropped");
        assert_eq!(fake.sent().len(), 1);

        fake.refuse(&[(503, 0); 4]);
        let away = graph.deliver("+263771234567", &"hi".into()).await.expect_err("the API is down");
        assert!(matches!(away, Undelivered::NotNow(_)), "{away}");
        assert_eq!((fake.refusals_left(), fake.sent().len()), (0, 1));
    });
}

#[test]
fn unreachable_api_is_a_temporary_error() {
    soon(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        drop(listener);
        let away =
            graph_at(&url).deliver("+263771234567", &"hi".into()).await.expect_err("no server is there");
        assert!(matches!(away, Undelivered::NotNow(_)), "{away}");
        assert!(!away.to_string().contains(NUMBER_ID), "{away}");
    });
}

/// An outage of the API keeps messages, a rejection does not.
#[test]
fn messages_survive_an_outage() {
    let server = Server::start();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let bot = start(config(&server, &graph, "one"), &Echo::open(&server, "one").await).await;
        graph.refuse(&[(503, 0), (401, 190), (503, 0), (503, 0), (503, 0), (400, 131_026)]);
        assert_eq!(
            deliver(bot.address(), &[text("wamid.1", TARIRO, "1"), text("wamid.2", TARIRO, "2")]).await,
            200
        );
        until("no message waits", || waiting(&mut client) == 0).await;
        assert_eq!((graph.texts(), graph.refusals_left()), (vec!["one: 2".to_owned()], 0));
    });
}

/// The API accepts at most 4096 characters a text.
#[test]
fn long_answer_is_sent_in_parts() {
    let server = Server::start();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let bot = start(config(&server, &graph, "one"), &Echo::open(&server, "one").await).await;
        let long = "é".repeat(5000);
        assert_eq!(deliver(bot.address(), &[text("wamid.1", TARIRO, &long)]).await, 200);
        until("no message waits", || waiting(&mut client) == 0).await;
        let sent: Vec<String> = graph.sent().into_iter().map(|(_, text)| text).collect();
        assert_eq!(sent.iter().map(|text| text.chars().count()).collect::<Vec<_>>(), [4096, 5000 + 5 - 4096]);
        assert_eq!(sent.concat(), format!("one: {long}"));
    });
}
