//! STATE.HISTORY and STATE.DIFF: the kept versions and their differences.

use redis::{FromRedisValue, ParsingError, Value};

use super::line::CommandLine;
use crate::error::Error;
use crate::resend::Resend;

/// STATE.HISTORY: the kept versions of a state, the present one first; `None` without a state.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Change, Diff, History, Update, connect};
/// use serde_json::json;
///
/// let mut states = connect(url).await?;
/// let five = Update::create("offer:7d1f", Change::merge(&json!({"amount": 5}))?).label("amount");
/// states.send(&five).await?;
/// let six = Update::new("offer:7d1f", 1, Change::merge(&json!({"amount": 6}))?).actor("input");
/// states.send(&six).await?;
///
/// let versions = states.send(&History::new("offer:7d1f")).await?.expect("it is there");
/// assert_eq!((versions[0].version, versions[0].actor.as_deref()), (2, Some("input")));
/// assert_eq!((versions[1].version, versions[1].label.as_deref()), (1, Some("amount")));
///
/// let change = states.send(&Diff::new("offer:7d1f", 1, 2)).await?.expect("it is there");
/// assert_eq!(change.json, json!([{"op": "replace", "path": "/amount", "value": 6}]));
/// # Ok(()) });
/// ```
#[derive(Clone, Debug)]
pub struct History {
    line: CommandLine,
}

impl History {
    /// All kept versions.
    pub fn new(key: impl Into<String>) -> History {
        History { line: CommandLine::new("STATE.HISTORY", Resend::Safe).text(key) }
    }

    /// `COUNT`: the newest ones only.
    pub fn count(mut self, count: u64) -> Self {
        self.line.set("COUNT", ("COUNT", count));
        self
    }
}

request!(History -> Option<Vec<Version>>);

/// A kept version.
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
    /// TURN of the command.
    pub turn: Option<String>,
    /// Its label.
    pub label: Option<String>,
    /// The document's length.
    pub bytes: u64,
}

from_map!(Version { version, parent, at, event, actor, turn, label, bytes });

/// STATE.DIFF: the JSON Patch ([RFC 6902]) that turns one kept version into another; `None` without
/// a state. See [`History`] for an example.
///
/// [RFC 6902]: https://www.rfc-editor.org/rfc/rfc6902
#[derive(Clone, Debug)]
pub struct Diff {
    line: CommandLine,
}

impl Diff {
    /// From one version to another, in either direction.
    pub fn new(key: impl Into<String>, from: u64, to: u64) -> Diff {
        Diff { line: CommandLine::new("STATE.DIFF", Resend::Safe).text(key).arg((from, to)) }
    }

    /// `WITHTURNS`: the turns of both versions too.
    pub fn with_turns(mut self) -> Diff {
        self.line.set_flag("WITHTURNS");
        self
    }
}

request!(Diff -> Option<Patch>);

/// The reply of [`Diff`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// A JSON Patch, which is an array of operations.
    pub json: serde_json::Value,
    /// The turns of the two versions, with [`with_turns`](Diff::with_turns).
    pub turns: [Option<String>; 2],
}

impl FromRedisValue for Patch {
    fn from_redis_value(reply: Value) -> Result<Patch, ParsingError> {
        let (text, turns): (String, _) = match reply {
            Value::Array(_) => {
                let (text, from, to) = redis::from_redis_value(reply)?;
                (text, [from, to])
            }
            text => (redis::from_redis_value(text)?, [None, None]),
        };
        let json = serde_json::from_str(&text).map_err(|error| Error::json("the patch is not JSON", error));
        json.map(|json| Patch { json, turns }).map_err(|error| error.to_string().into())
    }
}
