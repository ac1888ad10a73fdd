//! A state, and the effects that are the only way to change one.
//!
//! A command is decided into an [`Effect`]; applying it can't fail. The same effect is applied on the primary, sent
//! to replicas and written to the AOF, so all of them end equal, whatever their configuration (invariants I3, I4).

pub(crate) mod attempts;
pub(crate) mod deadlines;
pub(crate) mod document;
pub(crate) mod etag_keys;
pub(crate) mod history;
pub(crate) mod idempotency;
pub(crate) mod last_entry;
pub(crate) mod packed;
pub(crate) mod splices;

use std::borrow::Cow;

use crate::etag::{Etag, VERSION_MAX};
use crate::schema::compiled::SchemaRef;
use crate::state::attempts::{Attempt, Attempted, Attempts, Counter};
use crate::state::deadlines::{Deadline, Deadlines};
use crate::state::etag_keys::{Key, Keys};
use crate::state::history::{Dropped, History, Label, Version};
use crate::state::idempotency::{Remembered, Tokens};
use crate::state::last_entry::LastEntry;
use crate::state::packed::{Past, Places};
use crate::state::splices::Edits;
use crate::time::TIME_MAX_MS;

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

/// Whether the present document was validated here, and by the very text of the schema that the state obeys. It is not a part of
/// what a state is: two states are equal whatever it says, and it is not stored.
#[derive(Clone, Copy, Debug)]
struct Passed(bool);

impl PartialEq for Passed {
    fn eq(&self, _: &Passed) -> bool {
        true
    }
}

impl Eq for Passed {}

/// The value under one key. In this order, that of C: what every read looks at comes first and lies together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct State {
    /// The digest of the head's document: an etag is asked for at every read.
    pub(crate) digest: u64,
    pub(crate) head: Version,
    pub(crate) keys: Keys,
    pub(crate) initialized_at_ms: i64,
    pub(crate) schema: Option<SchemaRef>,
    passed: Passed,
    pub(crate) history: History,
    pub(crate) attempts: Attempts,
    pub(crate) tokens: Tokens,
    /// The newest entry of its audit stream; only in a cluster.
    pub(crate) last_entry: Option<LastEntry>,
}

impl State {
    /// A state from its parts.
    pub(crate) fn new(keys: Keys, initialized_at_ms: i64, schema: Option<SchemaRef>, head: Version) -> State {
        let digest = head.etag(keys).digest;
        let (history, attempts, tokens) = (History::default(), Attempts::default(), Tokens::default());
        let passed = Passed(true);
        State {
            keys,
            initialized_at_ms,
            schema,
            passed,
            head,
            history,
            attempts,
            tokens,
            last_entry: None,
            digest,
        }
    }

    /// The present etag.
    pub fn etag(&self) -> Etag {
        Etag { version: self.head.number, digest: self.digest }
    }

    /// The etag of a kept version.
    pub fn etag_of(&self, version: &Version) -> Etag {
        version.etag(self.keys)
    }

    /// What its etags are made with.
    pub fn keys(&self) -> Keys {
        self.keys
    }

    /// The present version.
    pub fn head(&self) -> &Version {
        &self.head
    }

