//! The outcome of a command: what it writes, and its reply.

use crate::audit::entry::Entry;
use crate::error::Error;
use crate::rung::Rung;
use crate::state::State;
use crate::state::effect::Effect;
use crate::state::version::{Event, SchemaRef, Version};
use redis_state_types::Etag;

/// The outcome of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome<T = Etag> {
    /// The writes, in order: due lapses first, then those of the command. A rejected command writes
    /// too: its audit entry, and the failed attempt.
    pub writes: Vec<Write>,
    /// How it was decided.
    pub course: Course,
    /// The reply.
    pub reply: Result<T, Error>,
}

/// One write of a key and its audit stream: all of it or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Changes the state, its expiry or both, or only adds an audit entry.
    Change(StateChange),
    /// Adds the audit entry of a rejection, or of a failed rung of a recovery.
    Reject {
        /// The entry.
        entry: Entry,
        /// Replaces `entry` once `state.audit-rejects` rejections have followed the last commit.
        /// Later ones get no entry.
        suppressed: Entry,
    },
    /// Deletes the state.
    Delete {
        /// The audit entry; `None` with PURGE, which deletes the audit stream as well.
        entry: Option<Entry>,
    },
}

/// A change of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// The effects on the state, in order; they are replicated as one.
    pub effects: Vec<Effect>,
    /// The new expiry of the key, in Unix milliseconds; `None` for never.
    pub expires_at_ms: Option<i64>,
    /// The audit entry.
    pub entry: Option<Entry>,
    /// The keyspace event: of a new version, and of each recovery.
    pub event: Option<Event>,
}

/// How an outcome was decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Course {
    /// For the expected version; or an error that the audit stream does not record.
    #[default]
    Plain,
    /// A repeated request, with its first reply: it writes nothing but due lapses.
    Replayed,
    /// For an earlier version, and rebased onto the present one.
    Rebased,
    /// By this rung of a recovery.
    Recovered(Rung),
    /// A recovery without a successful rung.
    NotRecovered,
    /// A rejection, or a conflict.
    Rejected,
}

impl<T> Outcome<T> {
    /// A command with one change.
    pub(super) fn of_change(change: StateChange, reply: T) -> Outcome<T> {
        Outcome { writes: vec![Write::Change(change)], course: Course::Plain, reply: Ok(reply) }
    }

    /// A command that writes nothing.
    pub(super) fn without_writes(reply: T) -> Outcome<T> {
        Outcome { writes: Vec::new(), course: Course::Plain, reply: Ok(reply) }
    }

    /// An error that is not recorded.
    pub(super) fn failed(error: Error) -> Outcome<T> {
        Outcome { writes: Vec::new(), course: Course::Plain, reply: Err(error) }
    }

    /// The outcome with these writes before its own.
    pub(super) fn preceded_by(mut self, lapses: Vec<Write>) -> Outcome<T> {
        if !lapses.is_empty() {
            self.writes.splice(..0, lapses);
        }
        self
    }

    /// The command's own change: the last write.
    pub(super) fn own_change_mut(&mut self) -> Option<&mut StateChange> {
        match self.writes.last_mut()? {
            Write::Change(change) => Some(change),
            Write::Reject { .. } | Write::Delete { .. } => None,
        }
    }

    /// The schema and the present version after the writes, given the state before.
    pub fn resulting_version<'a>(
        &'a self,
        before: Option<&'a State>,
    ) -> Option<(Option<&'a SchemaRef>, &'a Version)> {
        let state_changes = self.writes.iter().rev().filter_map(|write| match write {
            Write::Change(change) => Some(change),
            Write::Reject { .. } | Write::Delete { .. } => None,
        });
        let after = state_changes.flat_map(|change| &change.effects).find_map(|effect| match effect {
            Effect::Put(state) => Some((state.schema(), state.head())),
            Effect::Commit(commit) => Some((commit.schema.as_ref(), &commit.version)),
            Effect::Relabel(_) | Effect::Attempt(_) | Effect::Deadlines(_) | Effect::Remember(_) => None,
        });
        after.or(before.map(|state| (state.schema(), state.head())))
    }
}
