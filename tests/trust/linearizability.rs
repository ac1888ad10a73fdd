//! Whether a history is linearizable: each operation has a moment between its request and its
//! response, such that the responses are those of the operations one after the other.
//!
//! In general that takes a search through all orders. Here the responses give the order: each names
//! a version, each commit makes one, and an operation that saw a version took place before the next
//! one. So one pass is exact: it gives each operation the earliest moment that is left, in
//! histories of any length.
//!
//! The search by stateright's `LinearizabilityTester` does not rely on this. It checks the short
//! histories too, and both must agree.

use std::collections::BTreeMap;
use std::time::Instant;

use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};

use crate::sequential::{Request, Response, Sequential};

/// One request of a client at one key.
#[derive(Clone, Debug)]
pub struct Operation {
    pub name: String,
    /// A client without a response gets another number afterwards.
    pub client: usize,
    pub request: Request,
    pub sent_at: Instant,
    pub response: Option<Response>,
    /// When the response arrived; without one, when the server was dead.
    pub until: Instant,
}

/// All operations at one key, in no order.
pub struct History {
    pub first: Sequential,
    pub operations: Vec<Operation>,
    /// The operation that made each version, by the audit stream.
    pub commits: BTreeMap<u64, String>,
}

/// An operation at the version that it made or saw.
struct Placed<'h> {
    version: u64,
    is_commit: bool,
    operation: &'h Operation,
}

impl History {
    /// Checks by versions. The error says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        let mut model = self.first.clone();
        // The moment of the last commit, and the last moment at which its version was seen.
        let start = self.operations.iter().map(|operation| operation.sent_at).min();
        let Some(mut committed_at) = start else { return Ok(()) };
        let mut seen_until = committed_at;
        for Placed { version, is_commit, operation } in self.placed()? {
            let wrong = |why: &str| Err(format!("{why} at version {version}: {operation:#?}"));
            if is_commit {
                committed_at = seen_until.max(operation.sent_at);
            }
            let moment = committed_at.max(operation.sent_at);
            if moment > operation.until {
                return wrong("no moment is left for it");
            }
            seen_until = seen_until.max(moment);
            let expected = model.invoke(&operation.request);
            let is_expected = operation.response.as_ref().is_none_or(|response| *response == expected);
            if model.version() != version || !is_expected {
                return wrong(&format!("the response should be {expected:?}"));
            }
        }
        let committed = self.commits.keys().copied().max().unwrap_or(self.first.version());
        if committed != model.version() {
            return Err(format!("{committed} versions in the audit stream, {} here", model.version()));
        }
        Ok(())
    }

    /// The operation that made a version comes before those that saw it. Without response and
    /// version an operation did not happen.
    fn placed<'h>(&'h self) -> Result<Vec<Placed<'h>>, String> {
        let mut made: BTreeMap<&str, u64> = BTreeMap::new();
        for (version, name) in &self.commits {
            if let Some(before) = made.insert(name, *version) {
                return Err(format!("{name} made the versions {before} and {version}"));
            }
        }
        let place = |operation: &'h Operation| {
            let Operation { name, response, .. } = operation;
            let made = made.get(name.as_str()).copied();
            let version = response.as_ref().map(Response::version).or(made)?;
            Some(Placed { version, is_commit: made == Some(version), operation })
        };
        let mut placed: Vec<Placed> = self.operations.iter().filter_map(place).collect();
        placed.sort_by_key(|placed| (placed.version, !placed.is_commit, placed.operation.sent_at));
        Ok(placed)
    }

    /// Checks by a search through all orders, for short histories.
    pub fn is_found_linearizable(&self) -> bool {
        let mut tester = LinearizabilityTester::new(self.first.clone());
        for (_, is_response, operation) in self.events() {
            let Operation { client, request, response, .. } = operation;
            if !is_response {
                tester.on_invoke(*client, request.clone()).expect("one request at a time");
            } else if let Some(response) = response {
                tester.on_return(*client, response.clone()).expect("a response to a request");
            }
        }
        tester.is_consistent()
    }

    /// Requests and responses by time; at one instant the requests first, which allows more orders.
    fn events<'h>(&'h self) -> Vec<(Instant, bool, &'h Operation)> {
        let both = |operation: &'h Operation| {
            let Operation { sent_at, until, .. } = operation;
            [(*sent_at, false, operation), (*until, true, operation)]
        };
        let mut events: Vec<_> = self.operations.iter().flat_map(both).collect();
        events.sort_by_key(|(at, is_response, _)| (*at, *is_response));
        events
    }
}

