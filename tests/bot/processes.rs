//! Two processes of the bot on one Redis, behind a WhatsApp that delivers everything to both, and
//! again. They connect as the user of docs/bot.md.

use std::time::Duration;

use redis_state_bot::ledger::{Failure, MemoryLedger};
use serde_json::{Value, json};
use support::{Client, Server, repository};
use tokio::task::JoinSet;

use crate::echo_service::waiting;
use crate::flows::{self, joined};
use crate::http_ledger::serve;
use crate::lapsed_sessions::change_schema;
use crate::program::Process;
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

    /// Starts another process.
    fn begins(&mut self, more: &[(&str, &str)]) {
        let url = self.server.url().replace("redis://", "redis://bot:a-long-password@");
        let more: Vec<(&str, &str)> =
            [("REDIS_STATE_URL", url.as_str())].iter().chain(more).copied().collect();
        let bot = Process::start(&self.server, &self.graph, &self.ledger_url, &more);
        self.bots.push(bot);
    }

    async fn nothing_waits(&mut self) {
        until("no message waits", || waiting(&mut self.client) == 0).await;
    }
}

/// The line of docs/bot.md that creates the bot's user.
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

    /// The texts that this user got, in order.
    fn received(&self, graph: &FakeGraph) -> Vec<String> {
        let sent = graph.sent().into_iter().filter(|(to, _)| *to == self.number);
        sent.map(|(_, text)| text).collect()
    }

    /// Sends a message to each process at the same time; returns the answer.
    async fn says(&mut self, world: &mut World, body: &str) -> String {
        let before = self.received(&world.graph).len();
        let message = [self.writes(body)];
        let both = [&world.bots[0], &world.bots[world.bots.len() - 1]].map(|bot| bot.address);
        assert_eq!(tokio::join!(deliver(both[0], &message), deliver(both[1], &message)), (200, 200));
        world.nothing_waits().await;
        self.received(&world.graph)[before..].join("\n\n")
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

/// S45, S46, S57 to S59, S69: every flow; each message goes to both processes, and again out of
/// order after the conversation went on.
#[test]
fn every_flow_works_over_two_processes() {
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
        // One call for each confirmation: six users joined, and made five changes together.
        assert_eq!(
            (world.ledger.calls().len(), world.ledger.changes()),
            (11, 11),
            "{:?}",
            world.ledger.calls()
        );
    });
}

/// S33, S60: two hundred users at once; each webhook comes twice at the same instant, to two
/// processes. Each offer is made once, and each user is answered once.
#[test]
fn two_hundred_users_are_each_answered_once() {
    const AT_ONCE: usize = 50;
    let flow = ["hello", "1", "Chipo", "Dube", "1", "12.50", "@Tariro", "yes"];
    soon(async {
        let mut world = World::start(Server::start(), &[]).await;
        let mut alone = Person::new(0);
        for body in flow {
            alone.says(&mut world, body).await;
        }
        let (answers, changes) = (alone.received(&world.graph).len(), world.ledger.changes());
        let mut people: Vec<Person> = (1..=200).map(Person::new).collect();
        for body in flow {
            for group in people.chunks_mut(AT_ONCE) {
                let mut deliveries = JoinSet::new();
                for message in group.iter_mut().map(|person| person.writes(body)) {
                    for address in [&world.bots[0], &world.bots[1]].map(|bot| bot.address) {
                        let message = [message.clone()];
                        deliveries.spawn(async move { deliver(address, &message).await });
                    }
                }
                assert!(deliveries.join_all().await.iter().all(|status| *status == 200));
            }
            world.nothing_waits().await;
        }
        for person in &people {
            assert_eq!(person.received(&world.graph).len(), answers, "{}", person.number);
        }
        assert_eq!(world.ledger.changes(), changes * (people.len() + 1));
    });
}

/// S60: a user that types ahead gets the same answers, though each message goes to another process.
#[test]
fn user_who_types_ahead_is_answered_in_order() {
    soon(async {
        let mut world = World::start(Server::start(), &[]).await;
        let (mut person, flow) = (Person::new(0), joined(flows::OFFER));
        for (n, (body, _)) in flow.iter().enumerate() {
            let message = [person.writes(body)];
            assert_eq!(deliver(world.bots[n % 2].address, &message).await, 200);
        }
        world.nothing_waits().await;
        let received = person.received(&world.graph).join("\n\n");
        let mut rest = received.as_str();
        for word in flow.iter().flat_map(|(_, words)| *words) {
            let found = rest.find(word).unwrap_or_else(|| panic!("{word:?} is not in its place: {received}"));
            rest = &rest[found..];
        }
    });
}

/// S17, S70: an expired token is renewed; a failed call keeps the state, is shown, and is logged
/// without a secret.
#[test]
fn failed_call_is_shown_and_logged() {
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
        world.ledger.fail([Failure::Rejected("There is not enough in the account.")]);
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

/// S16: a silent user is notified once of the session expiry, by a living process, and starts at
/// the menu.
#[test]
fn session_expiry_is_notified_once() {
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
        let notices =
            || person.received(&world.graph).iter().filter(|text| text.contains("session has ended")).count();
        until("the user is notified", || notices() > 0).await;
        let is_acknowledged = |client: &mut Client| {
            let groups = client.ok(&["XINFO", "GROUPS", "sessions"]);
            groups.array()[0].field("pending").int() == 0
        };
        until("no process holds it", || is_acknowledged(&mut world.client)).await;
        // As long as another process would take to claim it.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!(notices(), 1);
        change_schema(&mut world.client, "/properties/current/x-ttl", json!(300));
        person
            .walks(&mut world, &[("10", &["session had ended", "Hello Chipo Dube."]), ("1", &["How much"])])
            .await;
        assert_eq!(profile(&mut world.client, &person.key()), before);
    });
}

/// S61, S62: a state that its schema no longer allows is recovered.
#[test]
fn invalid_state_is_recovered() {
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

/// S59: a process that gets SIGTERM finishes its work and exits with success.
#[test]
fn terminated_process_finishes_its_work() {
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
        // The stopped process has answered, or the message waits for the next one.
        world.bots.clear();
        world.begins(&[]);
        world.nothing_waits().await;
        assert_eq!(person.received(&world.graph).len(), 1);
        person.walks(&mut world, &[("1", &["first name"]), ("Chipo", &["last name"])]).await;
    });
}
