//! How a stream handles errors: it retries a transient one without limit, and returns any other.
//!
//! Not a limit on the tries: after an hour without a server the worker should continue. Each try is
//! logged.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::error::{Error, Result};

const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(5);

/// Growing pauses between the tries.
pub(crate) struct Backoff {
    delays: ExponentialBackoff,
    /// The pause after a returned error: a caller that polls again at once must not load the
    /// server.
    due: Option<Duration>,
}

impl Backoff {
    pub(crate) fn new() -> Backoff {
        let delays = ExponentialBuilder::default().with_min_delay(FIRST).with_max_delay(LONGEST);
        Backoff { delays: delays.without_max_times().with_jitter().build(), due: None }
    }

    /// After a success: the next pause is a short one.
    pub(crate) fn reset(&mut self) {
        *self = Backoff::new();
    }

    /// Waits out the pause of the last returned error.
    pub(crate) async fn wait_due(&mut self) {
        if let Some(pause) = self.due.take() {
            tokio::time::sleep(pause).await;
        }
    }

    /// Pauses after a transient error; returns any other.
    pub(crate) async fn wait_or_return(&mut self, error: Error) -> Result<()> {
        if !passes(&error) {
            self.due = Some(self.pause());
            return Err(error);
        }
        self.wait_after(&error).await;
        Ok(())
    }

    /// Pauses after an error that the caller handles.
    pub(crate) async fn wait_after(&mut self, error: &Error) {
        let pause = self.pause();
        tracing::warn!(%error, ?pause, "retrying");
        tokio::time::sleep(pause).await;
    }

    fn pause(&mut self) -> Duration {
        self.delays.next().unwrap_or(LONGEST)
    }
}

/// The requests of streams may be repeated. `UNBLOCKED` is the reply when the server changes its
/// role.
fn passes(error: &Error) -> bool {
    error.is_retryable() || error.outcome_unknown() || word(error) == Some("UNBLOCKED")
}

/// The first word of a server error.
pub(crate) fn word(error: &Error) -> Option<&str> {
    error.redis_error()?.code()
}
