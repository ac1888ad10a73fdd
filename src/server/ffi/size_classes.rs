//! The size classes of jemalloc, the allocator of Redis: four to each doubling, 16 bytes apart at
//! first.
//!
//! A module can't ask the allocator for the size of a block that it holds by a Rust reference.

/// The size of the block that is allocated for `bytes` bytes.
pub const fn block_bytes(bytes: usize) -> usize {
    bytes.next_multiple_of(1 << step_log(bytes))
}

/// The class of that block, counted from the smallest.
pub const fn block_class(bytes: usize) -> usize {
    let log = step_log(bytes);
    // Eight classes 16 bytes apart, and four more for each time the distance doubles.
    (block_bytes(bytes) >> log).saturating_sub(1) + (log as usize - STEP_LOG_MIN as usize) * 4
}

/// The first classes are 16 bytes apart.
const STEP_LOG_MIN: u32 = 4;

/// How far classes are apart around this size, as a power of two.
const fn step_log(bytes: usize) -> u32 {
    match bytes.saturating_sub(1).checked_ilog2() {
        // Four classes between one power of two and the next.
        Some(log) if log >= 7 => log - 2,
        _ => STEP_LOG_MIN,
    }
}

#[cfg(test)]
mod tests {
    use super::{block_bytes, block_class};

    #[test]
    fn blocks_have_the_size_classes_of_the_allocator() {
        let classes =
            [(1, 16), (16, 16), (17, 32), (128, 128), (129, 160), (257, 320), (2000, 2048), (2049, 2560)];
        for (bytes, class) in classes {
            assert_eq!(block_bytes(bytes), class, "{bytes}");
        }
    }

    #[test]
    fn classes_are_counted_without_a_gap() {
        let mut last = (block_bytes(1), block_class(1));
        assert_eq!(last, (16, 0));
        for bytes in 2..10_000 {
            let class = (block_bytes(bytes), block_class(bytes));
            let next = if bytes > last.0 { last.1 + 1 } else { last.1 };
            assert_eq!(class.1, next, "{bytes}");
            last = class;
        }
    }
}
