//! A user on WhatsApp that taps, and the bot's program that answers.

use redis_state_bot::ledger::MemoryLedger;
use serde_json::Value;
use support::{Client, Server};

use crate::echo_service::waiting;
use crate::http_ledger::serve;
use crate::program::Process;
use crate::until;
use crate::whatsapp::{FakeGraph, deliver, tap, text};

/// A button or row: type of the reply, ID and title.
pub type Choice = (&'static str, String, String);

/// One process of the bot, with its server, ledger and WhatsApp.
pub struct Bot {
    pub client: Client,
    pub ledger: MemoryLedger,
    pub graph: FakeGraph,
    pub process: Process,
    pub server: Server,
}

impl Bot {
    pub fn start(more: &[(&str, &str)]) -> Bot {
        let (server, ledger, graph) = (Server::start(), MemoryLedger::new(), FakeGraph::start());
        let process = Process::start(&server, &graph, &serve(ledger.clone()), more);
        Bot { client: server.client(), ledger, graph, process, server }
    }

    /// Delivers a message and returns the texts that the user gets for it.
    async fn answers(&mut self, number: &str, message: &Value) -> String {
        let received = |graph: &FakeGraph| -> Vec<String> {
            let sent = graph.sent().into_iter().filter(|(to, _)| to == number);
            sent.map(|(_, text)| text).collect()
        };
        let before = received(&self.graph).len();
        assert_eq!(deliver(self.process.address, std::slice::from_ref(message)).await, 200);
        until("no message waits", || waiting(&mut self.client) == 0).await;
        received(&self.graph)[before..].join("\n\n")
    }
}

/// A user.
pub struct User {
    pub number: String,
    said: usize,
}

impl User {
    pub fn new(n: usize) -> User {
        User { number: format!("26377123{n:04}"), said: 0 }
    }

    fn next_id(&mut self) -> String {
        self.said += 1;
        self.last_id()
    }

    pub fn last_id(&self) -> String {
        format!("wamid.{}.{}", self.number, self.said)
    }

    pub fn key(&self) -> String {
        format!("channel:+{}", self.number)
    }

    pub async fn says(&mut self, bot: &mut Bot, body: &str) -> String {
        let message = text(&self.next_id(), &self.number, body);
        bot.answers(&self.number, &message).await
    }

    pub async fn taps(&mut self, bot: &mut Bot, choice: &Choice) -> String {
        let (kind, id, title) = choice;
        let message = tap(&self.next_id(), &self.number, (kind, id, title));
        bot.answers(&self.number, &message).await
    }

    /// Taps the choice with this title in the last message.
    pub async fn taps_title(&mut self, bot: &mut Bot, title: &str) -> String {
        let choice = self.choice(bot, title);
        self.taps(bot, &choice).await
    }

    /// The choices of the last message.
    pub fn choices(&self, bot: &Bot) -> Vec<Choice> {
        bot.graph.choices(&self.number)
    }

    #[track_caller]
    pub fn choice(&self, bot: &Bot, title: &str) -> Choice {
        let choices = self.choices(bot);
        let found = choices.iter().find(|(_, _, shown)| shown == title).cloned();
        found.unwrap_or_else(|| panic!("{title} is not in {choices:?}"))
    }

    /// Becomes a member.
    pub async fn joins(&mut self, bot: &mut Bot) {
        self.says(bot, "hello").await;
        self.taps_title(bot, "Become a member").await;
        self.says(bot, "Chipo").await;
        let menu = self.says(bot, "Dube").await;
        assert!(menu.contains("Hello Chipo Dube."), "{menu}");
    }

    /// The document.
    pub fn document(&self, bot: &mut Bot) -> Value {
        serde_json::from_str(&bot.client.state(&self.key()).1).expect("JSON")
    }

    /// The step of the flow.
    pub fn step(&self, bot: &mut Bot) -> String {
        let document = self.document(bot);
        let part = |name: &str| document["current"][name].as_str().expect("text").to_owned();
        format!("{}/{}", part("path"), part("component"))
    }
}
