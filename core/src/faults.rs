//! Failures that tests order, to see that what fails half-way leaves nothing behind (invariant I3). Built with the feature
//! `faults` alone.
//!
//! A fault is a panic at a named point: an allocation that fails ends the server, so a panic is the worst that can
//! happen there and be survived. Crates that do this by macros were rejected: one point needs none.

use std::sync::atomic::{AtomicU64, Ordering};

/// Where a version is packed for the history.
pub const SNAPSHOT: &str = "snapshot";

/// How often the point may still be passed before the one time that fails, plus one; 0 when no failure is ordered.
static PASSES_LEFT: AtomicU64 = AtomicU64::new(0);

/// Orders a failure at the `nth` time that a version is packed from now on; 0 takes the order back.
pub fn order(nth: u64) {
    PASSES_LEFT.store(nth, Ordering::Relaxed);
}

/// Fails if that was ordered.
pub(crate) fn strike(point: &str) {
    let left = PASSES_LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
    assert_ne!(left, Ok(1), "as was ordered for {point}");
}
