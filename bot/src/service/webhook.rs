//! WhatsApp's webhooks: the handshake, and messages, which are accepted before the webhook is
//! acknowledged.
//!
//! The checks are in the order of growing trust: size, signature, JSON, age. A body is hashed
//! before it is parsed, and used only after its signature is verified. A late replay is dropped by
//! the message's age; for an earlier one, the inbox knows the ID. Not answering within the
//! webhook's request: WhatsApp waits some seconds and then redelivers, and a crash would lose the
//! message.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hmac::{Hmac, Mac};
use serde::Deserialize;
use sha2::Sha256;

use crate::crash;
use crate::service::config::{Config, Secret};
use crate::service::inbox::{Inbox, Taken};
use crate::service::listen::Guest;
use crate::service::{payload, statuses};

/// The timeout of a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The timeout for accepting the messages of one webhook: WhatsApp waits only some seconds.
const ACCEPT_TIMEOUT: Duration = Duration::from_secs(5);

const SIGNATURE: &str = "x-hub-signature-256";

struct Door {
    verify_token: Secret,
    app_secret: Secret,
    phone_number_id: String,
    message_age_max: Duration,
    inbox: Inbox,
}

/// The routes: GET and POST of `/webhook`.
pub(super) fn router(config: &Config, inbox: Inbox) -> Router {
    let door = Door {
        verify_token: config.verify_token.clone(),
        app_secret: config.app_secret.clone(),
        phone_number_id: config.phone_number_id.clone(),
        message_age_max: config.message_age_max,
        inbox,
    };
    Router::new()
        .route("/webhook", get(handshake).post(deliver))
        .layer(DefaultBodyLimit::max(config.body_max))
        .with_state(Arc::new(door))
}

#[derive(Deserialize)]
struct Handshake {
    #[serde(rename = "hub.mode", default)]
    mode: String,
    #[serde(rename = "hub.verify_token", default)]
    verify_token: String,
    #[serde(rename = "hub.challenge", default)]
    challenge: String,
}

/// WhatsApp verifies that this is the configured webhook.
async fn handshake(State(door): State<Arc<Door>>, Query(asked): Query<Handshake>) -> Response {
    if asked.mode == "subscribe" && is_same(&asked.verify_token, door.verify_token.as_str()) {
        return asked.challenge.into_response();
    }
    tracing::warn!("a handshake with a wrong token was rejected");
    StatusCode::FORBIDDEN.into_response()
}

async fn deliver(State(door): State<Arc<Door>>, request: Request) -> Response {
    let headers = request.headers().clone();
    let guest = request.extensions().get::<Guest>().cloned();
    let body = match tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => body,
        // Above the limit, or the connection broke.
        Ok(Err(rejection)) => return rejection.into_response(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    if !is_signed(&headers, &body, &door.app_secret) {
        tracing::warn!("a webhook with a wrong signature was rejected");
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if let Some(guest) = guest {
        guest.is_known();
    }
    let Ok(payload) = serde_json::from_slice(&body) else {
        tracing::warn!("a webhook that is not JSON was rejected");
        return StatusCode::BAD_REQUEST.into_response();
    };
    let values = payload::values(&payload, &door.phone_number_id);
    statuses::log(&values);
    let messages = payload::messages(&values, SystemTime::now(), door.message_age_max);
    // On its own task, so that a connection closed by WhatsApp does not stop it between two
    // messages.
    let accepting = tokio::spawn(async move {
        let status = door.accept(&messages).await;
        crash::point("accepted");
        status
    });
    accepting.await.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}

impl Door {
    /// Accepts all messages, or replies an error: then WhatsApp redelivers, and the accepted ones
    /// are known.
    async fn accept(&self, messages: &[payload::Accepted]) -> StatusCode {
        let all = async {
            for message in messages {
                match self.inbox.accept(message).await {
                    Ok(Taken::New | Taken::Known) => {}
                    Ok(Taken::Full) => {
                        tracing::error!("the inbox is full: WhatsApp has to redeliver");
                        return StatusCode::SERVICE_UNAVAILABLE;
                    }
                    Err(error) => {
                        tracing::error!(%error, "a message could not be accepted: WhatsApp has to redeliver");
                        return StatusCode::SERVICE_UNAVAILABLE;
                    }
                }
            }
            StatusCode::OK
        };
        tokio::time::timeout(ACCEPT_TIMEOUT, all).await.unwrap_or(StatusCode::SERVICE_UNAVAILABLE)
    }
}

/// Whether the header has the right HMAC of the raw body, compared in constant time.
fn is_signed(headers: &HeaderMap, body: &[u8], secret: &Secret) -> bool {
    let given = headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
    let Some(given) = given.and_then(|value| bytes(value.strip_prefix("sha256=")?)) else { return false };
    keyed(secret.as_str()).is_some_and(|mac| mac.chain_update(body).verify_slice(&given).is_ok())
}

/// Compares HMACs, so that the time reveals nothing, not even a length.
fn is_same(given: &str, wanted: &str) -> bool {
    let Some(wanted_mac) = keyed(wanted).map(|mac| mac.chain_update(wanted).finalize().into_bytes()) else {
        return false;
    };
    keyed(wanted).is_some_and(|mac| mac.chain_update(given).verify_slice(&wanted_mac).is_ok())
}

/// HMAC accepts a key of any length, so there always is one.
fn keyed(key: &str) -> Option<Hmac<Sha256>> {
    Hmac::new_from_slice(key.as_bytes()).ok()
}

/// The bytes of hexadecimal digits.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = hex.chars().map(|digit| digit.to_digit(16)).collect();
    digits?
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(high * 16 + low).ok(),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_come_in_pairs() {
        assert_eq!(bytes("00ff7A"), Some(vec![0, 255, 122]));
        assert_eq!((bytes("0"), bytes("0g"), bytes("+1")), (None, None, None));
    }

    #[test]
    fn tokens_are_compared() {
        assert!(is_same("token", "token"));
        assert!(!is_same("token", "tokens") && !is_same("", "token") && !is_same("Token", "token"));
    }
}
