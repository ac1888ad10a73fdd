//! A user of a conversation in this process, and the user's state on the server.

use redis_state_bot::conversation::Conversation;
use redis_state_bot::ledger::{Ledger, MemoryLedger};
use redis_state_bot::message::{Answers, Inbound, Outbound};
use redis_state_client::connect;
use serde_json::Value;
use std::time::Duration;
use support::{Client, Server};

pub const ID: &str = "+263771234567";
pub const KEY: &str = "channel:+263771234567";

pub struct Person<L> {
    pub conversation: Conversation<L>,
    said: u32,
}

impl Person<MemoryLedger> {
    /// A newcomer.
    pub async fn new(server: &Server) -> (Person<MemoryLedger>, MemoryLedger) {
        let ledger = MemoryLedger::new();
        (Person::with(server, ledger.clone()).await, ledger)
    }

    /// A member at the menu.
    pub async fn member(server: &Server) -> (Person<MemoryLedger>, MemoryLedger) {
        let (mut person, ledger) = Person::new(server).await;
        person.joins().await;
        (person, ledger)
    }
}

impl<L: Ledger> Person<L> {
    pub async fn with(server: &Server, ledger: L) -> Person<L> {
        let states = connect(&server.url()).await.expect("a server");
        Person {
            conversation: Conversation::new(states, ledger, "whatsapp").retry_for(Duration::ZERO),
            said: 0,
        }
    }

    pub async fn joins(&mut self) {
        let menu = self.says(&["hello", "1", "Chipo", "Dube"]).await;
        assert!(menu.contains("Hello Chipo Dube."), "{menu}");
    }

    /// Sends all of these texts; returns the last answer.
    pub async fn says(&mut self, texts: &[&str]) -> String {
        let mut answer = String::new();
        for text in texts {
            self.said += 1;
            let id = format!("wamid.{}", self.said);
            answer = self.delivers(&id, text).await;
        }
        answer
    }

    /// Delivers a message with this ID.
    pub async fn delivers(&mut self, id: &str, text: &str) -> String {
        shown(&self.conversation.answer(&message(id, text)).await.expect("an answer"))
    }

    /// The ID of the last message.
    pub fn last_id(&self) -> String {
        format!("wamid.{}", self.said)
    }
}

/// The texts of an answer, as a terminal shows them.
pub fn shown(answer: &[Outbound]) -> String {
    answer.iter().map(Outbound::to_text).collect::<Vec<_>>().join("\n\n")
}

pub fn message(id: &str, text: &str) -> Inbound {
    Inbound { channel_id: ID.to_owned(), message_id: id.to_owned(), text: text.to_owned(), choice: None }
}

/// The document, over the test's connection.
pub fn document(client: &mut Client) -> Value {
    serde_json::from_str(&client.state(KEY).1).expect("JSON")
}

/// The step of the flow.
pub fn step(client: &mut Client) -> String {
    let document = document(client);
    let part = |name: &str| document["current"][name].as_str().expect("text").to_owned();
    format!("{}/{}", part("path"), part("component"))
}

/// The attempts at an operation and how many of them failed.
pub fn attempts(client: &mut Client, operation: &str) -> (i64, i64) {
    let found = client.ok(&["STATE.ATTEMPTS", KEY, operation]);
    (found.field("attempts").int(), found.field("failures").int())
}
