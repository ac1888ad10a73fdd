//! What a command comes to.

use crate::audit::entry::Entry;
use crate::etag::Etag;
use crate::state::State;
use crate::state::effect::Effect;
use crate::state::idempotency::Made;
use crate::state::version::{Event, SchemaRef, Version};

/// What a command comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What happens to the state, in order; empty when it stays as it is.
    pub effects: Vec<Effect>,
    /// The event of the new version, if there is one.
    pub event: Option<Event>,
    /// The etag of the state once this is carried out.
    pub etag: Etag,
    /// When the key expires from now on.
    pub expires_at_ms: Option<i64>,
    /// What the audit stream says about it.
    pub entry: Option<Entry>,
    /// How it came about.
    pub course: Course,
}

/// How an outcome came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Course {
    /// From the state that was expected.
    #[default]
    Plain,
    /// The command was carried out before, with this reply; nothing happens now.
    Replayed(Made),
    /// The change was made for an earlier version and had nothing to do with what came between.
    Rebased,
}

impl Outcome {
    /// The schema and the present version once this is carried out, given the state before.
    pub fn after<'a>(&'a self, before: Option<&'a State>) -> Option<(Option<&'a SchemaRef>, &'a Version)> {
        let after = self.effects.iter().find_map(|effect| match effect {
            Effect::Put(state) => Some((state.schema(), state.head())),
            Effect::Commit(commit) => Some((commit.schema.as_ref(), &commit.version)),
            Effect::Relabel(_) | Effect::Attempt(_) | Effect::Deadlines(_) | Effect::Remember(_) => None,
        });
        after.or(before.map(|state| (state.schema(), state.head())))
    }
}
