//! A service in this process, with a conversation that repeats its input, so that a test can
//! inspect a message while it is answered. Dropping the service stops it as the death of its
//! process would.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use redis_state_bot::message::{Answers, Inbound, Outbound};
use redis_state_bot::service::{Config, Service};
use redis_state_client::redis::aio::ConnectionManager;
use redis_state_client::{Async, Change, Error, States, Update};
use serde_json::json;
use support::{Client, Server};
use tokio::sync::Semaphore;

use crate::whatsapp::{FakeGraph, NUMBER_ID, SECRET, TOKEN, VERIFY_TOKEN};

pub const INBOX: &str = "bot:inbox";
pub const GOODBYE: &str = "Your session has ended.";

/// Repeats the message, or the ID of a choice, and counts in Redis: once for each message, by its
/// ID. The state's version is the count.
#[derive(Clone)]
pub struct Echo {
    name: &'static str,
    states: States<Async<ConnectionManager>>,
    /// The number of messages whose answer has begun.
    pub begun: Arc<AtomicUsize>,
    /// Each answer needs a permit.
    pub gate: Arc<Semaphore>,
}

impl Echo {
    pub async fn open(server: &Server, name: &'static str) -> Echo {
        let gate = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        Echo::gated(server, name, gate).await
    }

    /// Answers nothing until the test allows it.
    pub async fn shut(server: &Server, name: &'static str) -> Echo {
        Echo::gated(server, name, Arc::new(Semaphore::new(0))).await
    }

    async fn gated(server: &Server, name: &'static str, gate: Arc<Semaphore>) -> Echo {
        let states = redis_state_client::connect(&server.url()).await.expect("a server");
        Echo { name, states, begun: Arc::default(), gate }
    }

    pub fn let_go(&self) {
        self.gate.add_permits(1000);
    }

    pub async fn has_begun(&self, count: usize) {
        crate::until("messages are begun", || self.begun.load(Ordering::Relaxed) >= count).await;
    }
}

impl Answers for Echo {
    async fn answer(&mut self, message: &Inbound) -> Result<Vec<Outbound>, Error> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.gate.acquire().await.expect("an open semaphore").forget();
        match message.text.as_str() {
            // A key of another type: a permanent error.
            "fail" => drop(self.states.meta(INBOX).await?),
            "panic" => panic!("as the test asked for"),
            _ => {}
        }
        let received = Change::merge(&json!({"received": message.message_id}))?;
        let key = format!("received:{}", message.channel_id);
        self.states.send(&Update::any(key, received).id(&message.message_id)).await?;
        let said = message.choice.as_deref().unwrap_or(&message.text);
        Ok(vec![format!("{}: {said}", self.name).into()])
    }

    fn session_ended(&self) -> Outbound {
        GOODBYE.into()
    }
}

/// How often this user's messages were counted.
pub fn counted(client: &mut Client, from: &str) -> u64 {
    Client::version(&client.state(&format!("received:+{from}")).0)
}

/// The number of users that wait for an answer.
pub fn waiting(client: &mut Client) -> i64 {
    client.ok(&["XLEN", INBOX]).int()
}

/// The number of messages that were ever accepted.
pub fn accepted(client: &mut Client) -> usize {
    client.ok(&["KEYS", "{bot:inbox}:known:*"]).array().len()
}

pub fn config(server: &Server, graph: &FakeGraph, name: &str) -> Config {
    Config {
        listen: ([127, 0, 0, 1], 0).into(),
        redis_url: server.url().parse().expect("a text"),
        verify_token: VERIFY_TOKEN.parse().expect("a text"),
        app_secret: SECRET.parse().expect("a text"),
        token: TOKEN.parse().expect("a text"),
        phone_number_id: NUMBER_ID.to_owned(),
        graph_url: graph.url.clone(),
        inbox: INBOX.to_owned(),
        group: "bot".to_owned(),
        name: name.to_owned(),
        inbox_max: 1000,
        claim_after: Duration::from_secs(30),
        message_age_max: Duration::from_secs(24 * 60 * 60),
        body_max: 64 * 1024,
        connections_max: 20,
        at_once: 4,
        feed: String::new(),
        grace: Duration::from_secs(20),
    }
}

pub async fn start(config: Config, echo: &Echo) -> Service {
    Service::start(config, echo.clone()).await.expect("a service")
}
