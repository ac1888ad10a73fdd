//! The two ends of the bot: WhatsApp, which posts and is posted to, and a conversation that repeats what it hears.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Json, Router, routing};
use hmac::{Hmac, Mac};
use redis_state_bot::message::{Answers, Inbound};
use redis_state_bot::service::{Config, Service};
use redis_state_client::redis::aio::ConnectionManager;
use redis_state_client::{Async, Change, Error, States, Update};
use serde_json::{Value, json};
use support::{Client, Server};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

pub const INBOX: &str = "bot:inbox";
pub const SECRET: &str = "the app's secret";
pub const NUMBER_ID: &str = "1055";
pub const GOODBYE: &str = "Your session has ended.";

/// The Graph API: takes texts over, or does with the next ones as it was told.
#[derive(Clone)]
pub struct FakeGraph {
    pub url: String,
    sent: Arc<Mutex<Vec<(String, String)>>>,
    refusals: Arc<Mutex<VecDeque<(u16, i64)>>>,
    never_answers: Arc<AtomicBool>,
}

impl FakeGraph {
    pub async fn start() -> FakeGraph {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/v21.0", listener.local_addr().expect("an address"));
        let graph =
            FakeGraph { url, sent: Arc::default(), refusals: Arc::default(), never_answers: Arc::default() };
        let router = Router::new().route("/v21.0/{number}/messages", routing::post(take));
        let router = router.with_state(graph.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        graph
    }

    /// Who was sent what, in order.
    pub fn sent(&self) -> Vec<(String, String)> {
        self.sent.lock().expect("no panic").clone()
    }

    /// The texts alone, sorted.
    pub fn texts(&self) -> Vec<String> {
        let mut texts: Vec<String> = self.sent().into_iter().map(|(_, text)| text).collect();
        texts.sort();
        texts
    }

    pub async fn has_sent(&self, count: usize) {
        crate::until("texts are sent", || self.sent().len() >= count).await;
    }

    /// The next requests are answered with these statuses and codes, in turn.
    pub fn refuse(&self, refusals: &[(u16, i64)]) {
        self.refusals.lock().expect("no panic").extend(refusals);
    }

    pub fn refuse_no_more(&self) {
        self.refusals.lock().expect("no panic").clear();
    }

    pub fn refusals_left(&self) -> usize {
        self.refusals.lock().expect("no panic").len()
    }

    /// From now on texts are taken over, and nobody hears of it.
    pub fn never_answer(&self, yes: bool) {
        self.never_answers.store(yes, Ordering::Relaxed);
    }
}

async fn take(
    State(graph): State<FakeGraph>,
    Path(number): Path<String>,
    headers: HeaderMap,
    Json(message): Json<Value>,
) -> (StatusCode, Json<Value>) {
    assert_eq!((number.as_str(), headers["authorization"].as_bytes()), (NUMBER_ID, &b"Bearer EAAG"[..]));
    assert_eq!((&message["messaging_product"], &message["type"]), (&json!("whatsapp"), &json!("text")));
    let refusal = graph.refusals.lock().expect("no panic").pop_front();
    if let Some((status, code)) = refusal {
        let status = StatusCode::from_u16(status).expect("a status");
        return (status, Json(json!({"error": {"code": code, "message": "no"}})));
    }
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let sent = (text(&message["to"]), text(&message["text"]["body"]));
    graph.sent.lock().expect("no panic").push(sent);
    if graph.never_answers.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
    (StatusCode::OK, Json(json!({"messages": [{"id": "wamid.out"}]})))
}

/// Answers with what it heard, and counts in Redis: once for each message, by its ID. The state's version is the count.
#[derive(Clone)]
pub struct Echo {
    name: &'static str,
    states: States<Async<ConnectionManager>>,
    /// How many messages it has begun to answer.
    pub begun: Arc<AtomicUsize>,
    /// Each answer needs a permit.
    pub gate: Arc<Semaphore>,
}

impl Echo {
    pub async fn open(server: &Server, name: &'static str) -> Echo {
        let gate = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        Echo::gated(server, name, gate).await
    }

