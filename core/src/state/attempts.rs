//! Counters and a bounded history of the attempts at operations on a state.
//!
//! Attempts are not part of the document: an attempt makes no version, and no rollback changes
//! them.

use std::collections::VecDeque;

pub use redis_state_types::Tally;
pub use redis_state_types::limits::ATTEMPT_ERROR_BYTES_MAX;

use crate::time::TIME_MAX_MS;

/// A state counts at most this many operations.
pub const OPERATIONS_MAX: usize = 64;
/// More history than `state.attempts-history` can ask for.
pub(crate) const ATTEMPTS_CEILING: usize = 1000;

/// Counters stop here: the largest integer of RESP3.
pub(crate) const COUNT_MAX: u64 = i64::MAX as u64;

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The operation, such as `confirm`.
    pub operation: Box<str>,
    /// The component of the caller that attempted it.
    pub component: Option<Box<str>>,
    /// When, in Unix milliseconds.
    pub at_ms: i64,
    /// Whether the operation succeeded.
    pub success: bool,
    /// The error of a failed attempt.
    pub error: Option<Box<str>>,
}

/// The counters of one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// The operation.
    pub operation: Box<str>,
    /// Attempts since the last clearing.
    pub attempts: u64,
    /// Failures since the last success.
    pub failures: u64,
}

/// An attempt to be counted; decided on the primary and replicated unchanged (invariant I4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// The outcome.
    pub tally: Tally,
    /// The attempt; for a clearing only its operation is used.
    pub attempt: Attempt,
    /// The length of the history.
    pub history_max: usize,
}

/// The attempts of a state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// In the order of their first attempt.
    pub(crate) counters: Vec<Counter>,
    /// Oldest first.
    pub(crate) history: VecDeque<Attempt>,
}

impl Attempts {
    /// The counters of all operations.
    pub fn counters(&self) -> &[Counter] {
        &self.counters
    }

    /// The counter of an operation; `None` before its first attempt and after a clearing.
    pub fn counter(&self, operation: &str) -> Option<&Counter> {
        self.counters.iter().find(|counter| &*counter.operation == operation)
    }

    /// The attempts of an operation in the history, newest first.
    pub fn of<'a>(&'a self, operation: &'a str) -> impl Iterator<Item = &'a Attempt> {
        self.history.iter().rev().filter(move |attempt| &*attempt.operation == operation)
    }

    /// Whether another attempt of this operation can be counted.
    pub fn has_room_for(&self, operation: &str) -> bool {
        self.counters.len() < OPERATIONS_MAX || self.counter(operation).is_some()
    }

    pub(crate) fn admits(&self, attempted: &Attempted) -> bool {
        (0..=TIME_MAX_MS).contains(&attempted.attempt.at_ms)
            && (attempted.tally == Tally::Clear || self.has_room_for(&attempted.attempt.operation))
    }

    pub(crate) fn apply(&mut self, attempted: Attempted) {
        let Attempted { tally, attempt, history_max } = attempted;
        if tally == Tally::Clear {
            self.counters.retain(|counter| counter.operation != attempt.operation);
        } else {
            let counter = self.counter_mut(&attempt.operation);
            let one_more = |count: u64| count.saturating_add(1).min(COUNT_MAX);
            counter.attempts = one_more(counter.attempts);
            counter.failures = if attempt.success { 0 } else { one_more(counter.failures) };
            self.history.push_back(attempt);
        }
        let surplus = self.history.len().saturating_sub(history_max);
        self.history.drain(..surplus);
    }

    fn counter_mut(&mut self, operation: &str) -> &mut Counter {
        let known = self.counters.iter().position(|counter| &*counter.operation == operation);
        let index = known.unwrap_or_else(|| {
            self.counters.push(Counter { operation: operation.into(), attempts: 0, failures: 0 });
            self.counters.len().saturating_sub(1)
        });
        #[expect(clippy::indexing_slicing, reason = "the index was found or made in the line above")]
        &mut self.counters[index]
    }

    /// Checks what must hold for decoded attempts; returns the rule that is broken.
    pub(crate) fn check_invariants(&self) -> Result<(), &'static str> {
        let repeated = |index: usize, counter: &Counter| {
            self.counters.iter().take(index).any(|earlier| earlier.operation == counter.operation)
        };
        if self.counters.iter().enumerate().any(|(index, counter)| repeated(index, counter)) {
            return Err("an operation is counted twice");
        }
        let possible =
            |counter: &Counter| counter.failures <= counter.attempts && counter.attempts <= COUNT_MAX;
        if !self.counters.iter().all(possible) {
            return Err("an operation has a count that can't be");
        }
        if self.history.iter().any(|attempt| !(0..=TIME_MAX_MS).contains(&attempt.at_ms)) {
            return Err("the time of an attempt is out of range");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempted(operation: &str, tally: Tally, history_max: usize) -> Attempted {
        let attempt = Attempt {
            operation: operation.into(),
            component: Some("amount_input".into()),
            at_ms: 1_741_058_499_570,
            success: tally == Tally::Success,
            error: None,
        };
        Attempted { tally, attempt, history_max }
    }

    fn after(steps: &[(&str, Tally)], history_max: usize) -> Attempts {
        let mut attempts = Attempts::default();
        steps.iter().for_each(|(operation, tally)| attempts.apply(attempted(operation, *tally, history_max)));
        attempts
    }

    #[test]
    fn counts_end_where_replies_do() {
        let mut attempts = Attempts::default();
        let full = Counter { operation: "confirm".into(), attempts: COUNT_MAX, failures: COUNT_MAX };
        attempts.counters.push(full.clone());
        attempts.apply(attempted("confirm", Tally::Failure, 3));
        assert_eq!(attempts.counter("confirm"), Some(&full));
        assert_eq!(attempts.check_invariants(), Ok(()));
    }

    #[test]
    fn failures_are_counted_since_the_last_success() {
        use Tally::{Clear, Failure, Success};
        let attempts = after(
            &[
                ("confirm", Failure),
                ("confirm", Success),
                ("confirm", Failure),
                ("login", Failure),
                ("confirm", Failure),
            ],
            10,
        );
        let counter = attempts.counter("confirm").expect("counted");
        assert_eq!((counter.attempts, counter.failures), (4, 2));
        assert_eq!(
            attempts.of("confirm").map(|attempt| attempt.success).collect::<Vec<_>>(),
            [false, false, true, false]
        );
        let cleared = after(&[("confirm", Failure), ("confirm", Clear)], 10);
        assert_eq!(cleared.counter("confirm"), None);
        assert_eq!(cleared.of("confirm").count(), 1);
    }

    #[test]
    fn the_history_and_the_operations_are_bounded() {
        let attempts = after(&[("confirm", Tally::Failure); 5], 3);
        assert_eq!((attempts.history.len(), attempts.counter("confirm").map(|c| c.attempts)), (3, Some(5)));
        assert!(after(&[("confirm", Tally::Failure)], 0).history.is_empty());
        let names: Vec<String> = (0..OPERATIONS_MAX).map(|n| format!("operation{n}")).collect();
        let many: Vec<(&str, Tally)> = names.iter().map(|name| (name.as_str(), Tally::Success)).collect();
        let full = after(&many, 10);
        assert!(!full.has_room_for("one more") && full.has_room_for("operation7"));
    }
}
