//! STATE.ATTEMPT and STATE.ATTEMPTS: counts and history of attempts.

use std::collections::BTreeMap;

use super::line::CommandLine;
use crate::resend::Resend;

pub use redis_state_types::Tally;

/// STATE.ATTEMPT: counts an attempt at an operation, and returns the number of attempts.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Attempt, AttemptCounts, Attempts, Change, Update, connect};
///
/// let mut states = connect(url).await?;
/// let key = "channel:+263771234567";
/// states.send(&Update::create(key, Change::none())).await?;
/// let failure =
///     Attempt::failure(key, "confirm").component("ConfirmOffer").error("neither yes nor no");
/// assert_eq!(states.send(&failure).await?, 1);
/// assert_eq!(states.send(&Attempt::success(key, "confirm")).await?, 2);
///
/// let confirm = states.send(&Attempts::new(key, "confirm")).await?.expect("the state is there");
/// assert_eq!((confirm.attempts, confirm.failures), (2, 0));
/// assert_eq!(confirm.history[1].error.as_deref(), Some("neither yes nor no"));
/// assert_eq!(
///     states.send(&AttemptCounts::new(key)).await?.expect("the state is there")["confirm"],
///     2
/// );
/// # Ok(()) });
/// ```
#[derive(Clone, Debug)]
pub struct Attempt {
    line: CommandLine,
}

impl Attempt {
    /// Counts an attempt with this outcome; [`Tally::Clear`] sets the count to 0.
    pub fn new(key: impl Into<String>, operation: impl Into<String>, tally: Tally) -> Attempt {
        // Clearing twice is the same.
        let resend = if tally == Tally::Clear { Resend::Safe } else { Resend::Never };
        let line = CommandLine::new("STATE.ATTEMPT", resend).text(key).text(operation);
        Attempt { line: line.arg(tally.as_str()) }
    }

    /// A successful attempt.
    pub fn success(key: impl Into<String>, operation: impl Into<String>) -> Attempt {
        Attempt::new(key, operation, Tally::Success)
    }

    /// A failed attempt.
    pub fn failure(key: impl Into<String>, operation: impl Into<String>) -> Attempt {
        Attempt::new(key, operation, Tally::Failure)
    }

    /// `COMPONENT`: the component that made the attempt.
    pub fn component(mut self, name: impl Into<String>) -> Self {
        self.line.set_text("COMPONENT", name);
        self
    }

    /// `ERROR`: why it failed. At most 1024 bytes.
    pub fn error(mut self, text: impl Into<String>) -> Self {
        self.line.set_text("ERROR", text);
        self
    }

    options!(actor id turn audit);
}

request!(Attempt -> u64);

/// STATE.ATTEMPTS of one operation; `None` without a state. See [`Attempt`] for an example.
#[derive(Clone, Debug)]
pub struct Attempts {
    line: CommandLine,
}

impl Attempts {
    /// The kept attempts at an operation.
    pub fn new(key: impl Into<String>, operation: impl Into<String>) -> Attempts {
        Attempts { line: AttemptCounts::new(key).line.text(operation) }
    }

    /// `COUNT`: at most this many in the history.
    pub fn count(mut self, count: u64) -> Self {
        self.line.set("COUNT", ("COUNT", count));
        self
    }
}

request!(Attempts -> Option<Attempted>);

/// STATE.ATTEMPTS without an operation: the number of attempts at each; `None` without a state. See
/// [`Attempt`] for an example.
#[derive(Clone, Debug)]
pub struct AttemptCounts {
    line: CommandLine,
}

impl AttemptCounts {
    /// For the state at this key.
    pub fn new(key: impl Into<String>) -> AttemptCounts {
        AttemptCounts { line: CommandLine::new("STATE.ATTEMPTS", Resend::Safe).text(key) }
    }
}

request!(AttemptCounts -> Option<BTreeMap<String, u64>>);

/// The attempts at one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// The number of attempts.
    pub attempts: u64,
    /// The number of failures since the last success.
    pub failures: u64,
    /// The newest.
    pub latest: Option<Try>,
    /// The kept attempts, newest first.
    pub history: Vec<Try>,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Try {
    /// The operation.
    pub operation: String,
    /// The component.
    pub component: Option<String>,
    /// ISO 8601, UTC, with milliseconds.
    pub timestamp: String,
    /// Whether it succeeded.
    pub success: bool,
    /// Why it failed.
    pub error: Option<String>,
}

from_map!(Attempted { attempts, failures, latest, history });

from_map!(Try { operation, component, timestamp, success, error });