    /// Answers nothing until it is let.
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
    async fn answer(&mut self, message: &Inbound) -> Result<Vec<String>, Error> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.gate.acquire().await.expect("it is never closed").forget();
        match message.text.as_str() {
            // Of another type: an error that does not pass.
            "fail" => drop(self.states.meta(INBOX).await?),
            "panic" => panic!("as the test asked for"),
            _ => {}
        }
        let heard = Change::merge(&json!({"heard": message.message_id}))?;
        let key = format!("heard:{}", message.channel_id);
        self.states.send(&Update::any(key, heard).id(&message.message_id)).await?;
        Ok(vec![format!("{}: {}", self.name, message.text)])
    }

    fn session_ended(&self) -> String {
        GOODBYE.to_owned()
    }
}

/// How often this person's messages were counted.
pub fn counted(client: &mut Client, from: &str) -> u64 {
    Client::version(&client.state(&format!("heard:+{from}")).0)
}

/// How many messages wait, answered or not.
pub fn waiting(client: &mut Client) -> i64 {
    client.ok(&["XLEN", INBOX]).int()
}

/// How many were ever accepted.
pub fn accepted(client: &mut Client) -> i64 {
    client.ok(&["XINFO", "STREAM", INBOX]).field("entries-added").int()
}

pub fn config(server: &Server, graph: &FakeGraph, name: &str) -> Config {
    Config {
        listen: ([127, 0, 0, 1], 0).into(),
        redis_url: server.url().parse().expect("a text"),
        verify_token: "the word".parse().expect("a text"),
        app_secret: SECRET.parse().expect("a text"),
        token: "EAAG".parse().expect("a text"),
        phone_number_id: NUMBER_ID.to_owned(),
        graph_url: graph.url.clone(),
        inbox: INBOX.to_owned(),
        group: "bot".to_owned(),
        name: name.to_owned(),
        inbox_max: 1000,
        claim_after: Duration::from_secs(30),
        message_age_max: Duration::from_secs(24 * 60 * 60),
        body_max: 64 * 1024,
        lanes: 4,
        feed: String::new(),
        grace: Duration::from_secs(20),
    }
}

pub async fn start(config: Config, echo: &Echo) -> Service {
    Service::start(config, echo.clone()).await.expect("a service")
}

/// A text of a person, sent so many seconds ago.
pub fn text_of_age(id: &str, from: &str, body: &str, age_s: u64) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let timestamp = (now - age_s).to_string();
    json!({"id": id, "from": from, "timestamp": timestamp, "type": "text", "text": {"body": body}})
}

pub fn text(id: &str, from: &str, body: &str) -> Value {
    text_of_age(id, from, body, 0)
}

/// The body of a webhook.
pub fn payload(messages: &[Value]) -> String {
    let value = json!({"metadata": {"phone_number_id": NUMBER_ID}, "messages": messages});
    let entry = json!({"id": "7", "changes": [{"field": "messages", "value": value}]});
    json!({"object": "whatsapp_business_account", "entry": [entry]}).to_string()
}

pub fn signature(secret: &str, body: &str) -> String {
    let mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("any length will do");
    let bytes = mac.chain_update(body).finalize().into_bytes();
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={digits}")
}

/// Delivers a body, with a header or without.
pub async fn post(bot: &Service, body: impl Into<String>, signature: Option<&str>) -> u16 {
    let request = reqwest::Client::new().post(format!("http://{}/webhook", bot.address())).body(body.into());
    let request =
        signature.into_iter().fold(request, |request, it| request.header("X-Hub-Signature-256", it));
    request.send().await.expect("an answer").status().as_u16()
}

/// Delivers messages as WhatsApp does.
pub async fn deliver(bot: &Service, messages: &[Value]) -> u16 {
    let body = payload(messages);
    let signature = signature(SECRET, &body);
    post(bot, body, Some(&signature)).await
}
