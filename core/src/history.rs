//! Past versions: which are kept, what they are called, and how one finds them.
//!
//! The newest `state.snapshots` versions are kept, and apart from them each version that a label names. A version is
//! kept as a whole document; who calls can't tell, so a smaller form can take its place.

use std::collections::VecDeque;

use crate::deadlines::Deadlines;
use crate::document::Document;
use crate::etag::Etag;
use crate::limits::Limits;
use crate::state::Event;

/// One version of a state. In this order, that of C, for the sake of [`State`](crate::State).
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

/// A name for a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The name; a state has each name once.
    pub name: Box<str>,
    /// The version it names.
    pub version: u64,
}

/// What a commit drops from the history, decided on the primary and replicated as it is (invariant I4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Labels that go, by name.
    pub labels: Vec<Box<str>>,
    /// Past versions that go.
    pub versions: Vec<u64>,
}

/// The past versions and labels of a state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Oldest first, numbers rising.
    pub(crate) past: VecDeque<Version>,
    /// Set longest ago first.
    pub(crate) labels: Vec<Label>,
}

impl History {
    /// The past version with this number, if it is kept.
    pub fn find(&self, number: u64) -> Option<&Version> {
        let index = self.past.binary_search_by_key(&number, |version| version.number).ok()?;
        self.past.get(index)
    }

    /// The newest label of a version.
    pub fn label_of(&self, number: u64) -> Option<&str> {
        self.labels.iter().rev().find(|label| label.version == number).map(|label| &*label.name)
    }

    /// The version a label names.
    pub fn labelled(&self, name: &str) -> Option<u64> {
        self.labels.iter().find(|label| &*label.name == name).map(|label| label.version)
    }

    /// How many past versions are kept.
    pub fn len(&self) -> usize {
        self.past.len()
    }

    /// Whether no past version is kept.
    pub fn is_empty(&self) -> bool {
        self.past.is_empty()
    }

    /// What has to go once `past` (one more past version, when a commit is under way) and `label` are there.
    pub(crate) fn plan(&self, new_past: Option<u64>, label: Option<Label>, limits: &Limits) -> Dropped {
        let mut labels = self.labels.clone();
        if let Some(label) = label {
            labels.retain(|old| old.name != label.name);
            labels.push(label);
        }
        let surplus = labels.len().saturating_sub(limits.labels);
        let kept = labels.split_off(surplus);
        let is_labelled = |number: u64| kept.iter().any(|label| label.version == number);
        let numbers = self.past.iter().map(|version| version.number).chain(new_past);
        let unlabelled: Vec<u64> = numbers.filter(|number| !is_labelled(*number)).collect();
        let surplus = unlabelled.len().saturating_sub(limits.snapshots);
        Dropped {
            labels: labels.into_iter().map(|label| label.name).collect(),
            versions: unlabelled.into_iter().take(surplus).collect(),
        }
    }

    /// Sets a label, then drops what was planned.
    pub(crate) fn settle(&mut self, label: Option<Label>, dropped: &Dropped) {
        if let Some(label) = label {
            self.labels.retain(|old| old.name != label.name);
            self.labels.push(label);
        }
        self.labels.retain(|label| !dropped.labels.contains(&label.name));
        if !dropped.versions.is_empty() {
            self.past.retain(|version| !dropped.versions.contains(&version.number));
        }
    }

    /// Every kept version, the given present one included, as ranges: `2, 5..12`.
    pub(crate) fn kept(&self, present: u64) -> String {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for number in self.past.iter().map(|version| version.number).chain([present]) {
            match ranges.last_mut() {
                Some((_, last)) if last.saturating_add(1) == number => *last = number,
                _ => ranges.push((number, number)),
            }
        }
        let shown = ranges
            .iter()
            .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}..{last}") });
        shown.collect::<Vec<_>>().join(", ")
    }
}

impl Version {
    /// The etag of this version in a state with this seed.
    pub fn etag(&self, seed: u64) -> Etag {
        Etag { version: self.number, digest: Etag::digest(seed, self.document.text()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: u64) -> Version {
        let document = Document::from_stored(b"{}").expect("an object");
        let parent = number.saturating_sub(1);
        Version {
            number,
            parent,
            at_ms: 0,
            event: Event::Update,
            actor: None,
            has_secret: false,
            deadlines: Deadlines::default(),
            document,
        }
    }

    fn label(name: &str, version: u64) -> Label {
        Label { name: name.into(), version }
    }

    fn history(numbers: &[u64], labels: &[(&str, u64)]) -> History {
        let past = numbers.iter().copied().map(version).collect();
        History { past, labels: labels.iter().map(|(name, version)| label(name, *version)).collect() }
    }

    const LIMITS: fn(usize, usize) -> Limits =
        |snapshots, labels| Limits { snapshots, labels, ..LIMITS_DEFAULT };
    const LIMITS_DEFAULT: Limits = Limits {
        snapshots: 10,
        labels: 8,
        bytes_max: 1024,
        depth_max: 64,
        default_ttl_ms: 1,
        attempts_history: 0,
        idempotency_ids: 0,
        audit_patch_bytes: 0,
        audit_document_bytes: 0,
    };

    #[test]
    fn the_newest_unlabelled_versions_stay() {
        let history = history(&[1, 2, 3], &[("offer", 1)]);
        assert_eq!(history.plan(Some(4), None, &LIMITS(2, 8)).versions, [2]);
        assert_eq!(history.plan(Some(4), None, &LIMITS(0, 8)).versions, [2, 3, 4]);
        assert_eq!(history.plan(Some(4), None, &LIMITS(3, 8)), Dropped::default());
    }

    #[test]
    fn a_label_that_moves_frees_its_version() {
        let mut history = history(&[1, 2, 3], &[("offer", 1), ("login", 2)]);
        let moved = label("offer", 4);
        let dropped = history.plan(None, Some(moved.clone()), &LIMITS(1, 8));
        assert_eq!(dropped, Dropped { labels: vec![], versions: vec![1] });
        history.settle(Some(moved), &dropped);
        assert_eq!(history.labelled("offer"), Some(4));
        assert_eq!(history.kept(4), "2..4");
    }

    #[test]
    fn one_label_too_many_drops_the_one_set_longest_ago() {
        let history = history(&[1, 2, 3], &[("offer", 1), ("login", 2)]);
        let dropped = history.plan(Some(4), Some(label("menu", 5)), &LIMITS(2, 2));
        assert_eq!(dropped, Dropped { labels: vec!["offer".into()], versions: vec![1] });
        let again = history.plan(Some(4), Some(label("offer", 5)), &LIMITS(9, 2));
        assert_eq!(again, Dropped::default());
    }

    #[test]
    fn kept_versions_are_shown_as_ranges() {
        assert_eq!(history(&[], &[]).kept(1), "1");
        assert_eq!(history(&[2, 5, 6, 7], &[]).kept(8), "2, 5..8");
    }
}
