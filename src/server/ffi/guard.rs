//! The guard that every callback goes through: no panic crosses into Redis (invariant I6).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicI64, Ordering};

use super::ctx::warn;

static PANICS: AtomicI64 = AtomicI64::new(0);

/// How many panics were caught.
pub fn panics() -> i64 {
    PANICS.load(Ordering::Relaxed)
}

/// Runs `callback`; `None` when it panicked, which is counted, and logged by the hook.
pub fn guard<T>(callback: impl FnOnce() -> T) -> Option<T> {
    // Nothing reads what a panic left incomplete: a command computes aside, then swaps (invariant
    // I3).
    let result = catch_unwind(AssertUnwindSafe(callback)).ok();
    if result.is_none() {
        PANICS.fetch_add(1, Ordering::Relaxed);
    }
    result
}

/// Replaces the panic hook by one that logs a line. The default one writes to a terminal that a
/// server lacks, and its backtrace frees memory of another allocator, which kills a Valkey.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|panic| {
        let place =
            panic.location().map_or_else(String::new, |place| format!("{}:{}", place.file(), place.line()));
        warn(&format!("redis-state: caught a panic at {place}"));
    }));
}