    /// The past versions and labels.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// How often operations were tried.
    pub fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// Every kept version, the present one first, then newest to oldest.
    pub fn versions(&self) -> impl Iterator<Item = Cow<'_, Version>> {
        std::iter::once(Cow::Borrowed(&self.head))
            .chain(self.history.newest_first(&self.head).map(Cow::Owned))
    }

    /// A kept version, the present one included.
    pub fn find(&self, number: u64) -> Option<Cow<'_, Version>> {
        if number == self.head.number {
            Some(Cow::Borrowed(&self.head))
        } else {
            self.past(number).map(Cow::Owned)
        }
    }

    /// A kept version before the present one.
    pub(crate) fn past(&self, number: u64) -> Option<Version> {
        self.history.find(number, &self.head)
    }

    /// The versions that are kept, as ranges.
    pub fn kept(&self) -> String {
        self.history.kept(self.head.number)
    }

    /// The schema this state obeys.
    pub fn schema(&self) -> Option<&SchemaRef> {
        self.schema.as_ref()
    }

    /// Whether the present document has passed this schema, as whoever validates only what changes has to know. What was
    /// decoded has not: its bytes may say anything, or come from a release that validated otherwise.
    pub(crate) fn has_passed(&self, schema: &SchemaRef) -> bool {
        self.passed.0 && self.schema.as_ref() == Some(schema)
    }

    /// Trusts the present document no more.
    pub(crate) fn forget_passed(&mut self) {
        self.passed = Passed(false);
    }

    /// When the state was created, in Unix milliseconds.
    pub fn initialized_at_ms(&self) -> i64 {
        self.initialized_at_ms
    }

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

    /// The newest entry of its audit stream, where that is remembered.
    pub fn last_entry(&self) -> Option<LastEntry> {
        self.last_entry
    }

    /// Remembers the newest entry, or forgets it for a state that has no stream.
    pub fn set_last_entry(&mut self, last: Option<LastEntry>) {
        self.last_entry = last;
    }

    /// Remembers the token of a command.
    pub fn remember(&mut self, remembered: Remembered) {
        self.tokens.apply(remembered);
    }

    /// The sizes of the memory blocks that this state holds, itself included.
    pub fn heap_blocks_bytes(&self) -> impl Iterator<Item = usize> {
        let deadlines = &self.head.deadlines;
        let head = [
            self.head.actor.as_ref().map_or(0, |actor| actor.len()),
            deadlines.iter().len().saturating_mul(size_of::<Deadline>()),
        ];
        let head = head
            .into_iter()
            .chain(self.head.document.heap_blocks_bytes())
            .chain(deadlines.iter().map(|deadline| deadline.place.len()));
        let past = self.history.past.iter().map(|past| past.parts().1.len());
        let places = self.history.places().flat_map(|places| {
            let list = places.len().saturating_mul(size_of::<Box<str>>());
            // The counts of an Arc stand before what it holds.
            let shared = size_of::<Places>().saturating_add(size_of::<[usize; 2]>());
            places.iter().map(|place| place.len()).chain([list, shared])
        });
        let versions = head.chain(past);
        let labels = self.history.labels.iter().map(|label| label.name.len());
        let counters = self.attempts.counters.iter().map(|counter| counter.operation.len());
        let attempts = self.attempts.history.iter().flat_map(|attempt| {
            let texts = [attempt.component.as_ref(), attempt.error.as_ref()].into_iter().flatten();
            texts.map(|text| text.len()).chain([attempt.operation.len()])
        });
        let tables = [
            size_of::<State>(),
            self.attempts.counters.capacity().saturating_mul(size_of::<Counter>()),
            self.attempts.history.capacity().saturating_mul(size_of::<Attempt>()),
            self.history.past.capacity().saturating_mul(size_of::<Past>()),
            self.history.labels.capacity().saturating_mul(size_of::<Label>()),
            self.schema.as_ref().map_or(0, |schema| schema.name.len()),
        ];
        let attempts = counters.chain(attempts);
        let tokens = self.tokens.heap_blocks_bytes();
        let versions = versions.chain(places).chain(labels);
        versions.chain(attempts).chain(tokens).chain(tables).filter(|bytes| *bytes > 0)
    }

    /// Checks what must hold for every state; returns what does not. Decoding relies on it (invariant I5).
    pub(crate) fn check_invariants(&self) -> Result<(), &'static str> {
        self.history.check_invariants(&self.head)?;
        let mut next = self.head.number.saturating_add(1);
        for version in self.versions() {
            if version.number >= next {
                return Err("versions do not rise");
            }
            if version.parent >= version.number {
                return Err("a version is its own ancestor");
            }
            if !(0..=TIME_MAX_MS).contains(&version.at_ms) {
                return Err("a time is out of range");
            }
            version.deadlines.check_invariants()?;
            next = version.number;
        }
        if next == 0 || self.head.number > VERSION_MAX || !(0..=TIME_MAX_MS).contains(&self.initialized_at_ms)
        {
            return Err("a number is out of range");
        }
        self.attempts.check_invariants()?;
        self.tokens.check_invariants()?;
        for (index, label) in self.history.labels.iter().enumerate() {
            let repeated = self.history.labels.iter().take(index).any(|earlier| earlier.name == label.name);
            let names_one = label.version == self.head.number || self.history.keeps(label.version);
            if repeated || !names_one {
                return Err("a label names no version, or two");
            }
        }
        Ok(())
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
