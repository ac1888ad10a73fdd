//! Exponential back-off: pauses that grow up to a maximum, with jitter.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// The pauses between tries, endlessly.
pub(crate) struct Backoff {
    pauses: ExponentialBackoff,
    longest: Duration,
}

impl Backoff {
    /// Each pause is `factor` times the one before, from `first` up to `longest`.
    pub(crate) fn new(first: Duration, factor: f32, longest: Duration) -> Backoff {
        let pauses = ExponentialBuilder::default().with_min_delay(first).with_max_delay(longest);
        let pauses = pauses.with_factor(factor).without_max_times().with_jitter().build();
        Backoff { pauses, longest }
    }

    /// The next pause.
    pub(crate) fn next(&mut self) -> Duration {
        self.pauses.next().unwrap_or(self.longest)
    }

    /// Waits for the next pause.
    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.next()).await;
    }
}