/// Histories with one error each, and correct ones: both checkers agree.
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::sequential::Expected;

    fn document(value: &str) -> serde_json::Value {
        json!({"current": {"data": {"a": value}}})
    }

    fn state(version: u64, value: &str) -> Option<Response> {
        Some(Response::State { version, document: document(value).to_string().into() })
    }

    fn merge(expected: u64, value: &str) -> Request {
        Request::Merge { expected: Expected::Etag(expected), rebase: false, change: document(value) }
    }

    /// Operations of client 0, 1, … with their request, its time, the time of the response, and the
    /// response.
    fn is_linearizable(
        operations: &[(Request, [u64; 2], Option<Response>)],
        commits: &[(u64, &str)],
    ) -> bool {
        let begin = Instant::now();
        let operation = |(client, (request, [from, until], response)): (
            usize,
            &(Request, [u64; 2], Option<Response>),
        )| {
            let at = |ms: &u64| begin + Duration::from_millis(*ms);
            Operation {
                name: client.to_string(),
                client,
                request: request.clone(),
                sent_at: at(from),
                response: response.clone(),
                until: at(until),
            }
        };
        let history = History {
            first: Sequential::created(&document("first").to_string()),
            operations: operations.iter().enumerate().map(operation).collect(),
            commits: commits.iter().map(|(version, name)| (*version, (*name).to_owned())).collect(),
        };
        let checked = history.check();
        assert_eq!(checked.is_ok(), history.is_found_linearizable(), "{checked:?}");
        checked.is_ok()
    }

    #[test]
    fn overlapping_operations_take_place_in_either_order() {
        let one = (merge(1, "one"), [0, 9], state(2, "one"));
        assert!(is_linearizable(&[one.clone(), (Request::Get, [1, 2], state(1, "first"))], &[(2, "0")]));
        assert!(is_linearizable(&[one.clone(), (Request::Get, [1, 2], state(2, "one"))], &[(2, "0")]));
        let conflict = Some(Response::Conflict { current: 2 });
        assert!(is_linearizable(&[one, (merge(1, "two"), [1, 8], conflict)], &[(2, "0")]));
    }

    #[test]
    fn request_without_response_may_have_been_applied() {
        let silent = (merge(1, "one"), [0, 3], None);
        assert!(is_linearizable(&[silent.clone(), (Request::Get, [4, 5], state(1, "first"))], &[]));
        assert!(is_linearizable(&[silent, (Request::Get, [4, 5], state(2, "one"))], &[(2, "0")]));
    }

    #[test]
    fn stale_read_is_found() {
        let one = (merge(1, "one"), [0, 3], state(2, "one"));
        assert!(!is_linearizable(&[one, (Request::Get, [4, 5], state(1, "first"))], &[(2, "0")]));
    }

    #[test]
    fn reads_that_go_back_in_time_are_found() {
        let one = (merge(1, "one"), [0, 9], state(2, "one"));
        let reads = [(Request::Get, [1, 2], state(2, "one")), (Request::Get, [3, 4], state(1, "first"))];
        assert!(!is_linearizable(&[&[one][..], &reads].concat(), &[(2, "0")]));
    }

    #[test]
    fn lost_update_is_found() {
        let one = (merge(1, "one"), [0, 3], state(2, "one"));
        let two = (merge(1, "two"), [1, 4], state(2, "two"));
        assert!(!is_linearizable(&[one.clone(), two], &[(2, "0")]));
        let change = document("two");
        let rebased = Request::Merge { expected: Expected::Etag(1), rebase: true, change };
        assert!(!is_linearizable(&[one, (rebased, [1, 4], state(3, "two"))], &[(2, "0"), (3, "1")]));
    }

    #[test]
    fn conflict_without_another_version_is_found() {
        let rejected = (merge(1, "one"), [0, 3], Some(Response::Conflict { current: 1 }));
        assert!(!is_linearizable(&[rejected], &[]));
    }

    #[test]
    fn version_without_a_commit_is_found() {
        assert!(!is_linearizable(&[(Request::Get, [0, 1], state(2, "first"))], &[]));
    }
}
