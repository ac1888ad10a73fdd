//! STATE.GET.

use redis::{Cmd, Value};
use redis_state_types::Etag;
use serde::de::DeserializeOwned;

use super::{Request, Resend};
use crate::decode;
use crate::error::{Error, Result};
use crate::state::{State, document};

/// STATE.GET: etag and document of a state, or the members at JSON pointers ([RFC 6901]).
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
    key: String,
    version: Option<u64>,
    pointers: Vec<String>,
}

impl Get {
    /// The present document.
    pub fn new(key: impl Into<String>) -> Get {
        Get { key: key.into(), version: None, pointers: Vec::new() }
    }

    /// A kept version instead of the present one; its secrets are `"***"`.
    pub fn version(mut self, version: u64) -> Get {
        self.version = Some(version);
        self
    }

    /// Only these members, by JSON pointers: at most 64.
    pub fn members<P: Into<String>>(mut self, pointers: impl IntoIterator<Item = P>) -> Get {
        self.pointers = pointers.into_iter().map(Into::into).collect();
        self
    }
}

impl Request for Get {
    /// `None` without a state.
    type Reply = Option<Found>;

    fn name(&self) -> &'static str {
        "STATE.GET"
    }

    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn command(&self) -> Cmd {
        let mut command = redis::cmd("STATE.GET");
        command.arg(&self.key);
        if let Some(version) = self.version {
            command.arg("VERSION").arg(version);
        }
        command.arg(&self.pointers);
        command
    }

    fn reply(&self, value: Value) -> Result<Option<Found>> {
        Found::read(value)
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }
}

/// The result: an etag, and the document or the requested members, as JSON text.
///
/// For an example see [`Get`](crate::Get).
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

    pub(crate) fn read(value: Value) -> Result<Option<Found>> {
        let Some(items) = decode::array(value)? else { return Ok(None) };
        let mut items = items.into_iter();
        let etag = decode::etag(items.next().unwrap_or_default())?;
        Ok(Some(Found { etag, texts: items.map(decode::value).collect::<Result<_>>()? }))
    }
}

/// Shows no document: it may contain a secret.
impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Found({}, {} texts)", self.etag, self.texts.len())
    }
}
