//! STATE.DELETE.

use redis::{FromRedisValue, ParsingError, Value};
use redis_state_types::Expected;

use super::line::CommandLine;
use crate::decode::Fields;
use crate::resend::Resend;

/// STATE.DELETE: deletes a state, with an audit entry. Its audit stream stays until its own expiry.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Change, Delete, Update, connect};
///
/// let mut states = connect(url).await?;
/// let created = states.send(&Update::create("offer:7d1f", Change::none())).await?;
/// states.send(&Delete::new("offer:7d1f", created.etag).event("withdrawn")).await?;
/// assert!(states.get::<serde_json::Value>("offer:7d1f").await?.is_none());
/// # Ok(()) });
/// ```
#[derive(Clone, Debug)]
pub struct Delete {
    line: CommandLine,
}

impl Delete {
    /// Deletes the state that was read, or with [`Expected::Any`] any state.
    pub fn new(key: impl Into<String>, expected: impl Into<Expected>) -> Delete {
        let expected: Expected = expected.into();
        // A resent one would return NOSTATE, or delete a state that was created since.
        let line = CommandLine::new("STATE.DELETE", Resend::Never).text(key);
        Delete { line: line.arg(expected.to_string()) }
    }

    /// `PURGE`: deletes the audit stream and the entries of the feed too, also where there is no
    /// state, if any or none is expected.
    pub fn purge(mut self) -> Self {
        self.line.set_flag("PURGE");
        self
    }

    /// `FEEDFROM`: continues at [`Deleted::feed_from`] of the reply before; with
    /// [`purge`](Delete::purge).
    pub fn feed_from(mut self, id: impl Into<String>) -> Self {
        self.line.set_text("FEEDFROM", id);
        self
    }

    options!(remarks turn audit);
}

request!(Delete -> Deleted);

/// What STATE.DELETE deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// Whether there was a state.
    pub state: bool,
    /// The deleted entries of the audit stream: all, with PURGE.
    pub audit: u64,
    /// The deleted entries of the feed, with PURGE.
    pub feed: u64,
    /// Where the next PURGE continues to examine the feed; `None` at its end.
    pub feed_from: Option<String>,
}

impl FromRedisValue for Deleted {
    fn from_redis_value(reply: Value) -> Result<Deleted, ParsingError> {
        if reply == Value::Int(1) {
            return Ok(Deleted { state: true, audit: 0, feed: 0, feed_from: None });
        }
        let mut fields = Fields::of(reply)?;
        Ok(Deleted {
            state: fields.read("state")?,
            audit: fields.read("audit")?,
            feed: fields.read("feed")?,
            feed_from: fields.read("feed_from")?,
        })
    }
}
