//! STATE.WAIT: whether what somebody waits for is there.
//!
//! Only the present state is looked at, never how it came about: whoever is woken too often looks again, and whoever looks
//! late sees the newest. So a version above the present one is waited for, however far away it is, and a state that was
//! deleted and created anew has to reach it again; who wants to know of that names an etag, which no other life has.

use crate::etag::{Etag, Expected};

/// What a look at the state has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// The state is another one than the caller knows.
    Reached,
    /// The caller knew a state, and there is none.
    Gone,
    /// Nothing new.
    NotYet,
}

/// Compares what the caller knows with the etag of the present state; `None` when there is none.
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
