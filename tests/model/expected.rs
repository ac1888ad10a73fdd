//! What a writing command expects: the words for it, and the errors of a mismatch.

use reference::expected::Mismatch;

use crate::command::{Arg, Etag, ExpectedChoice};
use crate::predicted::Predicted;
use crate::state::State;
use crate::world::Slot;

/// `Etag(None)` is an etag that no version ever had.
pub type Expected = reference::expected::Expected<Option<Etag>>;

const UNKNOWN_ETAG: &str = "1-0123456789abcdef";

pub fn word(expected: &Expected) -> Arg {
    match expected {
        Expected::Any => Arg::from("*"),
        Expected::Absent => Arg::from("0"),
        Expected::Version(number) => Arg::Word(number.to_string()),
        Expected::Etag(Some(etag)) => Arg::Etag(etag.clone()),
        Expected::Etag(None) => Arg::from(UNKNOWN_ETAG),
    }
}

/// Errors: `NOSTATE` and `CONFLICT`.
pub fn check(expected: &Expected, state: Option<&State>, creates: bool) -> Result<(), Predicted> {
    let etag = state.map(|state| Some(state.etag()));
    let present = state.map(|state| state.head().number).zip(etag.as_ref());
    expected.check(present, creates).map_err(|mismatch| match (mismatch, state) {
        (Mismatch::Conflict, Some(state)) => {
            Predicted::Conflict { expected: word(expected), current: state.etag() }
        }
        _ => Predicted::no_state(),
    })
}

/// The kind of expectation, for the coverage.
pub fn mark(expected: &Expected, state: Option<&State>) -> &'static str {
    let head = state.map_or(0, |state| state.head().number);
    match expected {
        Expected::Any => "expected *",
        Expected::Absent => "expected 0",
        Expected::Version(number) if *number == head => "expected version",
        Expected::Version(_) => "expected stale version",
        Expected::Etag(Some(etag)) if state.is_some_and(|state| state.etag() == *etag) => "expected etag",
        Expected::Etag(Some(etag)) if etag.version == head => "expected stale digest",
        Expected::Etag(_) => "expected stale etag",
    }
}

impl Slot {
    pub fn expected(&self, choice: ExpectedChoice) -> Expected {
        let head = self.state.as_ref().map_or(0, |state| state.head().number);
        let earlier = |at: usize| (!self.seen.is_empty()).then(|| self.seen[at % self.seen.len()].clone());
        Expected::Etag(match choice {
            ExpectedChoice::Any => return Expected::Any,
            ExpectedChoice::Absent => return Expected::Absent,
            ExpectedChoice::Version => return Expected::Version(head.max(1)),
            ExpectedChoice::OtherVersion(by) if head > by + 1 => return Expected::Version(head - by - 1),
            ExpectedChoice::OtherVersion(by) => return Expected::Version(head + by + 1),
            ExpectedChoice::Etag => self.state.as_ref().map(State::etag),
            ExpectedChoice::EarlierEtag(at) => earlier(at),
            ExpectedChoice::MixedEtag(at) => earlier(at).map(|etag| Etag { version: head.max(1), ..etag }),
        })
    }
}
