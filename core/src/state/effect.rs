//! The effects: the only way to change a state, except for the last audit entry that it remembers
//! in a cluster.
//!
//! A command is decided into [`Effect`]s; applying one can't fail. The primary applies the same
//! effects that it sends to replicas and writes to the AOF, so all of them reach the same state,
//! whatever their configuration (invariants I3, I4).

use super::attempts::Attempted;
use super::deadlines::Deadlines;
use super::etag_keys::{EtagKeys, Key};
use super::history::Dropped;
use super::idempotency::Remembered;
use super::snapshot::Snapshot;
use super::splices::Edits;
use super::version::{Event, Label, SchemaRef, Version};
use super::{Passed, State};
use crate::error::Error;
use crate::time::TIME_MAX_MS;
use redis_state_types::VERSION_MAX;

/// A change of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Replaces the state: a creation, and each key of a rewritten AOF.
    Put(Box<State>),
    /// Adds a version.
    Commit(Box<Commit>),
    /// Labels the present version.
    Relabel(Relabel),
    /// Counts an attempt.
    Attempt(Attempted),
    /// Moves the deadlines of the present version.
    Deadlines(Deadlines),
    /// Remembers the token of a command with an ID.
    Remember(Remembered),
}

/// Effects that may be combined: at most one of each group, in this order. Each effect is checked
/// against the state before all of them, so no two may change the same part of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Document,
    Attempts,
    Deadlines,
    Tokens,
}

impl Effect {
    /// Checks that all effects can be applied to `state`, or to a key without one. A replica, and a
    /// server that loads an AOF, call it, because they trust no byte (invariant I5); a decision
    /// makes only effects that pass.
    ///
    /// Errors: [`Error::EffectMismatch`].
    pub fn admit(effects: &[Effect], state: Option<&State>) -> Result<(), Error> {
        let mismatch = |reason| Err(Error::EffectMismatch(reason));
        if !effects.is_sorted_by(|first, then| first.group() < then.group()) {
            return mismatch("two effects change the same part of it, or they are out of order");
        }
        if effects.len() > 1 && effects.iter().any(|effect| matches!(effect, Effect::Put(_))) {
            return mismatch("a whole state stands alone");
        }
        for effect in effects {
            let is_admitted = match (effect, state) {
                (Effect::Put(_), _) => true,
                (_, None) => return mismatch("there is no state"),
                (Effect::Commit(commit), Some(state)) => state.admits_commit(commit),
                (Effect::Relabel(relabel), Some(state)) => state.admits_relabel(relabel),
                (Effect::Attempt(attempted), Some(state)) => state.admits_attempt(attempted),
                (Effect::Deadlines(deadlines), Some(_)) => deadlines.check_invariants().is_ok(),
                (Effect::Remember(remembered), Some(state)) => state.tokens.admits(remembered),
            };
            if !is_admitted {
                return mismatch(effect.mismatch());
            }
        }
        Ok(())
    }

    fn group(&self) -> Group {
        match self {
            Effect::Put(_) | Effect::Commit(_) | Effect::Relabel(_) => Group::Document,
            Effect::Attempt(_) => Group::Attempts,
            Effect::Deadlines(_) => Group::Deadlines,
            Effect::Remember(_) => Group::Tokens,
        }
    }

    /// Why a state rejects this effect.
    fn mismatch(&self) -> &'static str {
        match self {
            Effect::Put(_) => "it is no state",
            Effect::Commit(_) => "the commit does not follow its version, or drops a labelled one",
            Effect::Relabel(_) => "the label drops a version that another label names",
            Effect::Attempt(_) => "the attempt is of one operation too many, or its time is out of range",
            Effect::Deadlines(_) => "the deadlines are not sorted, or out of range",
            Effect::Remember(_) => "the token is remembered already, or its reply is out of range",
        }
    }
}

/// A new version and what comes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The version.
    pub version: Version,
    /// The digest of its document, as the etag has it.
    pub digest: u64,
    /// The hash key of that digest, for a state without one.
    pub(crate) key: Option<Key>,
    /// The schema of the state, at the revision that the document was validated against.
    pub schema: Option<SchemaRef>,
    /// A label for the version.
    pub label: Option<Box<str>>,
    /// The snapshots and labels that the commit drops: those above the limits, and those whose
    /// secrets a new schema would not mask.
    pub dropped: Dropped,
    /// What becomes of the version before it. The commit packs snapshots when it is decided, before
    /// anything changes: packing allocates and compares two texts, and only moves are left for
    /// later.
    pub(crate) former: Former,
    /// Where the two documents differ.
    pub(crate) edits: Edits,
}

/// What becomes of the present version when the next one is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Former {
    /// It becomes this snapshot.
    Kept(Snapshot),
    /// It is dropped: its turn goes on, or no snapshot is kept. The newest snapshot, if it is
    /// splices, is packed anew, for the new version.
    Dropped(Option<Snapshot>),
}

impl Commit {
    /// The version that follows the present one of `state`; `keys` make the etags from then on.
    pub(crate) fn on(
        state: &State,
        version: Version,
        keys: EtagKeys,
        schema: Option<SchemaRef>,
        label: Option<Box<str>>,
        dropped: Dropped,
    ) -> Commit {
        let edits = version.document.edits_since(&state.head.document);
        let former = if dropped.versions.contains(&state.head.number) {
            Former::Dropped(state.history.repack_newest(&state.head, &version))
        } else {
            Former::Kept(state.history.pack(&state.head, &edits))
        };
        let digest = version.etag(keys).digest;
        let key = keys.key.filter(|_| state.etag_keys.have_no_hash_key());
        Commit { version, digest, key, schema, label, dropped, former, edits }
    }
}

