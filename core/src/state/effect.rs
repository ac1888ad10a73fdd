//! The effects: the only way to change a state.
//!
//! A command is decided into an [`Effect`]; applying it can't fail. The same effect is applied on the primary, sent
//! to replicas and written to the AOF, so all of them end equal, whatever their configuration (invariants I3, I4).

use super::attempts::Attempted;
use super::deadlines::Deadlines;
use super::etag_keys::{Key, Keys};
use super::history::Dropped;
use super::idempotency::Remembered;
use super::packed::Past;
use super::splices::Edits;
use super::version::{Event, Label, SchemaRef, Version};
use super::{Passed, State};
use crate::etag::VERSION_MAX;
use crate::time::TIME_MAX_MS;

/// What happens to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// There is this state now, whatever was there before: creation, and the rewritten AOF.
    Put(Box<State>),
    /// The state has a new version.
    Commit(Box<Commit>),
    /// The present version has a new label.
    Relabel(Relabel),
    /// An operation was tried.
    Attempt(Attempted),
    /// The present version's members lapse at other times.
    Deadlines(Deadlines),
    /// A command with an ID was carried out.
    Remember(Remembered),
}

/// A new version and everything that goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The version.
    pub version: Version,
    /// The digest of its document, as the etag has it.
    pub digest: u64,
    /// The key of that digest, for a state that has none.
    pub(crate) key: Option<Key>,
    /// The schema it obeys, at the revision it was validated against.
    pub schema: Option<SchemaRef>,
    /// A label for it.
    pub label: Option<Box<str>>,
    /// What leaves the history.
    pub dropped: Dropped,
    /// The version before it, packed as a past one. That is done where the commit is decided, while nothing has changed yet: it
    /// takes memory and goes through two texts, and what is left to do then is to move things.
    pub(crate) past: Past,
    /// Where the two documents differ.
    pub(crate) edits: Edits,
}

impl Commit {
    /// A version to come after the present one of `state`, whose etags have these `keys` from now on.
    pub(crate) fn on(
        state: &State,
        version: Version,
        keys: Keys,
        schema: Option<SchemaRef>,
        label: Option<Box<str>>,
        dropped: Dropped,
    ) -> Commit {
        let edits = version.document.edits_since(&state.head.document);
        let past = state.history.pack(&state.head, &edits);
        let digest = version.etag(keys).digest;
        let key = keys.key.filter(|_| state.keys.lack_a_key());
        Commit { version, digest, key, schema, label, dropped, past, edits }
    }
}

/// A label for the present version, without a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relabel {
    /// The label.
    pub label: Box<str>,
    /// What leaves the history.
    pub dropped: Dropped,
}

impl State {
    /// Carries out an effect.
    pub fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Put(state) => *self = *state,
            Effect::Commit(commit) => self.commit(*commit),
            Effect::Relabel(relabel) => self.relabel(relabel),
            Effect::Attempt(attempted) => self.attempt(attempted),
            Effect::Deadlines(deadlines) => self.head.deadlines = deadlines,
            Effect::Remember(remembered) => self.remember(remembered),
        }
    }

    /// Adds a version. The old head becomes the newest past version.
    pub fn commit(&mut self, commit: Commit) {
        let Commit { version, digest, key, schema, label, dropped, past, edits: _ } = commit;
        let label = label.map(|name| Label { name, version: version.number });
        self.digest = digest;
        self.keys.key = self.keys.key.or(key);
        // What a lapse leaves is not validated.
        self.passed = Passed(version.event != Event::Lapse);
        self.head = version;
        self.history.push(past);
        self.history.settle(label, &dropped, &self.head);
        self.schema = schema;
    }

    /// Labels the present version.
    pub fn relabel(&mut self, relabel: Relabel) {
        let label = Label { name: relabel.label, version: self.head.number };
        self.history.settle(Some(label), &relabel.dropped, &self.head);
    }

    /// Counts an attempt.
    pub fn attempt(&mut self, attempted: Attempted) {
        self.attempts.apply(attempted);
    }

    /// Remembers the token of a command.
    pub fn remember(&mut self, remembered: Remembered) {
        self.tokens.apply(remembered);
    }

    /// Whether `effect` may be applied here: an effect from a stream of bytes is not trusted either (invariant I5).
    pub fn admits_commit(&self, commit: &Commit) -> bool {
        let version = &commit.version;
        self.head.number.checked_add(1) == Some(version.number)
            && version.number <= VERSION_MAX
            && version.parent < version.number
            && (0..=TIME_MAX_MS).contains(&version.at_ms)
            && version.deadlines.check_invariants().is_ok()
            && self.labels_survive(commit.label.as_deref(), &commit.dropped)
    }

    /// As [`State::admits_commit`].
    pub fn admits_relabel(&self, relabel: &Relabel) -> bool {
        self.labels_survive(Some(&relabel.label), &relabel.dropped)
    }

    /// As [`State::admits_commit`].
    pub fn admits_attempt(&self, attempted: &Attempted) -> bool {
        self.attempts.admits(attempted)
    }

    /// As [`State::admits_commit`].
    pub fn admits_deadlines(&self, deadlines: &Deadlines) -> bool {
        deadlines.check_invariants().is_ok()
    }

    /// As [`State::admits_commit`].
    pub fn admits_remembered(&self, remembered: &Remembered) -> bool {
        self.tokens.admits(remembered)
    }

    /// Whether every label that stays names a version that stays.
    fn labels_survive(&self, set: Option<&str>, dropped: &Dropped) -> bool {
        let stay = |label: &&Label| Some(&*label.name) != set && !dropped.labels.contains(&label.name);
        self.history.labels.iter().filter(stay).all(|label| !dropped.versions.contains(&label.version))
    }
}
