//! Sends messages by WhatsApp's Graph API, or another service at the configured address.
//!
//! There are three outcomes: accepted, rejected permanently (a number without WhatsApp), and not
//! now. Only messages that the API has certainly not sent are resent here; after a lost reply the
//! mailbox decides. Not a library of the API: this is one POST.

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

use crate::answer;
use crate::backoff::Backoff;
use crate::message::{Outbound, SendError, Sender};
use crate::service::config::Secret;
use crate::service::format;

/// The maximum number of tries for a message before the API counts as down.
const TRIES_MAX: u32 = 4;

/// The longest rejection that is read; only its code matters.
const REFUSAL_BYTES_MAX: usize = 64 * 1024;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(10);
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_FACTOR: f32 = 3.0;
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Temporary codes with status 400: several kinds of rate limits, an invalid or expired access
/// token, which the operator renews, and an outage of the API.
const PASSING_CODES: [i64; 10] = [1, 2, 4, 10, 190, 80_007, 130_429, 131_016, 131_048, 131_056];

/// Why a message was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// Permanently: the number or the message is not accepted.
    #[error("rejected permanently: {0}")]
    Rejected(String),
    /// Temporarily, and certainly not sent.
    #[error("not now: {0}")]
    NotNow(String),
    /// Unknown: the reply was lost.
    #[error("no reply: {0}")]
    Unknown(String),
}

/// A client of the API. A clone shares its connections.
#[derive(Clone)]
pub struct Graph {
    client: Client,
    messages_url: String,
    token: Secret,
}

impl Graph {
    /// Sends from this number, by the API at this address.
    ///
    /// Errors: this system has no usable TLS.
    pub fn new(base_url: &str, phone_number_id: &str, token: Secret) -> Result<Graph, reqwest::Error> {
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            // The token is for this address only.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let messages_url = format!("{}/{phone_number_id}/messages", base_url.trim_end_matches('/'));
        Ok(Graph { client, messages_url, token })
    }

    /// Sends one message, at most four times.
    pub async fn deliver(&self, channel_id: &str, message: &Outbound) -> Result<(), Undelivered> {
        let mut body = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": channel_id.trim_start_matches('+'),
        });
        if let (Some(members), Value::Object(content)) = (body.as_object_mut(), format::body(message)) {
            members.extend(content);
        }
        let mut backoff = Backoff::new(PAUSE_FIRST, PAUSE_FACTOR, PAUSE_MAX);
        for _ in 1..TRIES_MAX {
            match self.post(&body).await {
                Err((Undelivered::NotNow(why), asked)) => {
                    let pause = asked.unwrap_or_else(|| backoff.next()).min(PAUSE_MAX);
                    tracing::warn!(%why, ?pause, "a message is resent");
                    tokio::time::sleep(pause).await;
                }
                result => return result.map_err(|(error, _)| error),
            }
        }
        self.post(&body).await.map_err(|(error, _)| error)
    }

    /// Posts a message once. An error has the pause that the API asks for.
    async fn post(&self, body: &Value) -> Result<(), (Undelivered, Option<Duration>)> {
        let request = self.client.post(&self.messages_url).bearer_auth(self.token.as_str()).json(body);
        match request.send().await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(rejection(response).await),
            Err(error) if error.is_connect() || error.is_builder() => {
                Err((Undelivered::NotNow(shown(error)), None))
            }
            Err(error) => Err((Undelivered::Unknown(shown(error)), None)),
        }
    }
}

async fn rejection(response: Response) -> (Undelivered, Option<Duration>) {
    let status = response.status();
    let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let body: Value = answer::json(response, REFUSAL_BYTES_MAX).await.unwrap_or_default();
    let code = body.pointer("/error/code").and_then(Value::as_i64);
    // The API's error text may quote the message.
    let why = code.map_or_else(|| status.to_string(), |code| format!("{status}, code {code}"));
    let is_final = match status {
        StatusCode::BAD_REQUEST => !code.is_some_and(|code| PASSING_CODES.contains(&code)),
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => true,
        // The operator has to correct a wrong address or token: no reason to drop messages.
        _ => false,
    };
    let error = if is_final { Undelivered::Rejected(why) } else { Undelivered::NotNow(why) };
    (error, asked.map(Duration::from_secs))
}

/// An error with its causes and without the address, which contains the number's ID.
fn shown(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// A permanent rejection is logged and the message dropped: resending would not help, and must not
/// block later messages. An error here means: later.
impl Sender for Graph {
    async fn send(&self, channel_id: &str, message: &Outbound) -> Result<(), SendError> {
        match self.deliver(channel_id, message).await {
            Err(Undelivered::Rejected(why)) => {
                tracing::error!(%why, "a message was rejected permanently and is dropped");
                Ok(())
            }
            result => result.map_err(|error| SendError(error.to_string())),
        }
    }
}

/// Shows no address and no token.
impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graph").finish_non_exhaustive()
    }
}
