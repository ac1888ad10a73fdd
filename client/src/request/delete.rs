//! STATE.DELETE.

use redis_state_types::Expected;

use super::line::CommandLine;
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

    /// `PURGE`: deletes the audit stream too.
    pub fn purge(mut self) -> Self {
        self.line.set_flag("PURGE");
        self
    }

    options!(remarks audit);
}

request!(Delete -> ());
