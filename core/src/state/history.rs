//! The snapshots of a state: which are kept, their labels, and how to find one.
//!
//! A state keeps the newest `state.snapshots` versions and each version with a label, in a ring, so
//! that dropping the oldest moves no other. Each snapshot is packed as splices of the next newer
//! version (`snapshot`), and unpacked when it is read. Dropping a version between two others packs
//! the older one whole; it stays whole.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use super::snapshot::{CHAIN_MAX, Places, Snapshot};
use super::splices::Edits;
use crate::limits::Limits;
use crate::state::version::{Label, Version};

/// What a commit drops from the history, decided on the primary and replicated unchanged (invariant
/// I4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Dropped labels, by name.
    pub labels: Vec<Box<str>>,
    /// Dropped snapshots, by version.
    pub versions: Vec<u64>,
}

/// The snapshots and labels of a state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Oldest first, numbers rising.
    pub(crate) snapshots: VecDeque<Snapshot>,
    /// Oldest label first.
    pub(crate) labels: Vec<Label>,
}

impl History {
    /// The snapshot of a version, if it is kept. `head` is the present version.
    pub(crate) fn find(&self, number: u64, head: &Version) -> Option<Version> {
        let index = self.snapshots.binary_search_by_key(&number, Snapshot::number).ok()?;
        let newer = self.snapshots.iter().skip(index);
        let apart = newer.take_while(|snapshot| !snapshot.is_whole()).count();
        let begin = index.saturating_add(apart).min(self.snapshots.len().saturating_sub(1));
        let mut version: Option<Version> = None;
        for index in (index..=begin).rev() {
            version = Some(self.snapshots.get(index)?.unpack(version.as_ref().unwrap_or(head))?);
        }
        version
    }

    /// Whether the snapshot of a version is kept.
    pub(crate) fn keeps(&self, number: u64) -> bool {
        self.snapshots.binary_search_by_key(&number, Snapshot::number).is_ok()
    }

    /// The snapshots, newest first.
    pub(crate) fn newest_first<'h>(&'h self, head: &'h Version) -> impl Iterator<Item = Version> + 'h {
        let mut newer = Cow::Borrowed(head);
        self.snapshots.iter().rev().map_while(move |snapshot| {
            let version = snapshot.unpack(&newer)?;
            newer = Cow::Owned(version.clone());
            Some(version)
        })
    }

    /// Packs the present version, whose successor differs by `edits`.
    pub(crate) fn pack(&self, head: &Version, edits: &Edits) -> Snapshot {
        #[cfg(feature = "faults")]
        assert!(!crate::faults::SNAPSHOT.is_due(), "as was ordered");
        // Each snapshot that is read is a cache miss. Most histories are too short for a long
        // chain.
        let is_long = || self.snapshots.iter().rev().take(CHAIN_MAX).all(|snapshot| !snapshot.is_whole());
        let kin = self.snapshots.back();
        if self.snapshots.len() >= CHAIN_MAX && is_long() {
            Snapshot::whole(head, kin)
        } else {
            Snapshot::of(head, edits, kin)
        }
    }

    /// Packs the newest snapshot for `new_head`, which replaces `head`; `None` where there is none,
    /// or it is whole.
    pub(crate) fn repack_newest(&self, head: &Version, new_head: &Version) -> Option<Snapshot> {
        let newest = self.snapshots.back().filter(|newest| !newest.is_whole())?;
        let version = newest.unpack(head)?;
        let edits = new_head.document.edits_since(&version.document);
        Some(Snapshot::of(&version, &edits, Some(newest)))
    }

    /// Puts a snapshot that was packed anew in place of the newest one.
    pub(crate) fn replace_newest(&mut self, newest: Option<Snapshot>) {
        if let (Some(place), Some(newest)) = (self.snapshots.back_mut(), newest) {
            *place = newest;
        }
    }

    /// Adds the snapshot of the former head.
    pub(crate) fn push(&mut self, snapshot: Snapshot) {
        if self.snapshots.len() == self.snapshots.capacity() {
            // Doubling would leave half of the ring empty, in each of many states.
            self.snapshots.reserve_exact(self.snapshots.len().checked_div(4).unwrap_or(0).max(4));
        }
        self.snapshots.push_back(snapshot);
    }

    /// The distinct lists of deadline pointers; snapshots share them.
    pub(crate) fn places(&self) -> impl Iterator<Item = &Arc<Places>> {
        let all = || self.snapshots.iter().map(|snapshot| snapshot.parts().0);
        let before = std::iter::once(None).chain(all().map(Some));
        let differs = |(places, before): &(&Arc<Places>, Option<&Arc<Places>>)| {
            before.is_none_or(|before| !Arc::ptr_eq(places, before))
        };
        all().zip(before).filter(differs).map(|(places, _)| places)
    }

