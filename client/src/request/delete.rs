//! STATE.DELETE.

use redis::{Cmd, Value};
use redis_state_types::Expected;

use super::{Request, Resend, options::Options};
use crate::error::Result;

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
    key: String,
    expected: Expected,
    purge: bool,
    options: Options,
}

impl Delete {
    /// Deletes the state that was read, or with [`Expected::Any`] any state.
    pub fn new(key: impl Into<String>, expected: impl Into<Expected>) -> Delete {
        Delete { key: key.into(), expected: expected.into(), purge: false, options: Options::default() }
    }

    /// `PURGE`: deletes the audit stream too.
    pub fn purge(mut self) -> Self {
        self.purge = true;
        self
    }

    options!(remarks audit);
}

impl Request for Delete {
    type Reply = ();

    fn name(&self) -> &'static str {
        "STATE.DELETE"
    }

    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn command(&self) -> Cmd {
        let mut command = redis::cmd("STATE.DELETE");
        command.arg(&self.key).arg(self.expected.to_string());
        if self.purge {
            command.arg("PURGE");
        }
        self.options.add_to(&mut command, &self.key);
        command
    }

    fn reply(&self, _one: Value) -> Result<()> {
        Ok(())
    }

    /// A resent one would return NOSTATE, or delete a state that was created since.
    fn resend(&self) -> Resend {
        Resend::Never
    }
}
