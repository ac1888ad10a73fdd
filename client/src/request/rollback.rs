//! STATE.ROLLBACK.

use redis_state_types::Expected;

use super::line::CommandLine;
use super::write::Committed;
use crate::resend::Resend;

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
/// states.create(key, Change::merge(&json!({"amount": 5}))?).await?;
/// let handle = Update::new(key, 1, Change::merge(&json!({"handle": "tariro"}))?);
/// let latest = states.send(&handle).await?;
///
/// let back = Rollback::new(key, latest.etag).note("user said back").returning();
/// let back = states.send(&back).await?;
/// assert_eq!((back.etag.version, back.document::<Value>()?), (3, json!({"amount": 5})));
///
/// // Only the handle, from the version before.
/// let again = Rollback::new(key, back.etag).to(2).only(["/handle"]).returning();
/// assert_eq!(states.send(&again).await?.document::<Value>()?["handle"], "tariro");
/// # Ok(()) });
/// ```
#[derive(Clone, Debug)]
pub struct Rollback {
    line: CommandLine,
}

impl Rollback {
    /// One step back from the state that was read.
    pub fn new(key: impl Into<String>, expected: impl Into<Expected>) -> Rollback {
        Rollback { line: CommandLine::new("STATE.ROLLBACK", Resend::Never).text(key).expecting(expected) }
    }

    /// `STEPS`: this many kept ancestors back, counting those that differ from the present
    /// document.
    pub fn steps(mut self, steps: u64) -> Self {
        self.line.set("target", ("STEPS", steps));
        self
    }

    /// `TO`: to this version.
    pub fn to(mut self, version: u64) -> Self {
        self.line.set("target", ("TO", version));
        self
    }

    /// `LABEL`: to the version with this label.
    pub fn to_label(mut self, name: impl Into<String>) -> Self {
        let name: String = name.into();
        self.line.set("target", ("LABEL", name));
        self
    }

    /// `LASTVALID`: to the newest kept version that satisfies the present schema.
    pub fn to_last_valid(mut self) -> Self {
        self.line.set("target", "LASTVALID");
        self
    }

    /// `ONLY`: restores just these members, by JSON pointers.
    pub fn only<P: Into<String>>(mut self, pointers: impl IntoIterator<Item = P>) -> Self {
        self.line.set_list("ONLY", pointers);
        self
    }

    /// `ALL`: restores protected members too, which needs permission to run STATE.SETPROTECTED.
    pub fn all(mut self) -> Self {
        self.line.set_flag("ALL");
        self
    }

    options!(ttl remarks id turn returning audit);
}

request!(Rollback -> Committed);
