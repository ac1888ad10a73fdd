//! The versions of one state: which snapshots and labels are kept.

use std::sync::Arc;

/// One version. `C` is what a test notes about its commit.
#[derive(Clone, Debug)]
pub struct Version<C> {
    pub number: u64,
    pub parent: u64,
    /// The document.
    pub text: Arc<str>,
    pub commit: C,
}

/// The versions of a state from its creation on, without those that are trimmed.
#[derive(Clone, Debug)]
pub struct Versions<C> {
    /// In the order of their numbers: the present version is the last.
    kept: Vec<Version<C>>,
    /// A name and the number of its version; the label set last is the last.
    labels: Vec<(Arc<str>, u64)>,
}

impl<C> Default for Versions<C> {
    fn default() -> Self {
        Versions { kept: Vec::new(), labels: Vec::new() }
    }
}

impl<C> Versions<C> {
    /// Adds the next version, or the first one.
    pub fn commit(&mut self, parent: u64, text: Arc<str>, commit: C) {
        let number = self.kept.last().map_or(1, |head| head.number + 1);
        self.kept.push(Version { number, parent, text, commit });
    }

    /// The present version.
    pub fn head(&self) -> &Version<C> {
        self.kept.last().expect("a state has a version")
    }

    pub fn find(&self, number: u64) -> Option<&Version<C>> {
        self.kept.iter().find(|version| version.number == number)
    }

    /// The present version and the snapshots, oldest first.
    pub fn kept(&self) -> &[Version<C>] {
        &self.kept
    }

    pub fn snapshots(&self) -> &[Version<C>] {
        self.kept.split_last().map_or(&[], |(_, snapshots)| snapshots)
    }

    pub fn numbers(&self) -> Vec<u64> {
        self.kept.iter().map(|version| version.number).collect()
    }

    /// Names a version. A label that is used again moves, and is the newest.
    pub fn set_label(&mut self, name: &str, number: u64) {
        self.labels.retain(|(label, _)| **label != *name);
        self.labels.push((name.into(), number));
    }

    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().map(|(name, _)| &**name)
    }

    /// The newest label of a version.
    pub fn label_of(&self, number: u64) -> Option<&str> {
        self.labels.iter().rfind(|(_, version)| *version == number).map(|(name, _)| &**name)
    }

    pub fn labelled(&self, name: &str) -> Option<&Version<C>> {
        let (_, number) = self.labels.iter().find(|(label, _)| **label == *name)?;
        self.find(*number)
    }

    /// The present version stands for the one before it, which is of the same turn; a labelled one
    /// stays.
    pub fn replace_former(&mut self) {
        let Some(former) = self.snapshots().last() else { return };
        let (number, parent) = (former.number, former.parent);
        if self.label_of(number).is_some() {
            return;
        }
        self.kept.retain(|version| version.number != number);
        let head = self.kept.last_mut().expect("a state has a version");
        if head.parent == number {
            head.parent = parent;
        }
    }

    /// Keeps the newest `labels`.
    pub fn trim_labels(&mut self, labels: usize) {
        while self.labels.len() > labels {
            self.labels.remove(0);
        }
    }

    /// Keeps the newest `labels`, and the newest `snapshots` besides the labelled versions.
    pub fn trim(&mut self, snapshots: usize, labels: usize) {
        self.trim_labels(labels);
        loop {
            let unlabelled = |version: &&Version<C>| self.label_of(version.number).is_none();
            let unlabelled: Vec<u64> =
                self.snapshots().iter().filter(unlabelled).map(|version| version.number).collect();
            if unlabelled.len() <= snapshots {
                return;
            }
            self.kept.retain(|version| version.number != unlabelled[0]);
        }
    }

    /// Drops the snapshots that fail `stays`, with their labels.
    pub fn retain_snapshots(&mut self, stays: impl Fn(&Version<C>) -> bool) {
        let head = self.head().number;
        self.kept.retain(|version| version.number == head || stays(version));
        let numbers = self.numbers();
        self.labels.retain(|(_, number)| numbers.contains(number));
    }
}
