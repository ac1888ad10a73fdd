//! A state: a document with its version, and its history, attempts and tokens.

pub(crate) mod attempts;
pub(crate) mod deadlines;
pub(crate) mod document;
pub(crate) mod effect;
pub(crate) mod etag_keys;
pub(crate) mod history;
pub(crate) mod idempotency;
pub(crate) mod last_entry;
pub(crate) mod snapshot;
pub(crate) mod splices;
pub(crate) mod version;

use std::borrow::Cow;

use crate::state::attempts::{Attempt, Attempts, Counter};
use crate::state::deadlines::Deadline;
use crate::state::etag_keys::EtagKeys;
use crate::state::history::History;
use crate::state::idempotency::Tokens;
use crate::state::last_entry::LastEntry;
use crate::state::snapshot::{Places, Snapshot};
use crate::state::version::{Label, SchemaRef, Version};
use crate::time::TIME_MAX_MS;
use redis_state_types::{Etag, VERSION_MAX};

/// Whether the present document was validated here, against the very text of the state's schema.
/// Not part of the value: it is not stored, and does not count in comparisons.
#[derive(Clone, Copy, Debug)]
struct Passed(bool);

impl PartialEq for Passed {
    fn eq(&self, _: &Passed) -> bool {
        true
    }
}

impl Eq for Passed {}

/// The value of one key. In C order: the fields of every read come first and share cache lines.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct State {
    /// The digest of the head's document: every read returns the etag.
    pub(crate) digest: u64,
    pub(crate) head: Version,
    pub(crate) etag_keys: EtagKeys,
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
    pub(crate) fn new(
        etag_keys: EtagKeys,
        initialized_at_ms: i64,
        schema: Option<SchemaRef>,
        head: Version,
    ) -> State {
        let digest = head.etag(etag_keys).digest;
        let (history, attempts, tokens) = (History::default(), Attempts::default(), Tokens::default());
        let passed = Passed(true);
        State {
            etag_keys,
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

    /// The etag of a version.
    pub fn etag_of(&self, version: &Version) -> Etag {
        version.etag(self.etag_keys)
    }

    /// The keys of its etags.
    pub fn etag_keys(&self) -> EtagKeys {
        self.etag_keys
    }

    /// The present version.
    pub fn head(&self) -> &Version {
        &self.head
    }

    /// The snapshots and labels.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The attempts at operations.
    pub fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// The present version and the snapshots, newest first.
    pub fn versions(&self) -> impl Iterator<Item = Cow<'_, Version>> {
        std::iter::once(Cow::Borrowed(&self.head))
            .chain(self.history.newest_first(&self.head).map(Cow::Owned))
    }

    /// The version with this number, the present one or a snapshot.
    pub fn find(&self, number: u64) -> Option<Cow<'_, Version>> {
        if number == self.head.number {
            Some(Cow::Borrowed(&self.head))
        } else {
            self.snapshot(number).map(Cow::Owned)
        }
    }

    /// The snapshot with this number.
    pub(crate) fn snapshot(&self, number: u64) -> Option<Version> {
        self.history.find(number, &self.head)
    }

    /// The versions that are kept, as ranges.
    pub fn kept(&self) -> String {
        self.history.kept(self.head.number)
    }

    /// The schema of this state.
    pub fn schema(&self) -> Option<&SchemaRef> {
        self.schema.as_ref()
    }

    /// Whether the present document has passed this schema, so that only changes need validation. A
    /// decoded document has not: its bytes may be corrupt, or from a release that validated
    /// differently.
    pub(crate) fn has_passed(&self, schema: &SchemaRef) -> bool {
        self.passed.0 && self.schema.as_ref() == Some(schema)
    }

    /// Marks the present document as not validated.
    pub(crate) fn forget_passed(&mut self) {
        self.passed = Passed(false);
    }

    /// When the state was created, in Unix milliseconds.
    pub fn initialized_at_ms(&self) -> i64 {
        self.initialized_at_ms
    }

    /// The newest entry of its audit stream, in a cluster.
    pub fn last_entry(&self) -> Option<LastEntry> {
        self.last_entry
    }

    /// Sets the newest entry of its audit stream; `None` for a state without one.
    pub fn set_last_entry(&mut self, last: Option<LastEntry>) {
        self.last_entry = last;
    }

    /// The sizes of the memory blocks of this state, itself included.
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
        let snapshot = self.history.snapshots.iter().map(|snapshot| snapshot.parts().1.len());
        let places = self.history.places().flat_map(|places| {
            let list = places.len().saturating_mul(size_of::<Box<str>>());
            // An Arc keeps its counts in front of the value.
            let shared = size_of::<Places>().saturating_add(size_of::<[usize; 2]>());
            places.iter().map(|place| place.len()).chain([list, shared])
        });
        let versions = head.chain(snapshot);
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
            self.history.snapshots.capacity().saturating_mul(size_of::<Snapshot>()),
            self.history.labels.capacity().saturating_mul(size_of::<Label>()),
            self.schema.as_ref().map_or(0, |schema| schema.name.len()),
        ];
        let attempts = counters.chain(attempts);
        let tokens = self.tokens.heap_blocks_bytes();
        let versions = versions.chain(places).chain(labels);
        versions.chain(attempts).chain(tokens).chain(tables).filter(|bytes| *bytes > 0)
    }

    /// Checks what must hold for every state; returns the rule that is broken. Decoding relies on
    /// it (invariant I5).
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
}
