//! STATE.WAIT.

use std::time::Duration;

use redis_state_types::Expected;

use super::get::Found;
use super::line::{CommandLine, milliseconds};
use crate::resend::Resend;

/// STATE.WAIT: waits until a state is not the known one, and returns it; `None` after the timeout,
/// or if the state is deleted or expires.
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
    line: CommandLine,
}

impl Wait {
    /// Waits for any other state than the one with this etag, for a newer one than this version, or
    /// with 0 for a creation. A `timeout` of zero means no timeout; the maximum is a year.
    pub fn new(key: impl Into<String>, known: impl Into<Expected>, timeout: Duration) -> Wait {
        let known: Expected = known.into();
        let line = CommandLine::new("STATE.WAIT", Resend::Safe).text(key);
        Wait { line: line.arg((known.to_string(), milliseconds(timeout))) }
    }
}

request!(Wait -> Option<Found>);
