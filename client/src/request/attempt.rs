//! STATE.ATTEMPT and STATE.ATTEMPTS: counts and history of attempts.

use std::collections::BTreeMap;

use redis::{Cmd, Value};

use super::{Request, Resend, options::Options};
use crate::decode::{self, Fields};
use crate::error::Result;

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
    key: String,
    operation: String,
    tally: Tally,
    error: Option<String>,
    options: Options,
}

impl Attempt {
    /// Counts an attempt with this outcome; [`Tally::Clear`] sets the count to 0.
    pub fn new(key: impl Into<String>, operation: impl Into<String>, tally: Tally) -> Attempt {
        Attempt {
            key: key.into(),
            operation: operation.into(),
            tally,
            error: None,
            options: Options::default(),
        }
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
        self.options.component = Some(name.into());
        self
    }

    /// `ERROR`: why it failed. At most 1024 bytes.
    pub fn error(mut self, text: impl Into<String>) -> Self {
        self.error = Some(text.into());
        self
    }

    options!(actor id audit);
}

impl Request for Attempt {
    /// The number of attempts.
    type Reply = u64;

    fn name(&self) -> &'static str {
        "STATE.ATTEMPT"
    }

    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn command(&self) -> Cmd {
        let mut command = redis::cmd("STATE.ATTEMPT");
        command.arg(&self.key).arg(&self.operation).arg(self.tally.as_str());
        if let Some(error) = &self.error {
            command.arg("ERROR").arg(error);
        }
        self.options.add_to(&mut command, &self.key);
        command
    }

    fn reply(&self, value: Value) -> Result<u64> {
        decode::number(value)
    }

    /// Clearing is idempotent.
    fn resend(&self) -> Resend {
        let known = self.options.id.is_some() || self.tally == Tally::Clear;
        if known { Resend::Safe } else { Resend::Never }
    }
}

/// STATE.ATTEMPTS of one operation. See [`Attempt`] for an example.
#[derive(Clone, Debug)]
pub struct Attempts {
    key: String,
    operation: String,
    count: Option<u64>,
}

impl Attempts {
    /// The kept attempts at an operation.
    pub fn new(key: impl Into<String>, operation: impl Into<String>) -> Attempts {
        Attempts { key: key.into(), operation: operation.into(), count: None }
    }

    /// `COUNT`: at most this many in the history.
    pub fn count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }
}

impl Request for Attempts {
    /// `None` without a state.
    type Reply = Option<Attempted>;

    fn name(&self) -> &'static str {
        "STATE.ATTEMPTS"
    }

    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn command(&self) -> Cmd {
        let mut command = redis::cmd("STATE.ATTEMPTS");
        command.arg(&self.key).arg(&self.operation);
        if let Some(count) = self.count {
            command.arg("COUNT").arg(count);
        }
        command
    }

    fn reply(&self, value: Value) -> Result<Option<Attempted>> {
        Fields::of(value)?.map(Attempted::read).transpose()
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }
}

/// STATE.ATTEMPTS without an operation: the number of attempts at each. See [`Attempt`] for an
/// example.
#[derive(Clone, Debug)]
pub struct AttemptCounts {
    key: String,
}

impl AttemptCounts {
    /// For the state at this key.
    pub fn new(key: impl Into<String>) -> AttemptCounts {
        AttemptCounts { key: key.into() }
    }
}

impl Request for AttemptCounts {
    /// Operation to attempts; `None` without a state.
    type Reply = Option<BTreeMap<String, u64>>;

    fn name(&self) -> &'static str {
        "STATE.ATTEMPTS"
    }

    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn command(&self) -> Cmd {
        let mut command = redis::cmd("STATE.ATTEMPTS");
        command.arg(&self.key);
        command
    }

    fn reply(&self, value: Value) -> Result<Self::Reply> {
        let Some(fields) = Fields::of(value)? else { return Ok(None) };
        let counts =
            fields.into_pairs().into_iter().map(|(operation, count)| Ok((operation, decode::number(count)?)));
        counts.collect::<Result<_>>().map(Some)
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }
}

/// The attempts at one operation.
///
/// For an example see [`Attempt`](crate::Attempt).
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
///
/// For an example see [`Attempt`](crate::Attempt).
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

impl Attempted {
    fn read(mut fields: Fields) -> Result<Attempted> {
        let history = decode::array(fields.take("history"))?.unwrap_or_default();
        Ok(Attempted {
            attempts: fields.read("attempts")?,
            failures: fields.read("failures")?,
            latest: Fields::of(fields.take("latest"))?.map(Try::read).transpose()?,
            history: history
                .into_iter()
                .map(|one| Try::read(Fields::required(one)?))
                .collect::<Result<_>>()?,
        })
    }
}

impl Try {
    fn read(mut fields: Fields) -> Result<Try> {
        Ok(Try {
            operation: fields.read("operation")?,
            component: fields.read("component")?,
            timestamp: fields.read("timestamp")?,
            success: fields.read::<u8>("success")? == 1,
            error: fields.read("error")?,
        })
    }
}
