//! STATE.UPDATE and STATE.SETPROTECTED: one grammar, two commands.
//!
//! Two types, not a flag, because they are two permissions: flow code has one, the API handler the
//! other.

use std::marker::PhantomData;

use redis::{Cmd, Value};
use redis_state_types::{Etag, Expected};
use serde::de::DeserializeOwned;

use super::{Request, Resend, options::Options};
use crate::change::Change;
use crate::decode;
use crate::error::{Error, Result};
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
///
/// For an example see [`Update`](crate::Update).
pub trait Verb: Send + Sync + 'static {
    /// The command's name.
    const NAME: &'static str;
}

/// The two verbs.
pub(crate) mod verb {
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
///
/// For an example see [`Update`](crate::Update).
#[derive(Clone, Debug)]
pub struct Write<V> {
    pub(crate) key: String,
    pub(crate) expected: Expected,
    pub(crate) change: Change,
    pub(crate) options: Options,
    verb: PhantomData<V>,
}

impl<V: Verb> Write<V> {
    /// Changes the state that was read: `expected` is its etag, or a version.
    pub fn new(key: impl Into<String>, expected: impl Into<Expected>, change: Change) -> Write<V> {
        Write {
            key: key.into(),
            expected: expected.into(),
            change,
            options: Options::default(),
            verb: PhantomData,
        }
    }

    /// Creates a missing state; a [conflict](crate::Error::is_conflict) if it exists.
    pub fn create(key: impl Into<String>, change: Change) -> Write<V> {
        Write::new(key, Expected::Absent, change)
    }

    /// Changes any version, or creates a missing state.
    pub fn any(key: impl Into<String>, change: Change) -> Write<V> {
        Write::new(key, Expected::Any, change)
    }

    options!(schema ttl label remarks operation id rebase dry_run returning audit);
}

impl<V: Verb> Request for Write<V> {
    type Reply = Committed;

    fn name(&self) -> &'static str {
        V::NAME
    }

    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn command(&self) -> Cmd {
        let mut command = redis::cmd(V::NAME);
        command.arg(&self.key).arg(self.expected.to_string());
        command.arg(self.change.json()).arg(self.change.kind().as_str());
        self.options.add_to(&mut command, &self.key);
        command
    }

    fn reply(&self, value: Value) -> Result<Committed> {
        Committed::read(value)
    }

    fn resend(&self) -> Resend {
        if self.options.dry_run { Resend::Safe } else { resend_of_write(self.expected, &self.options) }
    }
}

/// A write with an ID is recognized as a replay; one with an expected version is applied at most
/// once.
pub(crate) fn resend_of_write(expected: Expected, options: &Options) -> Resend {
    match expected {
        _ if options.id.is_some() => Resend::Safe,
        Expected::Any => Resend::Never,
        _ => Resend::ByEtag,
    }
}

/// The reply of a commit.
///
/// For an example see [`Update`](crate::Update).
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
        document(
            self.text()
                .ok_or_else(|| Error::unexpected("the document was not requested: add returning()"))?,
        )
    }

    /// The document's text, if requested.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    pub(crate) fn state<T: DeserializeOwned>(&self) -> Result<State<T>> {
        Ok(State { etag: self.etag, document: self.document()? })
    }

    pub(crate) fn read(value: Value) -> Result<Committed> {
        match value {
            Value::Array(items) => {
                let Ok([etag, document]) = <[Value; 2]>::try_from(items) else {
                    return Err(Error::unexpected("expected an etag and a document"));
                };
                Ok(Committed { etag: decode::etag(etag)?, text: Some(decode::value(document)?) })
            }
            etag => Ok(Committed { etag: decode::etag(etag)?, text: None }),
        }
    }
}

/// Shows no document: it may contain a secret.
impl std::fmt::Debug for Committed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Committed({})", self.etag)
    }
}
