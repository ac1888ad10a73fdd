//! STATE.ROLLBACK.

use redis::{Cmd, Value};
use redis_state_types::Expected;

use super::write::resend_of_write;
use super::{Committed, Request, Resend, options::Options};
use crate::error::Result;

/// STATE.ROLLBACK: a new version with the content of an earlier one. Without a target it goes one
/// step back.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Change, Rollback, Update, connect};
/// use serde_json::{Value, json};
///
/// let mut states = connect(url).await?;
/// let key = "offer:7d1f";
/// states
///     .send(&Update::create(key, Change::merge(&json!({"amount": 5}))?).label("amount"))
///     .await?;
/// let latest =
///     states.send(&Update::new(key, 1, Change::merge(&json!({"handle": "tariro"}))?)).await?;
///
/// let back =
///     states.send(&Rollback::new(key, latest.etag).note("person said back").returning()).await?;
/// assert_eq!(back.document::<Value>()?, json!({"amount": 5}));
/// assert_eq!(back.etag.version, 3);
///
/// // Only the handle, from the version before.
/// let again = Rollback::new(key, back.etag).to(2).only(["/handle"]).returning();
/// assert_eq!(
///     states.send(&again).await?.document::<Value>()?,
///     json!({"amount": 5, "handle": "tariro"})
/// );
/// # Ok(()) });
/// ```
#[derive(Clone, Debug)]
pub struct Rollback {
    key: String,
    expected: Expected,
    target: Option<Target>,
    only: Vec<String>,
    all: bool,
    pub(crate) options: Options,
}

#[derive(Clone, Debug)]
enum Target {
    Steps(u64),
    Version(u64),
    Label(String),
    LastValid,
}

impl Rollback {
    /// One step back from the state that was read.
    pub fn new(key: impl Into<String>, expected: impl Into<Expected>) -> Rollback {
        let (key, expected) = (key.into(), expected.into());
        Rollback { key, expected, target: None, only: Vec::new(), all: false, options: Options::default() }
    }

    /// `STEPS`: this many kept ancestors back, counting those that differ from the present
    /// document.
    pub fn steps(mut self, steps: u64) -> Self {
        self.target = Some(Target::Steps(steps));
        self
    }

    /// `TO`: to this version.
    pub fn to(mut self, version: u64) -> Self {
        self.target = Some(Target::Version(version));
        self
    }

    /// `LABEL`: to the version with this label.
    pub fn to_label(mut self, name: impl Into<String>) -> Self {
        self.target = Some(Target::Label(name.into()));
        self
    }

    /// `LASTVALID`: to the newest kept version that satisfies the present schema.
    pub fn to_last_valid(mut self) -> Self {
        self.target = Some(Target::LastValid);
        self
    }

    /// `ONLY`: restores just these members, by JSON pointers.
    pub fn only<P: Into<String>>(mut self, pointers: impl IntoIterator<Item = P>) -> Self {
        self.only = pointers.into_iter().map(Into::into).collect();
        self
    }

    /// `ALL`: restores protected members too, which needs permission to run STATE.SETPROTECTED.
    pub fn all(mut self) -> Self {
        self.all = true;
        self
    }

    options!(ttl remarks id returning audit);
}

impl Request for Rollback {
    type Reply = Committed;

    fn name(&self) -> &'static str {
        "STATE.ROLLBACK"
    }

    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn command(&self) -> Cmd {
        let mut command = redis::cmd("STATE.ROLLBACK");
        command.arg(&self.key).arg(self.expected.to_string());
        match &self.target {
            None => {}
            Some(Target::Steps(steps)) => _ = command.arg("STEPS").arg(*steps),
            Some(Target::Version(version)) => _ = command.arg("TO").arg(*version),
            Some(Target::Label(name)) => _ = command.arg("LABEL").arg(name),
            Some(Target::LastValid) => _ = command.arg("LASTVALID"),
        }
        if !self.only.is_empty() {
            command.arg("ONLY").arg(self.only.len()).arg(&self.only);
        }
        if self.all {
            command.arg("ALL");
        }
        self.options.add_to(&mut command, &self.key);
        command
    }

    fn reply(&self, value: Value) -> Result<Committed> {
        Committed::read(value)
    }

    fn resend(&self) -> Resend {
        resend_of_write(self.expected, &self.options)
    }
}
