//! Two processes of the bot on one Redis, behind a WhatsApp that delivers everything to both, and
//! again. They run as the user that docs/bot.md describes.

use std::time::Duration;

use redis_state_bot::ledger::{Failure, MemoryLedger};
use serde_json::{Value, json};
use support::{Client, Server, repository};

use crate::echo::waiting;
use crate::flows::{self, joined};
use crate::over_http::serve;
use crate::program::Process;
use crate::times::change_schema;
use crate::whatsapp::{FakeGraph, SECRET, TOKEN, deliver, text};
use crate::{soon, until};

/// Two processes, their server and WhatsApp.
struct World {
    server: Server,
    client: Client,
    ledger: MemoryLedger,
    ledger_url: String,
    graph: FakeGraph,
    bots: Vec<Process>,
}

impl World {
    async fn start(server: Server, more: &[(&str, &str)]) -> World {
        let ledger = MemoryLedger::new();
        let (mut client, ledger_url, graph) = (server.client(), serve(ledger.clone()), FakeGraph::start());
        client.ok(&user_of_the_page().split(' ').collect::<Vec<_>>());
        let mut world = World { server, client, ledger, ledger_url, graph, bots: Vec::new() };
        world.begins(more);
        world.begins(more);
        world
    }

    /// One process more.
    fn begins(&mut self, more: &[(&str, &str)]) {
        let url = self.server.url().replace("redis://", "redis://bot:a-long-password@");
        let more: Vec<(&str, &str)> =
            [("REDIS_STATE_URL", url.as_str())].iter().chain(more).copied().collect();
        let bot = Process::start(&self.server, &self.graph, &self.ledger_url, &more);
        self.bots.push(bot);
    }

    async fn nothing_waits(&mut self) {
        until("nothing waits", || waiting(&mut self.client) == 0).await;
    }
}

/// The line of docs/bot.md that makes the bot's user.
pub fn user_of_the_page() -> String {
    let page = std::fs::read_to_string(repository().join("docs/bot.md")).expect("docs/bot.md");
    page.lines().find(|line| line.starts_with("ACL SETUSER bot ")).expect("the user").to_owned()
}

/// A user on WhatsApp.
struct Person {
    number: String,
    said: Vec<Value>,
}

impl Person {
    fn new(n: usize) -> Person {
        Person { number: format!("26377123{n:04}"), said: Vec::new() }
    }

    fn key(&self) -> String {
        format!("channel:+{}", self.number)
    }

    fn writes(&mut self, body: &str) -> Value {
        let message = text(&format!("wamid.{}.{}", self.number, self.said.len()), &self.number, body);
        self.said.push(message.clone());
        message
    }

    /// What this user was sent, in order.
    fn heard(&self, graph: &FakeGraph) -> Vec<String> {
        let sent = graph.sent().into_iter().filter(|(to, _)| *to == self.number);
        sent.map(|(_, text)| text).collect()
    }

    /// Says it, to each process at the same time; what comes back.
    async fn says(&mut self, world: &mut World, body: &str) -> String {
        let before = self.heard(&world.graph).len();
        let message = [self.writes(body)];
        let both = [&world.bots[0], &world.bots[world.bots.len() - 1]].map(|bot| bot.address);
        assert_eq!(tokio::join!(deliver(both[0], &message), deliver(both[1], &message)), (200, 200));
        world.nothing_waits().await;
        self.heard(&world.graph)[before..].join("\n\n")
    }

    async fn walks(&mut self, world: &mut World, flow: &[flows::Said]) {
        for (body, words) in flow {
            let answer = self.says(world, body).await;
            for word in *words {
                assert!(answer.contains(word), "{body:?} was answered {answer:?}, without {word:?}");
            }
        }
    }
}

/// S45, S46, S57 to S59, S69: every flow; everything comes to both, and once more in the wrong
/// order when the conversation has gone on.
#[test]
fn every_flow_walks_over_two_processes() {
    soon(async {
        let mut world = World::start(Server::start(), &[]).await;
        for (n, flow) in flows::all().iter().enumerate() {
            let mut person = Person::new(n);
            person.walks(&mut world, flow).await;
            let before = (world.client.state(&person.key()), world.ledger.calls(), world.graph.sent());
            for (n, old) in person.said.iter().rev().enumerate() {
                assert_eq!(deliver(world.bots[n % 2].address, std::slice::from_ref(old)).await, 200);
            }
            world.nothing_waits().await;
            let after = (world.client.state(&person.key()), world.ledger.calls(), world.graph.sent());
            assert_eq!(after, before);
        }
        // One call for each confirmation: six users joined, and made five changes between them.
        assert_eq!(
            (world.ledger.calls().len(), world.ledger.changes()),
            (11, 11),
            "{:?}",
            world.ledger.calls()
        );
    });
}

/// S60: a user that types ahead is answered as if they had waited, though each message comes to
/// another process.
#[test]
fn who_types_ahead_is_answered_in_order() {
    soon(async {
        let mut world = World::start(Server::start(), &[]).await;
        let (mut person, flow) = (Person::new(0), joined(flows::OFFER));
        for (n, (body, _)) in flow.iter().enumerate() {
            let message = [person.writes(body)];
            assert_eq!(deliver(world.bots[n % 2].address, &message).await, 200);
        }
        world.nothing_waits().await;
        let heard = person.heard(&world.graph).join("\n\n");
        let mut rest = heard.as_str();
        for word in flow.iter().flat_map(|(_, words)| *words) {
            let found = rest.find(word).unwrap_or_else(|| panic!("{word:?} is not in its place: {heard}"));
            rest = &rest[found..];
        }
    });
}

