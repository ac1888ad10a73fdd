//! STATE.GET.

use redis::{FromRedisValue, ParsingError, Value};
use redis_state_types::Etag;
use serde::de::DeserializeOwned;

use super::line::CommandLine;
use crate::decode;
use crate::error::{Error, Result};
use crate::resend::Resend;
use crate::state::{State, document};

/// STATE.GET: etag and document of a state, or the members at JSON pointers ([RFC 6901]); `None`
/// without a state.
///
/// [RFC 6901]: https://www.rfc-editor.org/rfc/rfc6901
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Change, Get, Update, connect};
/// use serde_json::json;
///
/// let mut states = connect(url).await?;
/// assert!(states.send(&Get::new("offer:7d1f")).await?.is_none());
///
/// let offer = Change::merge(&json!({"amount": 12.50, "to": {"handle": "tariro"}}))?;
/// states.send(&Update::create("offer:7d1f", offer)).await?;
/// let request = Get::new("offer:7d1f").members(["/to/handle", "/note"]);
/// let found = states.send(&request).await?.expect("it is there");
/// assert_eq!(found.member::<String>(0)?.as_deref(), Some("tariro"));
/// assert_eq!(found.member::<String>(1)?, None);
/// # Ok(()) });
/// ```
#[derive(Clone, Debug)]
pub struct Get {
    line: CommandLine,
}

impl Get {
    /// The present document.
    pub fn new(key: impl Into<String>) -> Get {
        Get { line: CommandLine::new("STATE.GET", Resend::Safe).text(key) }
    }

    /// A kept version instead of the present one; its secrets are `"***"`.
    pub fn version(mut self, version: u64) -> Get {
        self.line.set("VERSION", ("VERSION", version));
        self
    }

    /// Only these members, by JSON pointers: at most 64.
    pub fn members<P: Into<String>>(mut self, pointers: impl IntoIterator<Item = P>) -> Get {
        let pointers: Vec<String> = pointers.into_iter().map(Into::into).collect();
        // In small letters, since they come after VERSION.
        self.line.set("pointers", pointers);
        self
    }
}

request!(Get -> Option<Found>);

/// The result: an etag, and the document or the requested members, as JSON text.
#[derive(Clone, PartialEq, Eq)]
pub struct Found {
    /// The etag of the version that was read.
    pub etag: Etag,
    texts: Vec<Option<String>>,
}

impl Found {
    /// The document as the caller's type, for a request without members.
    ///
    /// Errors: [`Unexpected`](crate::ErrorKind::Unexpected) if it does not have the shape of `T`.
    pub fn document<T: DeserializeOwned>(&self) -> Result<T> {
        self.member(0)?.ok_or_else(|| Error::unexpected("the reply has no document"))
    }

    /// The `index`-th requested member, counted from 0; `None` if it is missing.
    ///
    /// Errors as [`Found::document`].
    pub fn member<T: DeserializeOwned>(&self, index: usize) -> Result<Option<T>> {
        self.text(index).map(document).transpose()
    }

    /// The JSON text of the document (at 0), or of the `index`-th member, as the server keeps it:
    /// number literals and member order as written.
    pub fn text(&self, index: usize) -> Option<&str> {
        self.texts.get(index)?.as_deref()
    }

    pub(crate) fn state<T: DeserializeOwned>(&self) -> Result<State<T>> {
        Ok(State { etag: self.etag, document: self.document()? })
    }
}

impl FromRedisValue for Found {
    fn from_redis_value(reply: Value) -> Result<Found, ParsingError> {
        let texts: Vec<Option<String>> = redis::from_redis_value(reply)?;
        let mut texts = texts.into_iter();
        Ok(Found { etag: decode::etag(texts.next().flatten())?, texts: texts.collect() })
    }
}

/// Shows no document: it may contain a secret.
impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Found({}, {} texts)", self.etag, self.texts.len())
    }
}
