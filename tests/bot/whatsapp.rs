//! A fake WhatsApp: it posts signed webhooks, and accepts messages by its Graph API, within the
//! limits of that.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Json, Router, routing};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};

use crate::api_limits;

pub const SECRET: &str = "the app's secret";
pub const VERIFY_TOKEN: &str = "the word";
pub const TOKEN: &str = "EAAG";
pub const NUMBER_ID: &str = "1055";
/// A user on WhatsApp.
pub const TARIRO: &str = "263771234567";

/// The Graph API: accepts messages, or fails the next ones as configured.
#[derive(Clone, Default)]
pub struct FakeGraph {
    pub url: String,
    sent: Arc<Mutex<Vec<Value>>>,
    /// The limits that messages exceeded.
    exceeded: Arc<Mutex<Vec<String>>>,
    rejections: Arc<Mutex<VecDeque<(u16, i64)>>>,
    never_answers: Arc<AtomicBool>,
}

impl FakeGraph {
    /// Starts it.
    pub fn start() -> FakeGraph {
        let mut graph = FakeGraph::default();
        let router = Router::new().route("/v21.0/{number}/messages", routing::post(take));
        graph.url = format!("http://{}/v21.0", crate::serve(router.with_state(graph.clone())));
        graph
    }

    /// Recipients and texts, in order. A choice is a line of its text.
    #[track_caller]
    pub fn sent(&self) -> Vec<(String, String)> {
        let text = |message: &Value| {
            (message["to"].as_str().expect("a number").to_owned(), api_limits::text(message))
        };
        self.messages().iter().map(text).collect()
    }

    /// The messages, in order.
    #[track_caller]
    pub fn messages(&self) -> Vec<Value> {
        assert_eq!(*self.exceeded.lock().expect("no panic"), [""; 0]);
        self.sent.lock().expect("no panic").clone()
    }

    /// The choices of the last message to this number: type of the reply, ID and title.
    pub fn choices(&self, to: &str) -> Vec<(&'static str, String, String)> {
        let messages = self.messages();
        messages.iter().rfind(|message| message["to"] == to).map(api_limits::choices).unwrap_or_default()
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

    /// The next requests get these statuses and codes, in order.
    pub fn refuse(&self, rejections: &[(u16, i64)]) {
        self.rejections.lock().expect("no panic").extend(rejections);
    }

    pub fn refuse_no_more(&self) {
        self.rejections.lock().expect("no panic").clear();
    }

    pub fn refusals_left(&self) -> usize {
        self.rejections.lock().expect("no panic").len()
    }

    /// From now on texts are accepted, and the reply is lost.
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
    assert_eq!(
        (number.as_str(), headers["authorization"].as_bytes()),
        (NUMBER_ID, format!("Bearer {TOKEN}").as_bytes())
    );
    assert_eq!(message["messaging_product"], "whatsapp");
    let rejection = graph.rejections.lock().expect("no panic").pop_front();
    if let Some((status, code)) = rejection {
        let status = StatusCode::from_u16(status).expect("a status");
        return (status, Json(json!({"error": {"code": code, "message": "no"}})));
    }
    let exceeded = api_limits::exceeded(&message);
    if !exceeded.is_empty() {
        graph.exceeded.lock().expect("no panic").extend(exceeded);
        return (StatusCode::BAD_REQUEST, Json(json!({"error": {"code": 131_009}})));
    }
    graph.sent.lock().expect("no panic").push(message);
    if graph.never_answers.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
    (StatusCode::OK, Json(json!({"messages": [{"id": "wamid.out"}]})))
}

/// A user's text that was sent this many seconds ago.
pub fn text_of_age(id: &str, from: &str, body: &str, age_s: u64) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let timestamp = (now - age_s).to_string();
    json!({"id": id, "from": from, "timestamp": timestamp, "type": "text", "text": {"body": body}})
}

pub fn text(id: &str, from: &str, body: &str) -> Value {
    text_of_age(id, from, body, 0)
}

/// A user's tap on a choice: a `button_reply` or a `list_reply`, as [`FakeGraph::choices`] has it.
pub fn tap(id: &str, from: &str, (kind, choice, title): (&str, &str, &str)) -> Value {
    let mut message = text(id, from, "");
    message.as_object_mut().expect("an object").remove("text");
    message["type"] = json!("interactive");
    message["interactive"] = json!({"type": kind, kind: {"id": choice, "title": title}});
    message
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

/// Posts a body, with or without a signature header.
pub async fn post(bot: SocketAddr, body: impl Into<String>, signature: Option<&str>) -> u16 {
    try_post(bot, body.into(), signature).await.expect("an answer")
}

/// `None` without a reply.
async fn try_post(bot: SocketAddr, body: String, signature: Option<&str>) -> Option<u16> {
    let request = reqwest::Client::new().post(format!("http://{bot}/webhook")).body(body);
    let request =
        signature.into_iter().fold(request, |request, it| request.header("X-Hub-Signature-256", it));
    Some(request.send().await.ok()?.status().as_u16())
}

/// Delivers messages as WhatsApp does.
pub async fn deliver(bot: SocketAddr, messages: &[Value]) -> u16 {
    try_deliver(bot, messages).await.expect("an answer")
}

/// The same, to a process that may die before it replies.
pub async fn try_deliver(bot: SocketAddr, messages: &[Value]) -> Option<u16> {
    let body = payload(messages);
    let signature = signature(SECRET, &body);
    try_post(bot, body, Some(&signature)).await
}
