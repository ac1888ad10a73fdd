//! STATE.WAIT: whether the awaited state exists.
//!
//! Only the present state counts, not how it was reached: a spurious wake-up checks again, and a
//! late one sees the newest state. A version above the present one may be far away; a state that
//! was deleted and created anew has to reach it again. A caller that must notice this names an
//! etag, which no other life of the key has.

use redis_state_types::{Etag, Expected};

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// The state differs from the one that the caller knows.
    Reached,
    /// The caller knew a state, and none exists.
    Gone,
    /// Nothing has changed.
    NotYet,
}

/// Compares what the caller knows with the etag of the present state; `None` for no state.
pub fn wait(known: Expected, present: Option<Etag>) -> Awaited {
    let reached = match (known, present) {
        (Expected::Absent, None) => false,
        (_, None) => return Awaited::Gone,
        (Expected::Absent | Expected::Any, Some(_)) => true,
        (Expected::Version(version), Some(present)) => present.version > version,
        (Expected::Etag(etag), Some(present)) => present != etag,
    };
    if reached { Awaited::Reached } else { Awaited::NotYet }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEVEN: Etag = Etag { version: 7, digest: 0x1f0c };

    #[test]
    fn a_version_waits_for_a_newer_one() {
        assert_eq!(wait(Expected::Version(6), Some(SEVEN)), Awaited::Reached);
        assert_eq!(wait(Expected::Version(7), Some(SEVEN)), Awaited::NotYet);
        assert_eq!(wait(Expected::Version(8), Some(SEVEN)), Awaited::NotYet);
        assert_eq!(wait(Expected::Version(7), None), Awaited::Gone);
    }

    #[test]
    fn an_etag_waits_for_any_other_state() {
        let twin = Etag { digest: 0x1f0d, ..SEVEN };
        let older = Etag { version: 6, ..SEVEN };
        assert_eq!(wait(Expected::Etag(SEVEN), Some(SEVEN)), Awaited::NotYet);
        assert_eq!(wait(Expected::Etag(SEVEN), Some(twin)), Awaited::Reached);
        assert_eq!(wait(Expected::Etag(SEVEN), Some(older)), Awaited::Reached);
        assert_eq!(wait(Expected::Etag(SEVEN), None), Awaited::Gone);
    }

    #[test]
    fn zero_waits_for_a_creation() {
        assert_eq!(wait(Expected::Absent, None), Awaited::NotYet);
        assert_eq!(wait(Expected::Absent, Some(SEVEN)), Awaited::Reached);
    }
}
