//! Failures that tests order, to see that what fails half-way leaves nothing behind (invariant I3). Built with the feature
//! `faults` alone.
//!
//! In this crate a fault is a panic: an allocation that fails ends the server, so a panic is the worst that can happen and be
//! survived. Crates that do this by macros were rejected: one point needs none.

use std::sync::atomic::{AtomicU64, Ordering};

/// Packing a version for the history.
pub static SNAPSHOT: Order = Order::none();

/// An order to fail once.
#[derive(Debug)]
pub struct Order {
    /// How many times more the point is passed up to the one that fails; 0 when no failure is ordered.
    left: AtomicU64,
}

impl Order {
    /// Nothing fails.
    pub const fn none() -> Order {
        Order { left: AtomicU64::new(0) }
    }

    /// Orders a failure at the `nth` time from now on; 0 takes the order back.
    pub fn give(&self, nth: u64) {
        self.left.store(nth, Ordering::Relaxed);
    }

    /// Passes the point: whether this time it fails.
    pub fn is_due(&self) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) == Ok(1)
    }
}
