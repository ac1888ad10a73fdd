//! STATE.HISTORY and STATE.DIFF: the kept versions and their differences.

use redis::{Cmd, Value};

use super::{Request, Resend};
use crate::decode::{self, Fields};
use crate::error::{Error, Result};

/// STATE.HISTORY: the kept versions of a state, the present one first.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Change, Diff, History, Update, connect};
/// use serde_json::json;
///
/// let mut states = connect(url).await?;
/// states
///     .send(&Update::create("offer:7d1f", Change::merge(&json!({"amount": 5}))?).label("amount"))
///     .await?;
/// states
///     .send(
///         &Update::new("offer:7d1f", 1, Change::merge(&json!({"amount": 6}))?)
///             .actor("amount_input"),
///     )
///     .await?;
///
/// let versions = states.send(&History::new("offer:7d1f")).await?.expect("it is there");
/// assert_eq!((versions[0].version, versions[0].actor.as_deref()), (2, Some("amount_input")));
/// assert_eq!((versions[1].version, versions[1].label.as_deref()), (1, Some("amount")));
///
/// let change = states.send(&Diff::new("offer:7d1f", 1, 2)).await?.expect("it is there");
/// assert_eq!(change, json!([{"op": "replace", "path": "/amount", "value": 6}]));
/// # Ok(()) });
/// ```
#[derive(Clone, Debug)]
pub struct History {
    key: String,
    count: Option<u64>,
}

impl History {
    /// All kept versions.
    pub fn new(key: impl Into<String>) -> History {
        History { key: key.into(), count: None }
    }

    /// `COUNT`: the newest ones only.
    pub fn count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }
}

impl Request for History {
    /// `None` without a state.
    type Reply = Option<Vec<Version>>;

    fn name(&self) -> &'static str {
        "STATE.HISTORY"
    }

    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn command(&self) -> Cmd {
        let mut command = redis::cmd("STATE.HISTORY");
        command.arg(&self.key);
        if let Some(count) = self.count {
            command.arg("COUNT").arg(count);
        }
        command
    }

    fn reply(&self, value: Value) -> Result<Option<Vec<Version>>> {
        let Some(versions) = decode::array(value)? else { return Ok(None) };
        versions.into_iter().map(Version::read).collect::<Result<_>>().map(Some)
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }
}

/// A kept version.
///
/// For an example see [`History`](crate::History).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number.
    pub version: u64,
    /// The version it was derived from; 0 for none.
    pub parent: u64,
    /// When it was committed: ISO 8601, UTC, with milliseconds.
    pub at: String,
    /// `create`, `update`, `rollback`, `reset`, `recover` or `lapse`.
    pub event: String,
    /// The ACTOR option.
    pub actor: Option<String>,
    /// Its label.
    pub label: Option<String>,
    /// The document's length.
    pub bytes: u64,
}

impl Version {
    fn read(value: Value) -> Result<Version> {
        let mut fields = Fields::required(value)?;
        Ok(Version {
            version: fields.read("version")?,
            parent: fields.read("parent")?,
            at: fields.read("at")?,
            event: fields.read("event")?,
            actor: fields.read("actor")?,
            label: fields.read("label")?,
            bytes: fields.read("bytes")?,
        })
    }
}

/// STATE.DIFF: the JSON Patch ([RFC 6902]) that turns one kept version into another. See
/// [`History`] for an example.
///
/// [RFC 6902]: https://www.rfc-editor.org/rfc/rfc6902
#[derive(Clone, Debug)]
pub struct Diff {
    key: String,
    from: u64,
    to: u64,
}

impl Diff {
    /// From one version to another, in either direction.
    pub fn new(key: impl Into<String>, from: u64, to: u64) -> Diff {
        Diff { key: key.into(), from, to }
    }
}

impl Request for Diff {
    /// An array of operations; `None` without a state.
    type Reply = Option<serde_json::Value>;

    fn name(&self) -> &'static str {
        "STATE.DIFF"
    }

    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn command(&self) -> Cmd {
        let mut command = redis::cmd("STATE.DIFF");
        command.arg(&self.key).arg(self.from).arg(self.to);
        command
    }

    fn reply(&self, value: Value) -> Result<Self::Reply> {
        let patch: Option<String> = decode::value(value)?;
        let read = |text: String| {
            serde_json::from_str(&text).map_err(|error| Error::json("the patch is not JSON", error))
        };
        patch.map(read).transpose()
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }
}
