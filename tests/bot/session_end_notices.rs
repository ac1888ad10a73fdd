//! Session expiry: each user that loses a step is notified once, by any process.

use std::time::Duration;

use redis_state_bot::service::Service;
use redis_state_vimbiso::channel::{Channel, FlowUpdate};
use support::{Client, Server};

use crate::echo_service::{Echo, GOODBYE, config, start};
use crate::whatsapp::{FakeGraph, TARIRO};
use crate::{soon, until};

const FEED: &str = "sessions";
/// A server with a feed, whose sessions lapse after 200 ms.
fn server() -> Server {
    let server = Server::builder().arg("--state.feed").arg(FEED).start();
    let schema = std::fs::read_to_string(support::repository().join("schemas/vimbiso.channel.json"));
    let short = schema.expect("a file").replace("\"x-ttl\": 300", "\"x-ttl\": 0.2");
    server.client().ok(&["STATE.SCHEMA", "SET", "vimbiso.channel", &short]);
    server
}

async fn notifier(server: &Server, graph: &FakeGraph, name: &'static str) -> Service {
    let mut config = config(server, graph, name);
    config.feed = FEED.to_owned();
    config.claim_after = Duration::from_millis(500);
    start(config, &Echo::open(server, name).await).await
}

/// A user at the greeting, or further along these steps.
async fn person(server: &Server, number: &str, steps: &[(&str, &str)]) {
    let states = redis_state_client::connect(&server.url()).await.expect("a server");
    let mut channel = Channel::new(states, format!("+{number}"));
    channel.initialize_channel("whatsapp", "webhook").await.expect("a state");
    for (path, component) in steps {
        let update = FlowUpdate::from("test").step(*path, *component);
        channel.update_state(&update).await.expect("a step that may follow");
    }
}

/// Whether this many entries were written, and all are acknowledged.
fn is_acknowledged(client: &mut Client, entries: i64) -> bool {
    let groups = client.ok(&["XINFO", "GROUPS", FEED]);
    let group = &groups.array()[0];
    let (read, pending) = (group.field("entries-read"), group.field("pending").int());
    !read.is_nil() && read.int() >= entries && pending == 0
}

/// S16: a lapse is notified once by one of two processes; a user at the greeting is not notified.
#[test]
fn lapse_is_notified_once() {
    let server = server();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let _one = notifier(&server, &graph, "one").await;
        let _two = notifier(&server, &graph, "two").await;
        person(&server, TARIRO, &[("login", "LoginApiCall")]).await;
        // At the greeting, with input: it lapses too.
        person(&server, "263770000001", &[]).await;
        client.ok(&["STATE.UPDATE", "channel:+263770000001", "*", r#"{"current":{"awaiting_input":true}}"#]);
        until("both entries are acknowledged", || is_acknowledged(&mut client, 2)).await;
        assert_eq!(graph.sent(), [(TARIRO.to_owned(), GOODBYE.to_owned())]);
        let step = client.ok(&["STATE.GET", "channel:+263771234567", "/current/component"]);
        assert!(step.to_string().contains("Greeting"), "{step}");
    });
}

/// S16: an expiry is notified as a lapse is.
#[test]
fn expiry_is_notified_to_users_beyond_the_greeting() {
    let server = Server::builder().arg("--state.feed").arg(FEED).start();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let _one = notifier(&server, &graph, "one").await;
        let _two = notifier(&server, &graph, "two").await;
        person(&server, TARIRO, &[("login", "LoginApiCall")]).await;
        person(&server, "263770000001", &[]).await;
        for number in [TARIRO, "263770000001"] {
            client.ok(&["PEXPIRE", &format!("channel:+{number}"), "20"]);
        }
        until("both entries are acknowledged", || is_acknowledged(&mut client, 2)).await;
        assert_eq!(graph.sent(), [(TARIRO.to_owned(), GOODBYE.to_owned())]);
    });
}

#[test]
fn returned_user_is_not_notified() {
    let server = server();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        // Creates the group and stops.
        drop(notifier(&server, &graph, "one").await);
        person(&server, TARIRO, &[("login", "LoginApiCall")]).await;
        until("it lapses", || client.ok(&["XLEN", FEED]).int() == 1).await;
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.channel", &long_again()]);
        person(&server, TARIRO, &[("login", "LoginApiCall")]).await;
        let _two = notifier(&server, &graph, "two").await;
        until("the entry is acknowledged", || is_acknowledged(&mut client, 1)).await;
        assert_eq!(graph.sent(), []);
    });
}

fn long_again() -> String {
    std::fs::read_to_string(support::repository().join("schemas/vimbiso.channel.json")).expect("a file")
}

/// The API is down, and the process is stopped: another one notifies the user.
#[test]
fn another_process_sends_a_failed_notice() {
    let server = server();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let dying = notifier(&server, &graph, "one").await;
        graph.refuse(&[(503, 0); 1000]);
        person(&server, TARIRO, &[("login", "LoginApiCall")]).await;
        until("it was tried", || graph.refusals_left() < 1000).await;
        drop(dying);
        graph.refuse_no_more();
        let _alive = notifier(&server, &graph, "two").await;
        graph.has_sent(1).await;
        until("the entry is acknowledged", || is_acknowledged(&mut client, 1)).await;
        assert_eq!(graph.sent(), [(TARIRO.to_owned(), GOODBYE.to_owned())]);
    });
}
