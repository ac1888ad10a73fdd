//! Finds the messages in a webhook of WhatsApp, among statuses, errors and future additions.
//!
//! The payload is read by pointers, and unexpected parts are skipped with a log line. Not by types
//! for all of it: one unknown shape would reject a whole payload, and WhatsApp would redeliver it
//! for days.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::message::Inbound;

/// The maximum length of the server's tokens, which message IDs become.
const ID_BYTES_MAX: usize = 128;

/// A message as the inbox stores it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The sender and the text.
    pub message: Inbound,
    /// A message without text, such as a picture or a voice message. It is answered with a hint.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_textless: bool,
}

/// The messages to this number, in order, without those that are too old.
pub(super) fn messages(
    payload: &Value,
    phone_number_id: &str,
    now: SystemTime,
    age_max: Duration,
) -> Vec<Accepted> {
    let oldest = now.checked_sub(age_max).unwrap_or(UNIX_EPOCH);
    let values = list(payload, "/entry")
        .flat_map(|entry| list(entry, "/changes"))
        .filter(|change| text(change, "/field") == Some("messages"))
        .filter_map(|change| change.get("value"))
        .filter(|value| is_to(value, phone_number_id));
    values.flat_map(|value| list(value, "/messages")).filter_map(|message| read(message, oldest)).collect()
}

fn is_to(value: &Value, phone_number_id: &str) -> bool {
    let is_ours = text(value, "/metadata/phone_number_id").is_none_or(|id| id == phone_number_id);
    if !is_ours {
        tracing::warn!("a webhook for another number was skipped");
    }
    is_ours
}

fn read(message: &Value, oldest: SystemTime) -> Option<Accepted> {
    let id = text(message, "/id").filter(|id| !id.is_empty() && id.len() <= ID_BYTES_MAX);
    let from = text(message, "/from").filter(|from| is_number(from));
    let (Some(id), Some(from), Some(sent)) = (id, from, sent(message)) else {
        tracing::warn!("a message without an ID, a sender or a time was skipped");
        return None;
    };
    if sent < oldest {
        tracing::warn!(id, "a message that is too old was dropped");
        return None;
    }
    let typed = typed(message);
    let is_textless = typed.is_none();
    let message = Inbound {
        channel_id: format!("+{from}"),
        message_id: id.to_owned(),
        text: typed.unwrap_or_default().to_owned(),
    };
    Some(Accepted { message, is_textless })
}

/// The text or choice of the user. Of a choice its ID, if it has one: the bot set it, and titles
/// may repeat.
fn typed(message: &Value) -> Option<&str> {
    let pointers: &[&str] = match text(message, "/type")? {
        "text" => &["/text/body"],
        "button" => &["/button/payload", "/button/text"],
        "interactive" => match text(message, "/interactive/type")? {
            "button_reply" => &["/interactive/button_reply/id", "/interactive/button_reply/title"],
            "list_reply" => &["/interactive/list_reply/id", "/interactive/list_reply/title"],
            _ => &[],
        },
        _ => &[],
    };
    pointers.iter().filter_map(|pointer| text(message, pointer)).find(|text| !text.is_empty())
}

/// The number becomes part of a key.
fn is_number(from: &str) -> bool {
    (5..=20).contains(&from.len()) && from.bytes().all(|byte| byte.is_ascii_digit())
}

/// Seconds since 1970, as text.
fn sent(message: &Value) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_secs(text(message, "/timestamp")?.parse().ok()?))
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_all(messages: Value) -> Vec<Accepted> {
        let value = json!({"metadata": {"phone_number_id": "1"}, "messages": messages, "statuses": [7]});
        let payload = json!({"entry": [{"changes": [{"field": "messages", "value": value}]}]});
        let now = UNIX_EPOCH + Duration::from_secs(1000);
        super::messages(&payload, "1", now, Duration::from_secs(100))
    }

    #[test]
    fn typed_texts_and_choices_are_read() {
        let reply = json!({"type": "button_reply", "button_reply": {"id": "5", "title": "Offer"}});
        let row = json!({"type": "list_reply", "list_reply": {"id": "", "title": "Ledger"}});
        let common = |mut message: Value| {
            message["id"] = json!("wamid.1");
            message["from"] = json!("263771234567");
            message["timestamp"] = json!("1000");
            message
        };
        let read = read_all(json!([
            common(json!({"type": "text", "text": {"body": "hi"}})),
            common(json!({"type": "interactive", "interactive": reply})),
            common(json!({"type": "interactive", "interactive": row})),
            common(json!({"type": "button", "button": {"text": "Yes"}})),
            common(json!({"type": "image", "image": {}})),
            common(json!({"type": "interactive", "interactive": {"type": "nfm_reply"}})),
        ]));
        let texts: Vec<_> = read.iter().map(|one| (one.message.text.as_str(), one.is_textless)).collect();
        let textless = ("", true);
        assert_eq!(
            texts,
            [("hi", false), ("5", false), ("Ledger", false), ("Yes", false), textless, textless]
        );
        assert!(read.iter().all(|one| one.message.channel_id == "+263771234567"));
    }

    #[test]
    fn unexpected_parts_are_skipped() {
        let message = |id: &str, from: &str, timestamp: Value| json!({"id": id, "from": from, "timestamp": timestamp, "type": "text", "text": {"body": "hi"}});
        let left = read_all(json!([
            message("", "263771234567", json!("1000")),
            message(&"x".repeat(129), "263771234567", json!("1000")),
            message("1", "channel:*", json!("1000")),
            message("2", "263771234567", json!("899")),
            message("3", "263771234567", json!(1000)),
            7,
            message("4", "263771234567", json!("900")),
        ]));
        let ids: Vec<&str> = left.iter().map(|one| one.message.message_id.as_str()).collect();
        assert_eq!(ids, ["4"]);
        assert_eq!(super::messages(&json!([]), "1", UNIX_EPOCH, Duration::ZERO), []);
    }
}
