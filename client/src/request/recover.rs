//! STATE.RECOVER.

use redis::{Cmd, Value};
use redis_state_types::Etag;

use super::{Request, Resend, options::Options};
use crate::decode::{self, Fields};
use crate::error::Result;

/// STATE.RECOVER: a valid state again, or one that is gone rebuilt, by the mildest way that works.
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
    /// Recovers whatever is at this key, nothing included.
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

    /// What a recovery has made valid it leaves alone the second time.
    fn resend(&self) -> Resend {
        Resend::Safe
    }
}

/// How a state was recovered.
///
/// For an example see [`Recover`](crate::Recover).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The way that worked: `valid`, `defaults`, `revision`, `snapshot`, `label`, `reset`, `audit`
    /// or `created`.
    pub rung: String,
    /// Of the state as it is now.
    pub etag: Etag,
    /// The milder ways that did not work, in order.
    pub tried: Vec<Tried>,
}

/// A way that did not lead to a valid state.
///
/// For an example see [`Recover`](crate::Recover).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Which one.
    pub rung: String,
    /// Why not.
    pub reason: String,
}

impl Tried {
    fn read(value: Value) -> Result<Tried> {
        let mut fields = Fields::required(value)?;
        Ok(Tried { rung: fields.read("rung")?, reason: fields.read("reason")? })
    }
}