/// S17, S70: a token that has expired is renewed; a failed call leaves the state, is told, and
/// logged without a secret.
#[test]
fn a_failed_call_is_told_and_logged() {
    soon(async {
        let everything =
            [("RUST_LOG", "info,redis_state_bot=trace,redis_state_client=trace,redis_state_vimbiso=trace")];
        let mut world = World::start(Server::start(), &everything).await;
        let mut person = Person::new(0);
        person.walks(&mut world, &joined(&[("1", &[]), ("10", &[]), ("tariro", &["Is that right?"])])).await;
        let document = |client: &mut Client, key: &str| -> Value {
            serde_json::from_str(&client.state(key).1).expect("JSON")
        };
        let before = document(&mut world.client, &person.key())["current"].clone();
        world.ledger.fail([Failure::Refused("There is not enough in the account.")]);
        let answer = person.says(&mut world, "yes").await;
        assert!(answer.contains("not enough") && answer.contains("Is that right?"), "{answer}");
        assert_eq!(document(&mut world.client, &person.key())["current"], before);

        world.ledger.expire_tokens();
        assert!(person.says(&mut world, "yes").await.contains("is made"));
        let calls: Vec<String> = world.ledger.calls().into_iter().map(|(name, _)| name).collect();
        assert_eq!(calls, ["onboard", "create_offer", "create_offer"], "one for each yes");

        let log: String = world.bots.iter().map(Process::log).collect();
        let line = log.lines().find(|line| line.contains("API_CALL_ERROR")).expect("it is logged");
        assert!(line.contains("ERROR") && line.contains("CreateOfferApiCall"), "{line}");
        for secret in ["token-", SECRET, TOKEN, "not enough"] {
            assert!(!log.contains(secret), "{secret} is in the log");
        }
    });
}

/// S16: a silent user is told once that the session ended, by a process that is alive, and starts
/// at the menu.
#[test]
fn a_session_that_ends_is_told_once() {
    soon(async {
        let server = Server::builder().arg("--state.feed").arg("sessions").start();
        let mut world = World::start(server, &[("BOT_FEED", "sessions")]).await;
        let mut person = Person::new(0);
        person.walks(&mut world, flows::JOINS).await;
        let profile = |client: &mut Client, key: &str| {
            client.ok(&["STATE.GET", key, "/dashboard"]).array()[1].text().to_owned()
        };
        let before = profile(&mut world.client, &person.key());
        change_schema(&mut world.client, "/properties/current/x-ttl", json!(0.5));
        person.walks(&mut world, &[("1", &["How much"])]).await;
        drop(world.bots.remove(0));
        let told =
            || person.heard(&world.graph).iter().filter(|text| text.contains("session has ended")).count();
        until("it is told", || told() > 0).await;
        let is_acknowledged = |client: &mut Client| {
            let groups = client.ok(&["XINFO", "GROUPS", "sessions"]);
            groups.array()[0].field("pending").int() == 0
        };
        until("no process holds it", || is_acknowledged(&mut world.client)).await;
        // As long as it would take another to take it over.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!(told(), 1);
        change_schema(&mut world.client, "/properties/current/x-ttl", json!(300));
        person
            .walks(&mut world, &[("10", &["session had ended", "Hello Chipo Dube."]), ("1", &["How much"])])
            .await;
        assert_eq!(profile(&mut world.client, &person.key()), before);
    });
}

/// S61, S62: a state that its schema no longer admits is put right.
#[test]
fn an_invalid_state_is_put_right() {
    soon(async {
        let mut world = World::start(Server::start(), &[]).await;
        let mut person = Person::new(0);
        person.walks(&mut world, &joined(&[("1", &[]), ("10", &["handle"])])).await;
        let numbers_only = json!({"type": ["object", "null"], "properties": {"amount": {"type": "number"}}});
        change_schema(&mut world.client, "/properties/current/properties/data", numbers_only);
        person
            .walks(&mut world, &[("tariro", &["put them right", "How much"]), ("back", &["Hello Chipo"])])
            .await;
    });
}

/// S59: a process that is told to stop finishes what it has, and ends well.
#[test]
fn a_process_that_is_told_to_stop_ends_well() {
    soon(async {
        let mut world = World::start(Server::start(), &[]).await;
        let mut person = Person::new(0);
        let message = [person.writes("hello")];
        assert_eq!(deliver(world.bots[0].address, &message).await, 200);
        for bot in &world.bots {
            bot.terminate();
        }
        for bot in &mut world.bots {
            assert!(bot.ended().success(), "{}", bot.log());
        }
        // The process that had it has answered; else it waits for the next one.
        world.bots.clear();
        world.begins(&[]);
        world.nothing_waits().await;
        assert_eq!(person.heard(&world.graph).len(), 1);
        person.walks(&mut world, &[("Chipo", &["last name"])]).await;
    });
}
