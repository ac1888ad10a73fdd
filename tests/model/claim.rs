//! What a caller claims to have read, and whether it is so: the optimistic lock of the contract.

use crate::command::{Arg, Etag, Expected};
use crate::state::State;
use crate::want::Want;
use crate::world::Slot;

/// What a caller claims to have read, in words.
pub enum Claim {
    Any,
    Nothing,
    Version(u64),
    Etag(Etag),
    /// An etag that nobody has ever had.
    MadeUp,
}

const MADE_UP: &str = "1-0123456789abcdef";

impl Claim {
    pub fn arg(&self) -> Arg {
        match self {
            Claim::Any => Arg::from("*"),
            Claim::Nothing => Arg::from("0"),
            Claim::Version(number) => Arg::Word(number.to_string()),
            Claim::Etag(etag) => Arg::Etag(etag.clone()),
            Claim::MadeUp => Arg::from(MADE_UP),
        }
    }

    fn admits(&self, state: &State) -> bool {
        match self {
            Claim::Any => true,
            Claim::Nothing | Claim::MadeUp => false,
            Claim::Version(number) => *number == state.head().number,
            Claim::Etag(etag) => *etag == state.etag(),
        }
    }

    /// `NOSTATE` and `CONFLICT`.
    pub fn check(&self, state: Option<&State>, may_create: bool) -> Result<(), Want> {
        match (self, state) {
            (claim, Some(state)) if claim.admits(state) => Ok(()),
            (claim, Some(state)) => Err(Want::Conflict { expected: claim.arg(), current: state.etag() }),
            (Claim::Any | Claim::Nothing, None) if may_create => Ok(()),
            (_, None) => Err(Want::no_state()),
        }
    }

    /// Which kind of claim it is, to be counted.
    pub fn mark(&self, state: Option<&State>) -> &'static str {
        let head = state.map_or(0, |state| state.head().number);
        match self {
            Claim::Any => "expected *",
            Claim::Nothing => "expected 0",
            Claim::Version(number) if *number == head => "expected version",
            Claim::Version(_) => "expected stale version",
            Claim::Etag(etag) if state.is_some_and(|state| state.etag() == *etag) => "expected etag",
            Claim::Etag(etag) if etag.version == head => "expected stale digest",
            Claim::Etag(_) | Claim::MadeUp => "expected stale etag",
        }
    }
}

impl Slot {
    pub fn claim(&self, expected: Expected) -> Claim {
        let head = self.state.as_ref().map_or(0, |state| state.head().number);
        let old = |at: usize| (!self.seen.is_empty()).then(|| self.seen[at % self.seen.len()].clone());
        let etag = match expected {
            Expected::Any => return Claim::Any,
            Expected::Nothing => return Claim::Nothing,
            Expected::Version => return Claim::Version(head.max(1)),
            Expected::OldVersion(by) if head > by + 1 => return Claim::Version(head - by - 1),
            Expected::OldVersion(by) => return Claim::Version(head + by + 1),
            Expected::Etag => self.state.as_ref().map(State::etag),
            Expected::OldEtag(at) => old(at),
            Expected::MixedEtag(at) => old(at).map(|etag| Etag { version: head.max(1), ..etag }),
        };
        etag.map_or(Claim::MadeUp, Claim::Etag)
    }
}
