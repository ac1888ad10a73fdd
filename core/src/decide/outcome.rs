//! The outcome of a command.

use crate::audit::entry::Entry;
use crate::etag::Etag;
use crate::state::State;
use crate::state::effect::Effect;
use crate::state::idempotency::Made;
use crate::state::version::{Event, SchemaRef, Version};

/// The outcome of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The effects on the state, in order; empty for a command that changes nothing.
    pub effects: Vec<Effect>,
    /// The event of the new version, if there is one.
    pub event: Option<Event>,
    /// The etag after the effects.
    pub etag: Etag,
    /// The new expiry of the key.
    pub expires_at_ms: Option<i64>,
    /// The audit entry.
    pub entry: Option<Entry>,
    /// How it was decided.
    pub course: Course,
}

/// How an outcome was decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Course {
    /// For the expected version.
    #[default]
    Plain,
    /// A repeated request, with this first reply; nothing is applied.
    Replayed(Made),
    /// For an earlier version, and rebased onto the present one.
    Rebased,
}

impl Outcome {
    /// The schema and the present version after the effects, given the state before.
    pub fn after<'a>(&'a self, before: Option<&'a State>) -> Option<(Option<&'a SchemaRef>, &'a Version)> {
        let after = self.effects.iter().find_map(|effect| match effect {
            Effect::Put(state) => Some((state.schema(), state.head())),
            Effect::Commit(commit) => Some((commit.schema.as_ref(), &commit.version)),
            Effect::Relabel(_) | Effect::Attempt(_) | Effect::Deadlines(_) | Effect::Remember(_) => None,
        });
        after.or(before.map(|state| (state.schema(), state.head())))
    }
}
