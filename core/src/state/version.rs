//! One version of a state, and what is said about it: its event, its label and the schema it was validated against.

use super::deadlines::Deadlines;
use super::document::Document;
use super::etag_keys::Keys;
use crate::etag::Etag;

/// One version of a state. In this order, that of C, for the sake of [`State`](crate::state::State).
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Version {
    /// 1 when created, +1 for each commit.
    pub number: u64,
    /// Its document.
    pub document: Document,
    /// When its members lapse, as it was when this was the present version.
    pub deadlines: Deadlines,
    /// The version this one was derived from, 0 for none.
    pub parent: u64,
    /// When it was committed, in Unix milliseconds.
    pub at_ms: i64,
    /// What made it.
    pub event: Event,
    /// Whether the document had a secret in it by the schema it was validated against.
    pub has_secret: bool,
    /// Who is said to have made it.
    pub actor: Option<Box<str>>,
}

impl Version {
    /// The etag of this version in a state with these keys.
    pub(crate) fn etag(&self, keys: Keys) -> Etag {
        Etag { version: self.number, digest: keys.digest(self.number, self.document.text()) }
    }
}

/// A name for a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The name; a state has each name once.
    pub name: Box<str>,
    /// The version it names.
    pub version: u64,
}

/// What made a version, as HISTORY and the audit stream show it.
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
    /// A member has reached its deadline.
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

/// Which schema, at which revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaRef {
    /// The name it is kept by.
    pub name: Box<str>,
    /// 1 for the first text under a name, +1 for each other text set after it.
    pub revision: u64,
    /// xxh3 of its text: a name that was deleted and set again begins with revision 1 again.
    pub digest: u64,
    /// Whether it names secrets: while such a schema is gone, nobody can tell what to hide.
    pub has_secrets: bool,
}
