//! What fails when STATE.FAULT has ordered it: the server refuses an audit entry, the clock is wrong. Built with the feature
//! `faults` alone; the failures of the core are in its own `faults`.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

static APPENDS_LEFT: AtomicU64 = AtomicU64::new(0);
static CLOCK_OFF_MS: AtomicI64 = AtomicI64::new(0);

/// Orders the `nth` audit entry from now on to be refused by the server; 0 takes the order back.
pub fn order_append(nth: u64) {
    APPENDS_LEFT.store(nth, Ordering::Relaxed);
}

/// Whether this audit entry is the one.
pub fn refuses_entry() -> bool {
    let left = APPENDS_LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
    left == Ok(1)
}

/// Sets the clock forward, or back where it is below zero; Redis's own, by which keys expire, goes on as it does.
pub fn set_clock_off_ms(off_ms: i64) {
    CLOCK_OFF_MS.store(off_ms, Ordering::Relaxed);
}

pub fn clock_off_ms() -> i64 {
    CLOCK_OFF_MS.load(Ordering::Relaxed)
}
