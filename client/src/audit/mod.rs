//! The audit stream of a state, and the server's feed, which are ordinary streams: read once
//! (`range`), or followed by a consumer group (`consume`, implemented by `reader`).
//!
//! Not the stream support of redis-rs, which is for async connections only and returns maps, which
//! lose the order of fields.

#[cfg(feature = "tokio")]
mod commands;
#[cfg(feature = "tokio")]
mod consume;
#[cfg(feature = "tokio")]
mod delivered;
mod entry;
mod id;
mod range;
#[cfg(feature = "tokio")]
mod reader;

use redis::Value;

use crate::decode;
use crate::error::{Error, ErrorKind, Result};

#[cfg(feature = "tokio")]
pub use consume::{AuditConsumer, Consume, Start};
#[cfg(feature = "tokio")]
pub use delivered::Delivered;
pub use entry::{AuditEntry, AuditEvent, AuditJson};
pub use id::EntryId;
pub use range::AuditRange;

/// The key of the audit stream of the state at `key`. `None` for a key that can't have one in its
/// own slot, such as `a}b`: the server rejects states there.
///
/// ```
/// use redis_state_client::audit_stream;
///
/// assert_eq!(
///     audit_stream("channel:+263771234567").as_deref(),
///     Some("{channel:+263771234567}:audit")
/// );
/// assert_eq!(
///     audit_stream("user:{+263771234567}:state").as_deref(),
///     Some("user:{+263771234567}:state:audit")
/// );
/// assert_eq!(audit_stream("a}b"), None);
/// ```
pub fn audit_stream(key: &str) -> Option<String> {
    String::from_utf8(redis_state_types::audit_stream_key(key.as_bytes())?).ok()
}

/// The same, or an error.
fn stream_of(key: &str) -> Result<String> {
    let no_stream = "BADKEY a key such as a}b has no audit stream in its own slot";
    audit_stream(key).ok_or_else(|| Error::new(ErrorKind::BadKey, no_stream))
}

/// An entry of a stream; `None` for one that was trimmed while pending.
type Raw = (EntryId, Option<AuditEntry>);

/// The entries of a stream, from a reply of XRANGE.
fn entries(reply: Value) -> Result<Vec<Raw>> {
    let items = decode::array(reply)?.unwrap_or_default();
    items.into_iter().filter(|item| *item != Value::Nil).map(entry).collect()
}

fn entry(item: Value) -> Result<Raw> {
    let mut parts = decode::array(item)?.unwrap_or_default().into_iter();
    let id: String = decode::value(parts.next().unwrap_or_default())?;
    let id = EntryId::parse(&id).ok_or_else(|| Error::unexpected("an entry of a stream without an ID"))?;
    let fields = decode::array(parts.next().unwrap_or_default())?;
    Ok((id, fields.map(|fields| AuditEntry::read(id, pairs(fields)))))
}

fn pairs(fields: Vec<Value>) -> impl Iterator<Item = (String, String)> {
    let mut words = fields.into_iter().map(text);
    std::iter::from_fn(move || Some((words.next()?, words.next()?)))
}

/// A stream is an ordinary key and may contain anything: invalid UTF-8 is shown as far as possible.
fn text(value: Value) -> String {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        Value::SimpleString(text) => text,
        Value::Int(number) => number.to_string(),
        _ => String::new(),
    }
}
