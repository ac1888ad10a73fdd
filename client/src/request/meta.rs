//! STATE.META.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::{FromRedisValue, ParsingError, Value};
use redis_state_types::Etag;

use super::line::CommandLine;
use crate::decode::{self, Fields};
use crate::resend::Resend;

/// STATE.META: version, schema, times and sizes of a state; `None` without one.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Change, Meta, Update, connect};
/// use std::time::Duration;
///
/// let mut states = connect(url).await?;
/// let offer = Update::create("offer:7d1f", Change::none()).expires_in(Duration::from_secs(600));
/// states.send(&offer).await?;
/// let meta = states.send(&Meta::new("offer:7d1f")).await?.expect("it is there");
/// assert_eq!((meta.etag.version, meta.schema, meta.valid), (1, None, true));
/// assert!(meta.ttl.is_some_and(|ttl| ttl <= Duration::from_secs(600)));
/// # Ok(()) });
/// ```
#[derive(Clone, Debug)]
pub struct Meta {
    line: CommandLine,
}

impl Meta {
    /// For the state at this key.
    pub fn new(key: impl Into<String>) -> Meta {
        Meta { line: CommandLine::new("STATE.META", Resend::Safe).text(key) }
    }
}

request!(Meta -> Option<Metadata>);

/// The metadata of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// The etag of the present version.
    pub etag: Etag,
    /// TURN of the present version.
    pub turn: Option<String>,
    /// The schema of the state.
    pub schema: Option<String>,
    /// The revision of the schema that the document was validated against; 0 without one.
    pub revision: u64,
    /// When the state was created: ISO 8601, UTC, with milliseconds.
    pub initialized_at: String,
    /// When the present version was committed, in the same form.
    pub updated_at: String,
    /// The time until the key expires; `None` for never.
    pub ttl: Option<Duration>,
    /// The document's length.
    pub bytes: u64,
    /// The number of snapshots.
    pub snapshots: u64,
    /// The deadlines: JSON pointer to time.
    pub deadlines: BTreeMap<String, String>,
    /// The number of attempts at each operation.
    pub attempts: BTreeMap<String, u64>,
    /// The key of the audit stream.
    pub audit: String,
    /// Whether the document satisfies the present revision of its schema.
    pub valid: bool,
}

impl FromRedisValue for Metadata {
    fn from_redis_value(reply: Value) -> Result<Metadata, ParsingError> {
        let mut fields = Fields::of(reply)?;
        let ttl: i64 = fields.read("ttl")?;
        Ok(Metadata {
            etag: decode::etag(fields.read("etag")?)?,
            turn: fields.read("turn")?,
            schema: fields.read("schema")?,
            revision: fields.read("revision")?,
            initialized_at: fields.read("initialized_at")?,
            updated_at: fields.read("updated_at")?,
            ttl: match u64::try_from(ttl) {
                Ok(ms) => Some(Duration::from_millis(ms)),
                Err(_) if ttl == -1 => None,
                Err(_) => return Err(format!("ttl: {ttl}").into()),
            },
            bytes: fields.read("bytes")?,
            snapshots: fields.read("snapshots")?,
            deadlines: fields.read("deadlines")?,
            attempts: fields.read("attempts")?,
            audit: fields.read("audit")?,
            valid: fields.read("valid")?,
        })
    }
}
