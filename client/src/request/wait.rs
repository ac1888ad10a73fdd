//! STATE.WAIT.

use std::time::Duration;

use redis::{Cmd, Value};
use redis_state_types::Expected;

use super::{Found, Request, Resend, options::milliseconds};
use crate::error::Result;

/// STATE.WAIT: waits until a state is not the known one, and returns it.
///
/// It blocks its connection, so it needs one of its own, with a response timeout above its own. On
/// a shared multiplexed connection it would block all others. [`Watch`](crate::Watch) handles both.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Change, Update, Wait, connect};
/// use std::time::Duration;
///
/// let mut states = connect(url).await?;
/// states.send(&Update::create("offer:7d1f", Change::none())).await?;
/// // Version 0 is no state yet, so there is nothing to wait for.
/// let found = states.send(&Wait::new("offer:7d1f", 0, Duration::from_millis(100))).await?;
/// assert_eq!(found.map(|found| found.etag.version), Some(1));
/// # Ok(()) });
/// ```
#[derive(Clone, Debug)]
pub struct Wait {
    key: String,
    known: Expected,
    timeout: Duration,
}

impl Wait {
    /// Waits for any other state than the one with this etag, for a newer one than this version, or
    /// with 0 for a creation. A `timeout` of zero means no timeout; the maximum is a year.
    pub fn new(key: impl Into<String>, known: impl Into<Expected>, timeout: Duration) -> Wait {
        Wait { key: key.into(), known: known.into(), timeout }
    }
}

impl Request for Wait {
    /// `None` after the timeout, or if the state is deleted or expires.
    type Reply = Option<Found>;

    fn name(&self) -> &'static str {
        "STATE.WAIT"
    }

    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn command(&self) -> Cmd {
        let mut command = redis::cmd("STATE.WAIT");
        command.arg(&self.key).arg(self.known.to_string()).arg(milliseconds(self.timeout));
        command
    }

    fn reply(&self, value: Value) -> Result<Option<Found>> {
        Found::read(value)
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }
}
