//! What fails when STATE.FAULT has ordered it: the server refuses an audit entry, the clock is wrong. Built with the feature
//! `faults` alone; the failures of the core are in its own `faults`.

use std::sync::atomic::{AtomicI64, Ordering};

use redis_state_core::faults::Order;

/// Appending an entry to an audit stream.
pub static APPEND: Order = Order::none();

static CLOCK_OFF_MS: AtomicI64 = AtomicI64::new(0);

/// Sets the clock forward, or back where it is below zero; Redis's own, by which keys expire, goes on as it does.
pub fn set_clock_off_ms(off_ms: i64) {
    CLOCK_OFF_MS.store(off_ms, Ordering::Relaxed);
}

pub fn clock_off_ms() -> i64 {
    CLOCK_OFF_MS.load(Ordering::Relaxed)
}
