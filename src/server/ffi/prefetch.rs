//! Memory that will be read soon, fetched while something else is being done.
//!
//! Most sessions are not in the processor's cache when a message comes for one, and an update would
//! wait for one line of it after the other. Commands prefetch when they open a key: lookups in the
//! server's own tables follow. Without it reads of 300,000 sessions take 7 % more processor time,
//! updates 6 % (medians of 27 alternating rounds). Not by reading a byte of each line: what follows
//! would wait for those reads.

/// What is fetched in one piece.
const LINE: usize = 64;
/// Beyond that the processor has noticed by itself where the reading goes.
const LINES_MAX: usize = 64;

/// Asks for the first lines of a value, not for what it points to. Where the processor has no such
/// instruction that Rust knows, it does nothing.
pub fn prefetch<T: ?Sized>(value: &T) {
    let lines = size_of_val(value).div_ceil(LINE).min(LINES_MAX);
    #[cfg(target_arch = "x86_64")]
    for line in 0..lines {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let first = std::ptr::from_ref(value).cast::<i8>();
        // SAFETY: the address is within the value; the instruction is in every processor of this
        // architecture, and reads nothing into the program.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(first.add(line * LINE)) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = lines;
}
