//! The statuses in a webhook: what became of the bot's own messages. They are logged and change
//! nothing.
//!
//! A failure is a warning, because the API has accepted the message and the bot counts it as sent.
//! The other statuses are logged at the level debug: there are up to three of them a message.

use serde_json::Value;

use crate::service::payload::{list, text};

/// Logs the statuses in the values of a webhook, without users' numbers.
pub(super) fn log(values: &[&Value]) {
    for status in values.iter().flat_map(|value| list(value, "/statuses")) {
        let (id, word) = (text(status, "/id").unwrap_or("?"), text(status, "/status").unwrap_or("?"));
        if word == "failed" {
            let code = status.pointer("/errors/0/code").and_then(Value::as_i64);
            tracing::warn!(id, code, "a sent message has failed");
        } else {
            tracing::debug!(id, status = word, "the status of a sent message");
        }
    }
}
