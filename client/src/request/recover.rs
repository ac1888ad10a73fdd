//! STATE.RECOVER.

use redis::{FromRedisValue, ParsingError, Value};
use redis_state_types::Etag;

use super::line::CommandLine;
use crate::decode::{self, Fields};
use crate::resend::Resend;

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
    line: CommandLine,
}

impl Recover {
    /// Recovers the state at this key, or a missing one.
    pub fn new(key: impl Into<String>) -> Recover {
        // A recovery of a valid state changes nothing.
        Recover { line: CommandLine::new("STATE.RECOVER", Resend::Safe).text(key) }
    }

    options!(schema ttl remarks turn audit);
}

request!(Recover -> Recovered);

/// How a state was recovered.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The rung.
    pub rung: String,
    /// The reason.
    pub reason: String,
}

impl FromRedisValue for Recovered {
    fn from_redis_value(reply: Value) -> Result<Recovered, ParsingError> {
        let mut fields = Fields::of(reply)?;
        let etag = decode::etag(fields.read("etag")?)?;
        Ok(Recovered { rung: fields.read("rung")?, etag, tried: fields.read("tried")? })
    }
}

from_map!(Tried { rung, reason });
