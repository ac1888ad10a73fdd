//! STATE.RECOVER.

use redis::{Cmd, Value};
use redis_state_types::Etag;

use super::{Request, Resend, options::Options};
use crate::decode::{self, Fields};
use crate::error::Result;

/// STATE.RECOVER: makes a state valid again, or rebuilds a missing one, by the mildest rung that
/// works.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Change, Recover, Update, connect};
/// use serde_json::json;
///
/// let mut states = connect(url).await?;
/// let offer = Change::merge(&json!({"amount": 12.50}))?;
/// states.send(&Update::create("offer:7d1f", offer)).await?;
/// let recovered = states.send(&Recover::new("offer:7d1f")).await?;
/// assert_eq!((recovered.rung.as_str(), recovered.etag.version), ("valid", 1));
/// # Ok(()) });
/// ```
#[derive(Clone, Debug)]
pub struct Recover {
    key: String,
    options: Options,
}

impl Recover {
    /// Recovers the state at this key, or a missing one.
    pub fn new(key: impl Into<String>) -> Recover {
        Recover { key: key.into(), options: Options::default() }
    }

    options!(schema ttl remarks audit);
}

impl Request for Recover {
    type Reply = Recovered;

    fn name(&self) -> &'static str {
        "STATE.RECOVER"
    }

    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn command(&self) -> Cmd {
        let mut command = redis::cmd("STATE.RECOVER");
        command.arg(&self.key);
        self.options.add_to(&mut command, &self.key);
        command
    }

    fn reply(&self, value: Value) -> Result<Recovered> {
        let mut fields = Fields::required(value)?;
        let tried = decode::array(fields.take("tried"))?.unwrap_or_default();
        Ok(Recovered {
            rung: fields.read("rung")?,
            etag: decode::etag(fields.take("etag"))?,
            tried: tried.into_iter().map(Tried::read).collect::<Result<_>>()?,
        })
    }

    /// A recovery of a valid state changes nothing.
    fn resend(&self) -> Resend {
        Resend::Safe
    }
}

/// How a state was recovered.
///
/// For an example see [`Recover`](crate::Recover).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The rung that succeeded: `valid`, `defaults`, `revision`, `snapshot`, `label`, `reset`,
    /// `audit` or `created`.
    pub rung: String,
    /// The etag of the recovered state.
    pub etag: Etag,
    /// The milder rungs that failed, in order.
    pub tried: Vec<Tried>,
}

/// A rung that failed.
///
/// For an example see [`Recover`](crate::Recover).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The rung.
    pub rung: String,
    /// The reason.
    pub reason: String,
}

impl Tried {
    fn read(value: Value) -> Result<Tried> {
        let mut fields = Fields::required(value)?;
        Ok(Tried { rung: fields.read("rung")?, reason: fields.read("reason")? })
    }
}