    /// Checks what decoding relies on: every snapshot unpacks to a canonical document.
    pub(crate) fn check_invariants(&self, head: &Version) -> Result<(), &'static str> {
        let mut chain = 0_usize;
        for snapshot in self.snapshots.iter().rev() {
            chain = if snapshot.is_whole() { 0 } else { chain.saturating_add(1) };
            if chain > CHAIN_MAX {
                return Err("too many versions hang on one");
            }
        }
        let unpacked = self.newest_first(head).take_while(|version| version.document.is_canonical()).count();
        if unpacked < self.snapshots.len() { Err("a snapshot version can't be unpacked") } else { Ok(()) }
    }

    /// The newest label of a version.
    pub fn label_of(&self, number: u64) -> Option<&str> {
        self.labels.iter().rev().find(|label| label.version == number).map(|label| &*label.name)
    }

    /// The version a label names.
    pub fn labelled(&self, name: &str) -> Option<u64> {
        self.labels.iter().find(|label| &*label.name == name).map(|label| label.version)
    }

    /// How many snapshots are kept.
    pub fn len(&self) -> usize {
        self.snapshots.len()
    }

    /// Whether no snapshot is kept.
    pub fn is_empty(&self) -> bool {
        self.snapshots.is_empty()
    }

    /// What to drop once `label` and, during a commit, the `head` are added. A head whose turn
    /// goes on is dropped as well, unless it has a label.
    pub(crate) fn plan(
        &self,
        head: Option<u64>,
        turn_goes_on: bool,
        label: Option<Label>,
        limits: &Limits,
    ) -> Dropped {
        let mut labels = self.labels.clone();
        if let Some(label) = label {
            labels.retain(|old| old.name != label.name);
            labels.push(label);
        }
        let surplus = labels.len().saturating_sub(limits.labels);
        let kept = labels.split_off(surplus);
        let is_labelled = |number: u64| kept.iter().any(|label| label.version == number);
        let replaced = head.filter(|head| turn_goes_on && !is_labelled(*head));
        let added = head.filter(|_| replaced.is_none());
        let unlabelled = || {
            self.snapshots.iter().map(Snapshot::number).chain(added).filter(|number| !is_labelled(*number))
        };
        // Most states have no labels: then counting needs no version number.
        let count = match kept.is_empty() {
            true => self.snapshots.len().saturating_add(added.iter().len()),
            false => unlabelled().count(),
        };
        let surplus = count.saturating_sub(limits.snapshots);
        Dropped {
            labels: labels.into_iter().map(|label| label.name).collect(),
            versions: unlabelled().take(surplus).chain(replaced).collect(),
        }
    }

    /// Sets a label, then drops what was planned. `head` is the present version.
    pub(crate) fn settle(&mut self, label: Option<Label>, dropped: &Dropped, head: &Version) {
        if let Some(label) = label {
            self.labels.retain(|old| old.name != label.name);
            self.labels.push(label);
        }
        self.labels.retain(|label| !dropped.labels.contains(&label.name));
        let goes = |snapshot: &Snapshot| dropped.versions.contains(&snapshot.number());
        // A former head that was dropped is no snapshot.
        let mut left = dropped.versions.iter().filter(|version| self.keeps(**version)).count();
        while left > 0 && self.snapshots.front().is_some_and(goes) {
            self.snapshots.pop_front();
            left = left.saturating_sub(1);
        }
        // Usually only the oldest snapshot is dropped.
        if left == 0 {
            return;
        }
        let pairs = self.snapshots.iter().zip(self.snapshots.iter().skip(1));
        if pairs.into_iter().any(|(older, newer)| goes(newer) && !goes(older) && !older.is_whole()) {
            self.make_whole(goes, head);
        }
        self.snapshots.retain(|snapshot| !goes(snapshot));
    }

    /// Packs a snapshot whole when the next newer one is dropped.
    fn make_whole(&mut self, goes: impl Fn(&Snapshot) -> bool, head: &Version) {
        let versions: Vec<Version> = self.newest_first(head).collect();
        let mut newer_goes = false;
        for (snapshot, version) in self.snapshots.iter_mut().rev().zip(&versions) {
            if newer_goes && !snapshot.is_whole() {
                *snapshot = Snapshot::whole(version, None);
            }
            newer_goes = goes(snapshot);
        }
    }

    /// All kept versions with the present one, as ranges: `2, 5..12`.
    pub(crate) fn kept(&self, present: u64) -> String {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for number in self.snapshots.iter().map(Snapshot::number).chain([present]) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::deadlines::{Deadline, Deadlines};
    use crate::state::document::Document;
    use crate::state::version::Event;

    fn version(number: u64) -> Version {
        let document = Document::from_stored(b"{}").expect("an object");
        let parent = number.saturating_sub(1);
        Version {
            number,
            parent,
            at_ms: 0,
            event: Event::Update,
            actor: None,
            turn: None,
            has_secret: false,
            deadlines: Deadlines::default(),
            document,
        }
    }

    fn label(name: &str, version: u64) -> Label {
        Label { name: name.into(), version }
    }

    fn history(numbers: &[u64], labels: &[(&str, u64)]) -> History {
        let snapshots = numbers.iter().map(|number| Snapshot::whole(&version(*number), None)).collect();
        History { snapshots, labels: labels.iter().map(|(name, version)| label(name, *version)).collect() }
    }

    const LIMITS: fn(usize, usize) -> Limits =
        |snapshots, labels| Limits { snapshots, labels, ..LIMITS_DEFAULT };
    const LIMITS_DEFAULT: Limits = Limits {
        snapshots: 10,
        labels: 8,
        bytes_max: 1024,
        depth_max: 64,
        cost_max: 1_000_000,
        default_ttl_ms: 1,
        attempts_history: 0,
        idempotency_ids: 0,
        audit_patch_bytes: 0,
        audit_document_bytes: 0,
        audit_conflicts: false,
    };

    #[test]
    fn the_newest_unlabelled_versions_stay() {
        let history = history(&[1, 2, 3], &[("offer", 1)]);
        assert_eq!(history.plan(Some(4), false, None, &LIMITS(2, 8)).versions, [2]);
        assert_eq!(history.plan(Some(4), false, None, &LIMITS(0, 8)).versions, [2, 3, 4]);
        assert_eq!(history.plan(Some(4), false, None, &LIMITS(3, 8)), Dropped::default());
    }

    #[test]
    fn a_label_that_moves_frees_its_version() {
        let mut history = history(&[1, 2, 3], &[("offer", 1), ("login", 2)]);
        let moved = label("offer", 4);
        let dropped = history.plan(None, false, Some(moved.clone()), &LIMITS(1, 8));
        assert_eq!(dropped, Dropped { labels: vec![], versions: vec![1] });
        history.settle(Some(moved), &dropped, &version(4));
        assert_eq!(history.labelled("offer"), Some(4));
        assert_eq!(history.kept(4), "2..4");
    }

    #[test]
    fn one_label_too_many_drops_the_one_set_longest_ago() {
        let history = history(&[1, 2, 3], &[("offer", 1), ("login", 2)]);
        let dropped = history.plan(Some(4), false, Some(label("menu", 5)), &LIMITS(2, 2));
        assert_eq!(dropped, Dropped { labels: vec!["offer".into()], versions: vec![1] });
        let again = history.plan(Some(4), false, Some(label("offer", 5)), &LIMITS(9, 2));
        assert_eq!(again, Dropped::default());
    }

    #[test]
    fn kept_versions_are_shown_as_ranges() {
        assert_eq!(history(&[], &[]).kept(1), "1");
        assert_eq!(history(&[2, 5, 6, 7], &[]).kept(8), "2, 5..8");
    }

    fn document(number: u64) -> Document {
        let note = "a note that is the same in all of them, ".repeat(4);
        let text = format!(r#"{{"number":{number},"note":"{note}","half":{}}}"#, number / 2);
        Document::from_stored(text.as_bytes()).expect("an object")
    }

    #[test]
    fn behind_so_many_versions_in_splices_comes_a_whole_one() {
        let mut head = version(1);
        let mut history = History::default();
        for number in 2..=2 * CHAIN_MAX as u64 + 3 {
            let next = Version { document: document(number), ..version(number) };
            history.push(history.pack(&head, &next.document.edits_since(&head.document)));
            head = next;
        }
        let whole = history.snapshots.iter().filter(|snapshot| snapshot.is_whole()).map(Snapshot::number);
        // The first is `{}`, shorter than its splices.
        let chain = CHAIN_MAX as u64;
        assert_eq!(whole.collect::<Vec<_>>(), [1, chain + 2]);
        assert_eq!(history.check_invariants(&head), Ok(()));
    }

    proptest::proptest! {
        #![proptest_config(crate::json::oracle::config())]

        /// Compared with versions that are kept unpacked.
        #[test]
        fn every_kept_version_comes_back(
            lengths in proptest::collection::vec(0..5_usize, 1..90),
            drops in proptest::collection::vec((0..90_u64, 1..90_u64), 0..6),
        ) {
            let mut head = version(1);
            let (mut history, mut plain) = (History::default(), Vec::new());
            for (number, kind) in (2..).zip(&lengths) {
                let mut next = version(number);
                next.document = if *kind == 0 { Document::empty() } else { document(number) };
                let places = ["/auth", "/form"].into_iter().take(*kind);
                let deadline = |place: &str| Deadline { place: place.into(), at_ms: number as i64 * 7 };
                next.deadlines = Deadlines::new(places.map(deadline).collect());
                next.at_ms = 1000 - number as i64;
                history.push(history.pack(&head, &next.document.edits_since(&head.document)));
                plain.push(std::mem::replace(&mut head, next));
                for (_, dropped) in drops.iter().filter(|(when, _)| *when == number) {
                    let dropped = Dropped { labels: vec![], versions: vec![*dropped, dropped + 1, dropped + 3] };
                    history.settle(None, &dropped, &head);
                    plain.retain(|version| !dropped.versions.contains(&version.number));
                }
            }
            let found: Vec<Version> = history.newest_first(&head).collect();
            proptest::prop_assert!(found.iter().rev().eq(&plain));
            for version in &plain {
                let found = history.find(version.number, &head);
                proptest::prop_assert_eq!(found.as_ref(), Some(version));
            }
            proptest::prop_assert_eq!(history.check_invariants(&head), Ok(()));
        }
    }
}
