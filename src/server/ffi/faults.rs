//! Fault injection: STATE.FAULT orders that the server rejects an audit entry, that the clock is
//! wrong, that memory is lost or misused. Built with the feature `faults` alone; the core has its
//! own `faults`.
//!
//! It also has the switches of the tests. Not a feature of their own: the module would have to be
//! built twice.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use redis_state_core::faults::Order;

/// Appending an entry to an audit stream.
pub static APPEND: Order = Order::none();

static CLOCK_OFF_MS: AtomicI64 = AtomicI64::new(0);

/// Sets the clock forward, or back where it is below zero; Redis's own, by which keys expire, goes
/// on as it does.
pub fn set_clock_off_ms(off_ms: i64) {
    CLOCK_OFF_MS.store(off_ms, Ordering::Relaxed);
}

pub fn clock_off_ms() -> i64 {
    CLOCK_OFF_MS.load(Ordering::Relaxed)
}

/// Set where the server runs under a tool that watches its allocator.
const KEEP_NO_BLOCKS: &str = "REDIS_STATE_KEEP_NO_BLOCKS";

static KEEPS_NO_BLOCKS: AtomicBool = AtomicBool::new(false);

/// Looks at what the environment orders. A command would come too late: what is made while the
/// module and its data are loaded lives longest.
pub fn look_at_environment() {
    KEEPS_NO_BLOCKS.store(std::env::var_os(KEEP_NO_BLOCKS).is_some(), Ordering::Relaxed);
}

/// Whether the allocator takes each block from the server, as long as it was asked for, and gives
/// it back at once.
#[cfg(not(test))]
pub fn keeps_no_blocks() -> bool {
    KEEPS_NO_BLOCKS.load(Ordering::Relaxed)
}

/// As long as no block of anything else, so that it is found again in a report.
const STRAY_BYTES: usize = 1237;

/// Loses a block: nothing points to it any more, and it is never freed.
pub fn lose_a_block() {
    std::mem::forget(black_box(vec![1_u8; STRAY_BYTES]));
}

/// Reads a block that has been given back.
pub fn read_a_freed_block() {
    let block = vec![1_u8; STRAY_BYTES];
    let first = block.as_ptr();
    drop(black_box(block));
    // SAFETY: there is none: memcheck has to see this. Without it the block is still mapped, and
    // the byte is not used.
    black_box(unsafe { first.read_volatile() });
}
