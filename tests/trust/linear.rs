//! Whether a history is linearizable: whether there is one moment for each operation, between its invocation and its reply,
//! such that all the replies are what one person after the other would have got.
//!
//! In general that takes a search through all orders. Here the replies say the order: each names a version, commits make one
//! version each, and whoever saw a version was there between its commit and the next. So one pass is enough, which gives each
//! operation the earliest moment that is left; and it is exact. It takes histories of any length.
//!
//! `LinearizabilityTester` of the crate stateright makes the search, and knows nothing of this reasoning. It judges the short
//! histories as well, and both must say the same.

use std::collections::BTreeMap;
use std::time::Instant;

use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};

use crate::reference::{Ask, Reference, Said};

/// What one client did at one key.
#[derive(Clone, Debug)]
pub struct Operation {
    pub name: String,
    /// Who asked. Whoever gets no answer is somebody else afterwards.
    pub client: usize,
    pub ask: Ask,
    pub asked_at: Instant,
    pub said: Option<Said>,
    /// When the answer was there; without one, when the server was dead, and nothing could happen any more.
    pub until: Instant,
}

/// Everything that was done at one key, in no order.
pub struct History {
    pub first: Reference,
    pub operations: Vec<Operation>,
    /// By whom each version was made, as the trail says.
    pub commits: BTreeMap<u64, String>,
}

/// An operation in its place: at this version, which it made or saw.
struct Placed<'h> {
    version: u64,
    made_it: bool,
    operation: &'h Operation,
}

impl History {
    /// By the versions; what is wrong, if anything is.
    pub fn judge(&self) -> Result<(), String> {
        let mut reference = self.first.clone();
        // The moment of the last commit, and the latest that anybody needs who saw what it made.
        let start = self.operations.iter().map(|operation| operation.asked_at).min();
        let Some(mut made_at) = start else { return Ok(()) };
        let mut seen_until = made_at;
        for Placed { version, made_it, operation } in self.placed()? {
            let wrong = |why: &str| Err(format!("{why} at version {version}: {operation:#?}"));
            if made_it {
                made_at = seen_until.max(operation.asked_at);
            }
            let moment = made_at.max(operation.asked_at);
            if moment > operation.until {
                return wrong("there is no moment for it");
            }
            seen_until = seen_until.max(moment);
            let said = reference.invoke(&operation.ask);
            if reference.version() != version || operation.said.as_ref().is_some_and(|heard| *heard != said) {
                return wrong(&format!("it should have said {said:?}"));
            }
        }
        let made = self.commits.keys().copied().max().unwrap_or(self.first.version());
        if made != reference.version() {
            return Err(format!("the trail has {made} versions, the history {}", reference.version()));
        }
        Ok(())
    }

    /// Who made a version comes before those who saw it. What had no answer and made nothing did not happen.
    fn placed<'h>(&'h self) -> Result<Vec<Placed<'h>>, String> {
        let mut made: BTreeMap<&str, u64> = BTreeMap::new();
        for (version, name) in &self.commits {
            if let Some(before) = made.insert(name, *version) {
                return Err(format!("{name} made the versions {before} and {version}"));
            }
        }
        let place = |operation: &'h Operation| {
            let Operation { name, said, .. } = operation;
            let made = made.get(name.as_str()).copied();
            let version = said.as_ref().map(Said::version).or(made)?;
            Some(Placed { version, made_it: made == Some(version), operation })
        };
        let mut placed: Vec<Placed> = self.operations.iter().filter_map(place).collect();
        placed.sort_by_key(|placed| (placed.version, !placed.made_it, placed.operation.asked_at));
        Ok(placed)
    }

    /// By a search through all orders; for short histories.
    pub fn is_found_linearizable(&self) -> bool {
        let mut tester = LinearizabilityTester::new(self.first.clone());
        for (_, is_answer, operation) in self.events() {
            let Operation { client, ask, said, .. } = operation;
            if !is_answer {
                tester.on_invoke(*client, ask.clone()).expect("one question at a time");
            } else if let Some(said) = said {
                tester.on_return(*client, said.clone()).expect("an answer to a question");
            }
        }
        tester.is_consistent()
    }

    /// Questions and answers as they came; of what came at one instant, the questions first, for that allows more.
    fn events<'h>(&'h self) -> Vec<(Instant, bool, &'h Operation)> {
        let both = |operation: &'h Operation| {
            let Operation { asked_at, until, .. } = operation;
            [(*asked_at, false, operation), (*until, true, operation)]
        };
        let mut events: Vec<_> = self.operations.iter().flat_map(both).collect();
        events.sort_by_key(|(at, is_answer, _)| (*at, *is_answer));
        events
    }
}

