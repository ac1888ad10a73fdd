//! The audit trail of a state, and the server's feed, which are ordinary streams: read once (`trail`), or followed by a consumer
//! group (`consume`, and `reader` behind it).
//!
//! The stream support of redis-rs was rejected: it is there for async connections only, and hands over maps of fields, which
//! lose their order.

#[cfg(feature = "tokio")]
mod commands;
#[cfg(feature = "tokio")]
mod consume;
#[cfg(feature = "tokio")]
mod delivered;
mod entry;
mod id;
#[cfg(feature = "tokio")]
mod reader;
mod trail;

use redis::Value;

use crate::decode;
use crate::error::{Error, ErrorKind, Result};

#[cfg(feature = "tokio")]
pub use consume::{AuditConsumer, Consume, Start};
#[cfg(feature = "tokio")]
pub use delivered::Delivered;
pub use entry::{AuditEntry, AuditEvent, AuditJson};
pub use id::EntryId;
pub use trail::Trail;

/// The stream beside the state at a key.
fn stream_of(key: &str) -> Result<String> {
    let stream = redis_state_core::audit::stream_key(key.as_bytes()).map(String::from_utf8);
    let no_place = "BADKEY a key such as a}b has no audit stream in its own slot";
    stream.and_then(std::result::Result::ok).ok_or_else(|| Error::new(ErrorKind::BadKey, no_place))
}

/// An entry as it is in a stream; `None` in place of one that was trimmed while a consumer had it.
type Raw = (EntryId, Option<AuditEntry>);

/// The entries of a stream, as XRANGE answers them.
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

/// A stream is an ordinary key, so anything may be in it: what is no text is shown as far as it is.
fn text(value: Value) -> String {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        Value::SimpleString(text) => text,
        Value::Int(number) => number.to_string(),
        _ => String::new(),
    }
}
