//! Session ends: each user that lost a step is told once, by any process.

use std::time::Duration;

use redis_state_bot::service::Service;
use redis_state_vimbiso::channel::{Channel, FlowUpdate};
use support::{Client, Server};

use crate::echo::{Echo, GOODBYE, config, start};
use crate::whatsapp::{FakeGraph, TARIRO};
use crate::{soon, until};

const FEED: &str = "sessions";
/// A server that has a feed, and whose sessions lapse after 200 ms.
fn server() -> Server {
    let server = Server::builder().arg("--state.feed").arg(FEED).start();
    let schema = std::fs::read_to_string(support::repository().join("schemas/vimbiso.channel.json"));
    let short = schema.expect("a file").replace("\"x-ttl\": 300", "\"x-ttl\": 0.2");
    server.client().ok(&["STATE.SCHEMA", "SET", "vimbiso.channel", &short]);
    server
}

async fn teller(server: &Server, graph: &FakeGraph, name: &'static str) -> Service {
    let mut config = config(server, graph, name);
    config.feed = FEED.to_owned();
    config.claim_after = Duration::from_millis(500);
    start(config, &Echo::open(server, name).await).await
}

/// A user at the greeting, and further if it is said.
async fn person(server: &Server, number: &str, steps: &[(&str, &str)]) {
    let states = redis_state_client::connect(&server.url()).await.expect("a server");
    let mut channel = Channel::new(states, format!("+{number}"));
    channel.initialize_channel("whatsapp", "webhook").await.expect("a state");
    for (path, component) in steps {
        let update = FlowUpdate::from("test").step(*path, *component);
        channel.update_state(&update).await.expect("a step that may follow");
    }
}

/// Whether so many entries were written, and all of them are acknowledged.
fn is_through(client: &mut Client, entries: i64) -> bool {
    let groups = client.ok(&["XINFO", "GROUPS", FEED]);
    let group = &groups.array()[0];
    let (read, pending) = (group.field("entries-read"), group.field("pending").int());
    !read.is_nil() && read.int() >= entries && pending == 0
}

/// S16: a lapse is told once, by one of two; a user at the greeting is not told.
#[test]
fn a_lapse_is_told_once() {
    let server = server();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let _one = teller(&server, &graph, "one").await;
        let _two = teller(&server, &graph, "two").await;
        person(&server, TARIRO, &[("login", "LoginApiCall")]).await;
        // At the greeting, with something typed: it lapses too.
        person(&server, "263770000001", &[]).await;
        client.ok(&["STATE.UPDATE", "channel:+263770000001", "*", r#"{"current":{"awaiting_input":true}}"#]);
        until("both are through", || is_through(&mut client, 2)).await;
        assert_eq!(graph.sent(), [(TARIRO.to_owned(), GOODBYE.to_owned())]);
        let step = client.ok(&["STATE.GET", "channel:+263771234567", "/current/component"]);
        assert!(step.to_string().contains("Greeting"), "{step}");
    });
}

/// S16: an expiry is told as a lapse is.
#[test]
fn an_expiry_is_told_to_who_had_got_somewhere() {
    let server = Server::builder().arg("--state.feed").arg(FEED).start();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let _one = teller(&server, &graph, "one").await;
        let _two = teller(&server, &graph, "two").await;
        person(&server, TARIRO, &[("login", "LoginApiCall")]).await;
        person(&server, "263770000001", &[]).await;
        for number in [TARIRO, "263770000001"] {
            client.ok(&["PEXPIRE", &format!("channel:+{number}"), "20"]);
        }
        until("both are through", || is_through(&mut client, 2)).await;
        assert_eq!(graph.sent(), [(TARIRO.to_owned(), GOODBYE.to_owned())]);
    });
}

#[test]
fn who_is_back_is_not_told() {
    let server = server();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        // Makes the group and is gone.
        drop(teller(&server, &graph, "one").await);
        person(&server, TARIRO, &[("login", "LoginApiCall")]).await;
        until("it lapses", || client.ok(&["XLEN", FEED]).int() == 1).await;
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.channel", &long_again()]);
        person(&server, TARIRO, &[("login", "LoginApiCall")]).await;
        let _two = teller(&server, &graph, "two").await;
        until("it is through", || is_through(&mut client, 1)).await;
        assert_eq!(graph.sent(), []);
    });
}

fn long_again() -> String {
    std::fs::read_to_string(support::repository().join("schemas/vimbiso.channel.json")).expect("a file")
}

/// The API is away, and so is the process soon: another one tells.
#[test]
fn an_end_that_could_not_be_told_another_tells() {
    let server = server();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let dying = teller(&server, &graph, "one").await;
        graph.refuse(&[(503, 0); 1000]);
        person(&server, TARIRO, &[("login", "LoginApiCall")]).await;
        until("it was tried", || graph.refusals_left() < 1000).await;
        drop(dying);
        graph.refuse_no_more();
        let _alive = teller(&server, &graph, "two").await;
        graph.has_sent(1).await;
        until("it is through", || is_through(&mut client, 1)).await;
        assert_eq!(graph.sent(), [(TARIRO.to_owned(), GOODBYE.to_owned())]);
    });
}
