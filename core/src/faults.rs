//! Fault injection: tests order a failure, and check that it leaves no partial change (invariant
//! I3). Built only with the feature `faults`.
//!
//! A fault in this crate is a panic: a failed allocation ends the process, so a panic is the worst
//! survivable failure. Not a crate with macros: one fault point needs none.

use std::sync::atomic::{AtomicU64, Ordering};

/// Packing a snapshot.
pub static SNAPSHOT: Order = Order::none();

/// An order to fail once.
#[derive(Debug)]
pub struct Order {
    /// How many more passes until the one that fails; 0 for none.
    left: AtomicU64,
}

impl Order {
    /// No failure is ordered.
    pub const fn none() -> Order {
        Order { left: AtomicU64::new(0) }
    }

    /// Orders a failure at the `nth` pass from now; 0 cancels the order.
    pub fn give(&self, nth: u64) {
        self.left.store(nth, Ordering::Relaxed);
    }

    /// Passes the fault point; returns whether this pass fails.
    pub fn is_due(&self) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) == Ok(1)
    }
}
