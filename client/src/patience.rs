//! What a stream does about an error: one that passes is waited out, for as long as it takes; any other is told.
//!
//! A limit on the tries was rejected: a server that is away for an hour should not end the worker that would go on when it is
//! back. Each try is logged.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::error::{Error, Result};

const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(5);

/// Growing pauses between the tries.
pub(crate) struct Patience {
    delays: ExponentialBackoff,
    /// The pause that an error which was told has left over: whoever asks again at once should not make the server busy.
    due: Option<Duration>,
}

impl Patience {
    pub(crate) fn new() -> Patience {
        let delays = ExponentialBuilder::default().with_min_delay(FIRST).with_max_delay(LONGEST);
        Patience { delays: delays.without_max_times().with_jitter().build(), due: None }
    }

    /// It worked: the next pause is a short one.
    pub(crate) fn reset(&mut self) {
        *self = Patience::new();
    }

    /// Makes up for the error that was told last.
    pub(crate) async fn rest(&mut self) {
        if let Some(pause) = self.due.take() {
            tokio::time::sleep(pause).await;
        }
    }

    /// Pauses after an error that passes; returns any other.
    pub(crate) async fn bear(&mut self, error: Error) -> Result<()> {
        if !passes(&error) {
            self.due = Some(self.pause());
            return Err(error);
        }
        self.sit_out(&error).await;
        Ok(())
    }

    /// Pauses after an error that somebody knows what to do about.
    pub(crate) async fn sit_out(&mut self, error: &Error) {
        let pause = self.pause();
        tracing::warn!(%error, ?pause, "trying again");
        tokio::time::sleep(pause).await;
    }

    fn pause(&mut self) -> Duration {
        self.delays.next().unwrap_or(LONGEST)
    }
}

/// What streams ask changes nothing that a second time would do harm to. `UNBLOCKED` comes when the server changes its role.
fn passes(error: &Error) -> bool {
    error.is_retryable() || error.outcome_unknown() || word(error) == Some("UNBLOCKED")
}

/// The first word of a refusal.
pub(crate) fn word(error: &Error) -> Option<&str> {
    error.redis_error()?.code()
}
