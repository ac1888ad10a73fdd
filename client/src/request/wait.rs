//! STATE.WAIT.

use std::time::Duration;

use redis::{Cmd, Value};
use redis_state_types::Expected;

use super::{Found, Request, Resend, options::milliseconds};
use crate::error::Result;

/// STATE.WAIT: waits until a state is another one than you know, and answers it.
///
/// It blocks its connection: give it one of its own, whose response timeout is longer than the time
/// it waits. A multiplexed connection that others use would make them wait too.
/// [`Watch`](crate::Watch) does both.
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
    /// with 0 for a creation. A `timeout` of zero waits for ever; a year is the most.
    pub fn new(key: impl Into<String>, known: impl Into<Expected>, timeout: Duration) -> Wait {
        Wait { key: key.into(), known: known.into(), timeout }
    }
}

impl Request for Wait {
    /// `None` when the time is up, or the state is gone.
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
