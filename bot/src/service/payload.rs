//! Finds the messages in a webhook of WhatsApp, among statuses, errors and future additions.
//!
//! The payload is read by pointers, and unexpected parts are skipped with a log line. Not by types
//! for all of it: one unknown shape would reject a whole payload, and WhatsApp would redeliver it
//! for days. For the same reason a time may be a number, a sender may begin with a plus sign, and a
//! change may have no `field`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::message::Inbound;

/// The maximum length of the server's tokens, which message IDs become.
const ID_BYTES_MAX: usize = 128;

/// The types that need no answer: a reaction to a message, a notice about the user's account such
/// as another number, and what the API can't deliver.
const IGNORED_TYPES: [&str; 3] = ["reaction", "system", "unsupported"];

/// A message as the inbox stores it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The sender, and the text or choice.
    pub message: Inbound,
    /// A message without text, such as a picture or a voice message. It is answered with a hint.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_textless: bool,
}

/// The values of the field `messages` for this number, which have messages and statuses.
pub(super) fn values<'a>(payload: &'a Value, phone_number_id: &str) -> Vec<&'a Value> {
    list(payload, "/entry")
        .flat_map(|entry| list(entry, "/changes"))
        .filter(|change| change.get("field").is_none_or(|field| field == "messages"))
        .filter_map(|change| change.get("value"))
        .filter(|value| is_to(value, phone_number_id))
        .collect()
}

/// The messages in these values, in order, without those that are too old.
pub(super) fn messages(values: &[&Value], now: SystemTime, age_max: Duration) -> Vec<Accepted> {
    let oldest = now.checked_sub(age_max).unwrap_or(UNIX_EPOCH);
    let messages = values.iter().flat_map(|value| list(value, "/messages"));
    messages.filter_map(|message| read(message, oldest)).collect()
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
    let from = text(message, "/from").map(|from| from.strip_prefix('+').unwrap_or(from));
    let from = from.filter(|from| is_number(from));
    let (Some(id), Some(from), Some(sent)) = (id, from, sent(message)) else {
        tracing::warn!("a message without an ID, a sender or a time was skipped");
        return None;
    };
    if let Some(kind) = text(message, "/type").filter(|kind| IGNORED_TYPES.contains(kind)) {
        tracing::debug!(id, kind, "a message that needs no answer was ignored");
        return None;
    }
    if sent < oldest {
        tracing::warn!(id, "a message that is too old was dropped");
        return None;
    }
    let (typed, choice) = content(message);
    let is_textless = typed.is_none() && choice.is_none();
    let message = Inbound {
        channel_id: format!("+{from}"),
        message_id: id.to_owned(),
        text: typed.unwrap_or_default().to_owned(),
        choice: choice.map(str::to_owned),
    };
    Some(Accepted { message, is_textless })
}

/// The text of a message, and the ID of a choice. A choice without an ID has its title as ID, so
/// that the title is no text that the user typed.
fn content(message: &Value) -> (Option<&str>, Option<&str>) {
    let part = |pointer| text(message, pointer).filter(|text| !text.is_empty());
    let choice = |id, title| (part(title), part(id).or_else(|| part(title)));
    match text(message, "/type") {
        Some("text") => (part("/text/body"), None),
        // A button of a template, which only an operator sends.
        Some("button") => choice("/button/payload", "/button/text"),
        Some("interactive") => match text(message, "/interactive/type") {
            Some("button_reply") => choice("/interactive/button_reply/id", "/interactive/button_reply/title"),
            Some("list_reply") => choice("/interactive/list_reply/id", "/interactive/list_reply/title"),
            _ => (None, None),
        },
        _ => (None, None),
    }
}

/// The number becomes part of a key.
fn is_number(from: &str) -> bool {
    (5..=20).contains(&from.len()) && from.bytes().all(|byte| byte.is_ascii_digit())
}