/// Histories that are wrong each in its own way, and one that is not: both judges know them.
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;

    fn document(said: &str) -> Value {
        json!({"current": {"data": {"a": said}}})
    }

    fn state(version: u64, said: &str) -> Option<Said> {
        Some(Said::State { version, document: document(said) })
    }

    fn merge(expected: u64, said: &str) -> Ask {
        Ask::Merge { expected: Some(expected), rebase: false, change: document(said) }
    }

    /// Operations of client 0, 1, … with what they asked, from when until when, and what they heard.
    fn judged(operations: &[(Ask, [u64; 2], Option<Said>)], commits: &[(u64, &str)]) -> bool {
        let begun = Instant::now();
        let operation = |(client, (ask, [from, until], said)): (usize, &(Ask, [u64; 2], Option<Said>))| {
            let at = |ms: &u64| begun + Duration::from_millis(*ms);
            let (ask, said) = (ask.clone(), said.clone());
            Operation { name: client.to_string(), client, ask, asked_at: at(from), said, until: at(until) }
        };
        let history = History {
            first: Reference::created(document("first")),
            operations: operations.iter().enumerate().map(operation).collect(),
            commits: commits.iter().map(|(version, name)| (*version, (*name).to_owned())).collect(),
        };
        let judged = history.judge();
        assert_eq!(judged.is_ok(), history.is_found_linearizable(), "{judged:?}");
        judged.is_ok()
    }

    #[test]
    fn who_overlaps_may_come_in_either_order() {
        let one = (merge(1, "one"), [0, 9], state(2, "one"));
        assert!(judged(&[one.clone(), (Ask::Get, [1, 2], state(1, "first"))], &[(2, "0")]));
        assert!(judged(&[one.clone(), (Ask::Get, [1, 2], state(2, "one"))], &[(2, "0")]));
        let conflict = Some(Said::Conflict { current: 2 });
        assert!(judged(&[one, (merge(1, "two"), [1, 8], conflict)], &[(2, "0")]));
    }

    #[test]
    fn what_was_not_answered_may_have_happened() {
        let silent = (merge(1, "one"), [0, 3], None);
        assert!(judged(&[silent.clone(), (Ask::Get, [4, 5], state(1, "first"))], &[]));
        assert!(judged(&[silent, (Ask::Get, [4, 5], state(2, "one"))], &[(2, "0")]));
    }

    #[test]
    fn a_stale_read_is_found() {
        let one = (merge(1, "one"), [0, 3], state(2, "one"));
        assert!(!judged(&[one, (Ask::Get, [4, 5], state(1, "first"))], &[(2, "0")]));
    }

    #[test]
    fn reads_that_go_back_in_time_are_found() {
        let one = (merge(1, "one"), [0, 9], state(2, "one"));
        let reads = [(Ask::Get, [1, 2], state(2, "one")), (Ask::Get, [3, 4], state(1, "first"))];
        assert!(!judged(&[&[one][..], &reads].concat(), &[(2, "0")]));
    }

    #[test]
    fn a_lost_update_is_found() {
        let (one, two) =
            ((merge(1, "one"), [0, 3], state(2, "one")), (merge(1, "two"), [1, 4], state(2, "two")));
        assert!(!judged(&[one.clone(), two], &[(2, "0")]));
        let over = (
            Ask::Merge { expected: Some(1), rebase: true, change: document("two") },
            [1, 4],
            state(3, "two"),
        );
        assert!(!judged(&[one, over], &[(2, "0"), (3, "1")]));
    }

    #[test]
    fn a_conflict_without_a_reason_is_found() {
        let refused = (merge(1, "one"), [0, 3], Some(Said::Conflict { current: 1 }));
        assert!(!judged(&[refused], &[]));
    }

    #[test]
    fn a_version_that_nobody_made_is_found() {
        assert!(!judged(&[(Ask::Get, [0, 1], state(2, "first"))], &[]));
    }
}