/// A label for the present version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relabel {
    /// The label.
    pub label: Box<str>,
    /// The snapshots and labels beyond the limits once this label is set.
    pub dropped: Dropped,
}

impl State {
    /// Applies an effect.
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

    /// Adds a version. The old head becomes the newest snapshot, or is dropped.
    pub fn commit(&mut self, commit: Commit) {
        let Commit { version, digest, key, schema, label, dropped, former, edits: _ } = commit;
        let label = label.map(|name| Label { name, version: version.number });
        self.digest = digest;
        self.etag_keys.key = self.etag_keys.key.or(key);
        // Whether the next update may validate only its differences: not after a lapse, whose
        // document may be invalid.
        self.passed = Passed(version.event != Event::Lapse);
        self.head = version;
        match former {
            Former::Kept(snapshot) => self.history.push(snapshot),
            Former::Dropped(newest) => self.history.replace_newest(newest),
        }
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

    fn admits_commit(&self, commit: &Commit) -> bool {
        let version = &commit.version;
        self.head.number.checked_add(1) == Some(version.number)
            && version.number <= VERSION_MAX
            && version.parent < version.number
            && (0..=TIME_MAX_MS).contains(&version.at_ms)
            && version.deadlines.check_invariants().is_ok()
            && self.labels_survive(commit.label.as_deref(), &commit.dropped)
    }

    fn admits_relabel(&self, relabel: &Relabel) -> bool {
        self.labels_survive(Some(&relabel.label), &relabel.dropped)
    }

    /// Whether this attempt can be counted.
    pub(crate) fn admits_attempt(&self, attempted: &Attempted) -> bool {
        self.attempts.admits(attempted)
    }

    /// Whether every remaining label names a remaining version.
    fn labels_survive(&self, set: Option<&str>, dropped: &Dropped) -> bool {
        let stay = |label: &&Label| Some(&*label.name) != set && !dropped.labels.contains(&label.name);
        self.history.labels.iter().filter(stay).all(|label| !dropped.versions.contains(&label.version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::attempts::{Attempt, Tally};
    use crate::state::document::Document;
    use crate::state::idempotency::{Made, Token};

    fn version(number: u64) -> Version {
        Version {
            number,
            parent: number - 1,
            at_ms: 1_741_058_499_570,
            event: Event::Update,
            actor: None,
            turn: None,
            has_secret: false,
            deadlines: Deadlines::default(),
            document: Document::empty(),
        }
    }

    fn state() -> State {
        State::new(EtagKeys::from_random([0x5eed, 1, 2]), 1_741_058_499_570, None, version(4))
    }

    fn commit(state: &State, number: u64) -> Effect {
        let commit = Commit::on(state, version(number), state.etag_keys, None, None, Dropped::default());
        Effect::Commit(Box::new(commit))
    }

    fn attempt() -> Effect {
        let attempt = Attempt {
            operation: "confirm".into(),
            component: None,
            at_ms: 1_741_058_499_570,
            success: true,
            error: None,
        };
        Effect::Attempt(Attempted { tally: Tally::Success, attempt, history_max: 10 })
    }

    fn remember(name: &str) -> Effect {
        let token = Token { name: name.into(), digest: 1, made: Made::Attempts(1), owner: None };
        Effect::Remember(Remembered { token, kept_max: 64 })
    }

    fn relabel() -> Effect {
        Effect::Relabel(Relabel { label: "offer".into(), dropped: Dropped::default() })
    }

    fn deadlines() -> Effect {
        Effect::Deadlines(Deadlines::default())
    }

    #[test]
    fn effects_of_different_groups_stand_together_in_order() {
        let state = state();
        let together = [commit(&state, 5), attempt(), deadlines(), remember("wamid.1")];
        assert_eq!(Effect::admit(&together, Some(&state)), Ok(()));
        assert_eq!(Effect::admit(&[], None), Ok(()));
        let backwards = [attempt(), commit(&state, 5)];
        let twice = [attempt(), attempt()];
        let both = [commit(&state, 5), relabel()];
        for effects in [&backwards, &twice, &both] {
            assert!(Effect::admit(effects, Some(&state)).is_err(), "{effects:?}");
        }
    }

    #[test]
    fn whole_state_stands_alone() {
        let put = || Effect::Put(Box::new(state()));
        assert_eq!(Effect::admit(&[put()], None), Ok(()));
        assert_eq!(Effect::admit(&[put()], Some(&state())), Ok(()));
        assert!(Effect::admit(&[put(), attempt()], Some(&state())).is_err());
        assert!(Effect::admit(&[put(), attempt()], None).is_err());
    }

    #[test]
    fn effect_on_a_missing_state_is_rejected() {
        for effect in [commit(&state(), 5), relabel(), attempt(), deadlines(), remember("wamid.1")] {
            let error = Effect::admit(&[effect], None).expect_err("no state");
            assert_eq!(
                error.to_string(),
                "ERR the effect does not fit the state it is for: there is no state"
            );
        }
    }

    #[test]
    fn effect_that_the_state_does_not_admit_is_rejected() {
        let mut state = state();
        assert!(Effect::admit(&[commit(&state, 6)], Some(&state)).is_err());
        assert_eq!(Effect::admit(&[remember("wamid.1")], Some(&state)), Ok(()));
        state.apply(remember("wamid.1"));
        assert!(Effect::admit(&[remember("wamid.1")], Some(&state)).is_err());
        state.relabel(Relabel { label: "offer".into(), dropped: Dropped::default() });
        let dropped = Dropped { labels: vec![], versions: vec![4] };
        let other = Effect::Relabel(Relabel { label: "menu".into(), dropped });
        assert!(Effect::admit(&[other], Some(&state)).is_err());
    }
}