/// Seconds since 1970, as text or as a number.
fn sent(message: &Value) -> Option<SystemTime> {
    let seconds = match message.get("timestamp")? {
        Value::String(text) => text.parse().ok()?,
        number => number.as_u64()?,
    };
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

pub(super) fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_change(change: Value) -> Vec<Accepted> {
        let payload = json!({"entry": [{"changes": [change]}]});
        let now = UNIX_EPOCH + Duration::from_secs(1000);
        messages(&values(&payload, "1"), now, Duration::from_secs(100))
    }

    fn read_all(messages: Value) -> Vec<Accepted> {
        let value = json!({"metadata": {"phone_number_id": "1"}, "messages": messages, "statuses": [7]});
        read_change(json!({"field": "messages", "value": value}))
    }

    fn sent_now(mut message: Value) -> Value {
        message["id"] = json!("wamid.1");
        message["from"] = json!("263771234567");
        message["timestamp"] = json!("1000");
        message
    }

    #[test]
    fn typed_texts_and_choices_are_read() {
        let reply = json!({"type": "button_reply", "button_reply": {"id": "5", "title": "Offer"}});
        let row = json!({"type": "list_reply", "list_reply": {"id": "", "title": "Ledger"}});
        let read = read_all(json!([
            sent_now(json!({"type": "text", "text": {"body": "hi"}})),
            sent_now(json!({"type": "interactive", "interactive": reply})),
            sent_now(json!({"type": "interactive", "interactive": row})),
            sent_now(json!({"type": "button", "button": {"text": "Yes"}})),
            sent_now(json!({"type": "image", "image": {}})),
            sent_now(json!({"type": "interactive", "interactive": {"type": "nfm_reply"}})),
        ]));
        let contents: Vec<_> = read
            .iter()
            .map(|one| (one.message.text.as_str(), one.message.choice.as_deref(), one.is_textless))
            .collect();
        let textless = ("", None, true);
        assert_eq!(
            contents,
            [
                ("hi", None, false),
                ("Offer", Some("5"), false),
                ("Ledger", Some("Ledger"), false),
                ("Yes", Some("Yes"), false),
                textless,
                textless,
            ]
        );
        assert!(read.iter().all(|one| one.message.channel_id == "+263771234567"));
    }

    #[test]
    fn types_that_need_no_answer_are_ignored() {
        let messages: Vec<Value> =
            IGNORED_TYPES.iter().map(|kind| sent_now(json!({"type": kind, "text": {"body": "x"}}))).collect();
        assert_eq!(read_all(json!(messages)), []);
    }

    #[test]
    fn other_forms_of_the_same_message_are_read() {
        let plain = sent_now(json!({"type": "text", "text": {"body": "hi"}}));
        let expected = read_all(json!([plain]));
        assert_eq!(expected.len(), 1);
        let (mut number, mut plus) = (plain.clone(), plain.clone());
        number["timestamp"] = json!(1000);
        plus["from"] = json!("+263771234567");
        assert_eq!(
            (read_all(json!([number])), read_all(json!([plus]))),
            (expected.clone(), expected.clone())
        );
        assert_eq!(read_change(json!({"value": {"messages": [plain]}})), expected);
        assert_eq!(read_change(json!({"field": "account_update", "value": {"messages": [plain]}})), []);
    }

    #[test]
    fn unexpected_parts_are_skipped() {
        let message = |id: &str, from: &str, timestamp: Value| json!({"id": id, "from": from, "timestamp": timestamp, "type": "text", "text": {"body": "hi"}});
        let left = read_all(json!([
            message("", "263771234567", json!("1000")),
            message(&"x".repeat(129), "263771234567", json!("1000")),
            message("1", "channel:*", json!("1000")),
            message("2", "++263771234567", json!("1000")),
            message("3", "263771234567", json!("899")),
            message("4", "263771234567", json!(-1000)),
            message("5", "263771234567", json!("soon")),
            7,
            message("6", "263771234567", json!("900")),
        ]));
        let ids: Vec<&str> = left.iter().map(|one| one.message.message_id.as_str()).collect();
        assert_eq!(ids, ["6"]);
        assert!(values(&json!([]), "1").is_empty());
    }
}
