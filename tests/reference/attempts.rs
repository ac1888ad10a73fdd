//! Attempts at operations: how often, and how they went.
//!
//! All attempts and clearings are in one list, and every answer is counted from it.

use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Failure,
    /// Not an attempt: the count of the operation starts again.
    Clear,
}

impl Outcome {
    /// The word in the audit stream; commands have it in capitals.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Failure => "failure",
            Outcome::Clear => "clear",
        }
    }
}

/// One attempt, or a clearing. `D` is what a test notes besides.
#[derive(Clone, Debug)]
pub struct Attempt<D> {
    pub operation: Arc<str>,
    pub outcome: Outcome,
    pub details: D,
}

/// The attempts of one state, oldest first.
#[derive(Clone, Debug)]
pub struct Attempts<D> {
    all: Vec<Attempt<D>>,
}

impl<D> Default for Attempts<D> {
    fn default() -> Self {
        Attempts { all: Vec::new() }
    }
}

impl<D> Attempts<D> {
    pub fn record(&mut self, operation: &str, outcome: Outcome, details: D) {
        self.all.push(Attempt { operation: operation.into(), outcome, details });
    }

    /// The attempts at an operation since it was cleared last, newest first.
    fn counted(&self, operation: &str) -> impl Iterator<Item = &Attempt<D>> {
        let of_it = self.all.iter().rev().filter(move |attempt| *attempt.operation == *operation);
        of_it.take_while(|attempt| attempt.outcome != Outcome::Clear)
    }

    pub fn count(&self, operation: &str) -> u64 {
        self.counted(operation).count() as u64
    }

    /// The failures since the last success.
    pub fn failures(&self, operation: &str) -> u64 {
        self.counted(operation).take_while(|attempt| attempt.outcome == Outcome::Failure).count() as u64
    }

    /// The count of each operation that has one, in the order in which the counts began.
    pub fn counts(&self) -> Vec<(Arc<str>, u64)> {
        let mut counts: Vec<(Arc<str>, u64)> = Vec::new();
        for Attempt { operation, outcome, .. } in &self.all {
            match counts.iter_mut().find(|(name, _)| name == operation) {
                _ if *outcome == Outcome::Clear => counts.retain(|(name, _)| name != operation),
                Some((_, count)) => *count += 1,
                None => counts.push((operation.clone(), 1)),
            }
        }
        counts
    }

    /// Every operation that has an attempt or was cleared.
    pub fn operations(&self) -> Vec<Arc<str>> {
        let mut operations: Vec<Arc<str>> =
            self.all.iter().map(|attempt| attempt.operation.clone()).collect();
        operations.sort_unstable();
        operations.dedup();
        operations
    }

    /// The history of an operation, newest first. The newest `kept` attempts at all operations
    /// together are kept, and no clearing shortens them.
    pub fn history(&self, operation: &str, kept: usize) -> impl Iterator<Item = &Attempt<D>> {
        let attempts = self.all.iter().rev().filter(|attempt| attempt.outcome != Outcome::Clear);
        attempts.take(kept).filter(move |attempt| *attempt.operation == *operation)
    }
}
