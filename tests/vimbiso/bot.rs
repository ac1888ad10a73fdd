//! Fixtures of the channel tests: a bank with a token that can expire, an outbox, and the audit
//! stream over another connection.

use std::collections::BTreeMap;

use redis_state_client::redis::aio::ConnectionManager;
use redis_state_client::{Async, Blocking, connect, redis};
use redis_state_vimbiso::channel::{
    ApiClient, ApiFailure, ApiResponse, BoxFuture, Channel, FlowUpdate, Messaging, Token,
};
use serde_json::{Value, json};
use support::{Client, Server};

pub const ID: &str = "+263771234567";
pub const KEY: &str = "channel:+263771234567";
const AUDIT: &str = "{channel:+263771234567}:audit";

pub type AsyncChannel = Channel<Async<ConnectionManager>>;

/// A channel at login/Greeting.
pub async fn channel(server: &Server) -> AsyncChannel {
    let mut channel = Channel::new(connect(&server.url()).await.expect("a server"), ID);
    let initialized = channel.initialize_channel("whatsapp", "webhook").await.expect("a state");
    assert!(initialized.created);
    channel
}

/// A channel that has walked these steps.
pub async fn channel_at(server: &Server, steps: &[(&str, &str)]) -> AsyncChannel {
    let mut channel = channel(server).await;
    for (path, component) in steps {
        let update = FlowUpdate::from("headquarters").step(*path, *component);
        channel.update_state(&update).await.expect("a step that may follow");
    }
    channel
}

/// The steps to the amount of an offer.
pub const TO_AMOUNT: [(&str, &str); 3] =
    [("login", "LoginApiCall"), ("account", "AccountDashboard"), ("offer", "AmountInput")];

/// The document, over the test's connection.
pub fn document(client: &mut Client) -> Value {
    serde_json::from_str(&client.state(KEY).1).expect("JSON")
}

pub type Entry = BTreeMap<String, String>;

/// The audit stream, oldest first.
pub fn audit_entries(client: &mut Client) -> Vec<Entry> {
    let entries = client.ok(&["XRANGE", AUDIT, "-", "+"]);
    let fields = |entry: &support::Reply| {
        let words = entry.array()[1].array();
        words.chunks(2).map(|pair| (pair[0].text().to_owned(), pair[1].text().to_owned())).collect()
    };
    entries.array().iter().map(fields).collect()
}

/// The state and the length of its audit stream, to check that nothing has changed.
pub fn all(client: &mut Client) -> ((String, String), usize) {
    (client.state(KEY), audit_entries(client).len())
}

/// The newest entry has these fields.
#[track_caller]
pub fn wrote(client: &mut Client, fields: &[(&str, &str)]) {
    let newest = audit_entries(client).pop().expect("an entry");
    for (name, value) in fields {
        assert_eq!(newest.get(*name).map(String::as_str), Some(*value), "{name} of {newest:?}");
    }
}

/// The attempts at an operation and how many of them failed, over the test's connection.
pub fn attempts(client: &mut Client, operation: &str) -> (i64, i64) {
    let found = client.ok(&["STATE.ATTEMPTS", KEY, operation]);
    (found.field("attempts").int(), found.field("failures").int())
}

/// A reply of the bank.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    pub dashboard: Value,
    pub action: Value,
    pub token: Option<Token>,
}

impl ApiResponse for Answered {
    fn dashboard(&self) -> Value {
        self.dashboard.clone()
    }

    fn action(&self) -> Value {
        self.action.clone()
    }

    fn token(&self) -> Option<Token> {
        self.token.clone()
    }
}

/// A bank that accepts only its present token.
pub struct Bank {
    /// The accepted token; `None` when the bank accepts none.
    pub accepts: Option<&'static str>,
    /// The token that it issues.
    pub hands_out: &'static str,
    /// The calls with their tokens.
    pub calls: Vec<(String, Option<String>)>,
    pub renewals: usize,
}

impl Bank {
    pub fn new(token: &'static str) -> Bank {
        Bank { accepts: Some(token), hands_out: token, calls: Vec::new(), renewals: 0 }
    }

    fn renew(&mut self, channel_id: &str) -> Result<Token, ApiFailure> {
        assert_eq!(channel_id, ID);
        self.renewals += 1;
        Ok(Token::new(self.hands_out))
    }

    fn answer(&mut self, request: &str, token: Option<&Token>) -> Result<Answered, ApiFailure> {
        let token = token.map(|token| token.as_str().to_owned());
        self.calls.push((request.to_owned(), token.clone()));
        let dashboard = json!({"member": {"memberID": "7d1f", "memberTier": 2}, "calls": self.calls.len()});
        let action = json!({"type": request});
        match request {
            "login" => Ok(Answered {
                dashboard,
                action: json!({"type": "login", "id": "1"}),
                token: Some(Token::new(self.hands_out)),
            }),
            "broken" => Ok(Answered { dashboard: json!("no object"), action, token: None }),
            _ if token.as_deref() != self.accepts || token.is_none() => Err(ApiFailure::TokenRefused),
            "fail" => Err(ApiFailure::Failed("the bank is closed".into())),
            _ => Ok(Answered { dashboard, action, token: None }),
        }
    }
}

impl<C: redis::aio::ConnectionLike + Send> ApiClient<Async<C>> for Bank {
    type Request = str;
    type Response = Answered;

    fn renew_token<'a>(&'a mut self, channel_id: &'a str) -> BoxFuture<'a, Result<Token, ApiFailure>> {
        Box::pin(async move {
            // A future that really suspends.
            tokio::task::yield_now().await;
            self.renew(channel_id)
        })
    }

    fn call<'a>(
        &'a mut self,
        request: &'a str,
        token: Option<&'a Token>,
    ) -> BoxFuture<'a, Result<Answered, ApiFailure>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.answer(request, token)
        })
    }

    fn needs_token(&self, request: &str) -> bool {
        request != "login"
    }
}

impl<C: redis::ConnectionLike + Send> ApiClient<Blocking<C>> for Bank {
    type Request = str;
    type Response = Answered;

    fn renew_token(&mut self, channel_id: &str) -> Result<Token, ApiFailure> {
        self.renew(channel_id)
    }

    fn call(&mut self, request: &str, token: Option<&Token>) -> Result<Answered, ApiFailure> {
        self.answer(request, token)
    }
}

/// Records sent messages; without a line it can't send.
#[derive(Default)]
pub struct Outbox {
    pub sent: Vec<String>,
    pub no_line: bool,
}

impl Outbox {
    fn put(&mut self, channel_id: &str, message: &str) -> Result<(), String> {
        if self.no_line {
            return Err("no line".into());
        }
        self.sent.push(format!("{channel_id}: {message}"));
        Ok(())
    }
}

impl<C: redis::aio::ConnectionLike + Send> Messaging<Async<C>> for Outbox {
    type Message = str;

    fn send<'a>(&'a mut self, channel_id: &'a str, message: &'a str) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move { self.put(channel_id, message) })
    }
}

impl<C: redis::ConnectionLike + Send> Messaging<Blocking<C>> for Outbox {
    type Message = str;

    fn send(&mut self, channel_id: &str, message: &str) -> Result<(), String> {
        self.put(channel_id, message)
    }
}
