//! STATE.UPDATE and STATE.SETPROTECTED: one grammar, two commands.
//!
//! Two types, not a flag, because they are two permissions: flow code has one, the API handler the
//! other.

use std::marker::PhantomData;

use redis::{FromRedisValue, ParsingError, Value};
use redis_state_types::{Etag, Expected};
use serde::de::DeserializeOwned;

use super::line::CommandLine;
use crate::change::Change;
use crate::decode;
use crate::error::{Error, Result};
use crate::resend::Resend;
use crate::state::{State, document};

/// STATE.UPDATE: changes a state if it is the expected one, or creates it.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Change, Update, connect};
/// use serde_json::json;
///
/// let mut states = connect(url).await?;
/// let channel =
///     Change::merge(&json!({"channel": {"type": "whatsapp", "identifier": "+263771234567"}}))?;
/// let first = Update::create("channel:+263771234567", channel)
///     .schema("vimbiso.channel")
///     .event("first_contact");
/// let created = states.send(&first).await?;
///
/// let step = Change::merge(&json!({"current": {"path": "login", "component": "LoginApiCall"}}))?;
/// let update = Update::new("channel:+263771234567", created.etag, step)
///     .actor("greeting")
///     .id("wamid.HBgL1")
///     .returning();
/// let updated = states.send(&update).await?;
/// assert_eq!(updated.etag.version, 2);
///
/// // The webhook is delivered again: the same answer, and nothing happens.
/// assert_eq!(states.send(&update).await?.etag, updated.etag);
/// # Ok(()) });
/// ```
pub type Update = Write<verb::Update>;

/// STATE.SETPROTECTED: as [`Update`], and protected members too. The ACL can allow it to the API
/// handler only.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Change, SetProtected, connect};
/// use serde_json::json;
///
/// let mut states = connect(url).await?;
/// let member = json!({
///     "channel": {"type": "whatsapp", "identifier": "+263771234567"},
///     "dashboard": {"member": {"memberID": "7d1f", "memberTier": 2}},
/// });
/// let create = SetProtected::create("channel:+263771234567", Change::merge(&member)?)
///     .schema("vimbiso.channel");
/// assert_eq!(states.send(&create).await?.etag.version, 1);
/// # Ok(()) });
/// ```
pub type SetProtected = Write<verb::SetProtected>;

/// The command of a [`Write`].
pub trait Verb: Send + Sync + 'static {
    /// The command's name.
    const NAME: &'static str;
}

/// The two verbs.
pub mod verb {
    /// STATE.UPDATE.
    #[derive(Clone, Copy, Debug)]
    pub enum Update {}

    /// STATE.SETPROTECTED.
    #[derive(Clone, Copy, Debug)]
    pub enum SetProtected {}

    impl super::Verb for Update {
        const NAME: &'static str = "STATE.UPDATE";
    }

    impl super::Verb for SetProtected {
        const NAME: &'static str = "STATE.SETPROTECTED";
    }
}

/// An [`Update`] or a [`SetProtected`].
#[derive(Clone, Debug)]
pub struct Write<V> {
    line: CommandLine,
    verb: PhantomData<V>,
}

impl<V: Verb> Write<V> {
    /// Changes the state that was read: `expected` is its etag, or a version.
    pub fn new(key: impl Into<String>, expected: impl Into<Expected>, change: Change) -> Write<V> {
        Write::of(Write::<V>::of_key(key), expected.into(), &change)
    }

    /// Creates a missing state; a [conflict](crate::Error::is_conflict) if it exists.
    pub fn create(key: impl Into<String>, change: Change) -> Write<V> {
        Write::new(key, Expected::Absent, change)
    }

    /// Changes any version, or creates a missing state.
    pub fn any(key: impl Into<String>, change: Change) -> Write<V> {
        Write::new(key, Expected::Any, change)
    }

    options!(schema ttl label remarks operation id turn rebase dry_run returning audit);

    /// The command as far as its key.
    pub(crate) fn of_key(key: impl Into<String>) -> CommandLine {
        CommandLine::new(V::NAME, Resend::Never).text(key)
    }

    /// Adds to the command as far as its key, which may have options.
    pub(crate) fn of(line: CommandLine, expected: Expected, change: &Change) -> Write<V> {
        let line = line.expecting(expected).arg((change.json(), change.kind().as_str()));
        Write { line, verb: PhantomData }
    }
}

request!(Write<V: Verb> -> Committed);

/// The reply of a commit.
#[derive(Clone, PartialEq, Eq)]
pub struct Committed {
    /// The etag of the new version, or of the present one without a change.
    pub etag: Etag,
    text: Option<String>,
}

impl Committed {
    /// The document as the caller's type, if the request was [`returning`](Write::returning) it.
    ///
    /// Errors: [`Unexpected`](crate::ErrorKind::Unexpected) if it was not requested, or does not
    /// have the shape of `T`.
    pub fn document<T: DeserializeOwned>(&self) -> Result<T> {
        let not_requested = || Error::unexpected("the document was not requested: add returning()");
        document(self.text().ok_or_else(not_requested)?)
    }

    /// The document's text, if requested.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    pub(crate) fn state<T: DeserializeOwned>(&self) -> Result<State<T>> {
        Ok(State { etag: self.etag, document: self.document()? })
    }
}

impl FromRedisValue for Committed {
    /// The etag alone, or an array of etag and document.
    fn from_redis_value(reply: Value) -> Result<Committed, ParsingError> {
        let texts: Vec<String> = redis::from_redis_value(reply)?;
        let mut texts = texts.into_iter();
        Ok(Committed { etag: decode::etag(texts.next())?, text: texts.next() })
    }
}

/// Shows no document: it may contain a secret.
impl std::fmt::Debug for Committed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Committed({})", self.etag)
    }
}
