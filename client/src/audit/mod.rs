//! The audit stream of a state, and the server's feed, which are ordinary streams: read once
//! (`range`), or followed by a consumer group (`consumer`, implemented by `reader`).
//!
//! Not the replies of redis-rs for streams, which reject an entry with a name that is not UTF-8: a
//! consumer would read it forever.

#[cfg(feature = "tokio")]
pub mod consume;
#[cfg(feature = "tokio")]
pub mod consumer;
#[cfg(feature = "tokio")]
pub mod delivered;
pub mod entry;
pub mod id;
pub mod range;
#[cfg(feature = "tokio")]
mod reader;

use crate::error::{Error, ErrorKind, Result};

/// The key of the audit stream of the state at `key`. `None` for a key that can't have one in its
/// own slot, such as `a}b`: the server rejects states there.
///
/// ```
/// use redis_state_client::audit_stream;
///
/// assert_eq!(audit_stream("offer:7d1f").as_deref(), Some("{offer:7d1f}:audit"));
/// assert_eq!(audit_stream("{offer:7d1f}:x").as_deref(), Some("{offer:7d1f}:x:audit"));
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
