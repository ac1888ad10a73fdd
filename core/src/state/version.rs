//! One version of a state, with its event, label and schema.

use super::deadlines::Deadlines;
use super::document::Document;
use super::etag_keys::EtagKeys;
use redis_state_types::Etag;

/// One version of a state. In C order, for the layout of [`State`](crate::state::State).
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Version {
    /// 1 when created, +1 for each commit.
    pub number: u64,
    /// Its document.
    pub document: Document,
    /// When its members lapse, as of the time when it was the present version.
    pub deadlines: Deadlines,
    /// The version it was derived from, 0 for none.
    pub parent: u64,
    /// When it was committed, in Unix milliseconds.
    pub at_ms: i64,
    /// The event that made it.
    pub event: Event,
    /// Whether its document had a secret by the schema it was validated against.
    pub has_secret: bool,
    /// The component that made it, as named by the caller.
    pub actor: Option<Box<str>>,
    /// `TURN`: the turn that made it. The last version of a turn stands for it.
    pub turn: Option<Box<str>>,
}

impl Version {
    /// The etag of this version in a state with these keys.
    pub(crate) fn etag(&self, keys: EtagKeys) -> Etag {
        Etag { version: self.number, digest: keys.digest(self.number, self.document.text()) }
    }
}

/// A name for a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The name; unique in a state.
    pub name: Box<str>,
    /// The version it names.
    pub version: u64,
}

/// The event that made a version, as in HISTORY and in the audit stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The first version.
    Create,
    /// STATE.UPDATE.
    Update,
    /// STATE.ROLLBACK.
    Rollback,
    /// STATE.RESET.
    Reset,
    /// STATE.RECOVER.
    Recover,
    /// A member reached its deadline.
    Lapse,
}

impl Event {
    /// The word in replies and in the audit stream.
    pub fn as_str(self) -> &'static str {
        match self {
            Event::Create => "create",
            Event::Update => "update",
            Event::Rollback => "rollback",
            Event::Reset => "reset",
            Event::Recover => "recover",
            Event::Lapse => "lapse",
        }
    }

    /// Its byte in stored and replicated versions.
    pub(crate) fn to_byte(self) -> u8 {
        match self {
            Event::Create => 1,
            Event::Update => 2,
            Event::Rollback => 3,
            Event::Reset => 4,
            Event::Recover => 5,
            Event::Lapse => 6,
        }
    }

    /// The event with this byte.
    pub(crate) fn from_byte(byte: u8) -> Option<Event> {
        Some(match byte {
            1 => Event::Create,
            2 => Event::Update,
            3 => Event::Rollback,
            4 => Event::Reset,
            5 => Event::Recover,
            6 => Event::Lapse,
            _ => return None,
        })
    }
}

/// A schema at a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaRef {
    /// Its name in the registry.
    pub name: Box<str>,
    /// 1 for the first text of a name, +1 for each different text after it.
    pub revision: u64,
    /// xxh3 of its text: a name that is deleted and set again starts at revision 1.
    pub digest: u64,
    /// Whether the schema marks secrets: without the schema, all values may be secrets.
    pub has_secrets: bool,
}
