//! What a state takes in memory, as MEMORY USAGE, `INFO state` and maxmemory see it.
//!
//! A module can't ask the allocator for the size of a block it holds by a Rust reference, so the size classes of
//! jemalloc, Redis's allocator, are followed: four to each doubling, 16 bytes apart at first.

use redis_state_core::State;

/// The bytes of all blocks a state holds.
pub fn state_bytes(state: &State) -> usize {
    state.heap_blocks_bytes().map(block_bytes).sum()
}

fn block_bytes(bytes: usize) -> usize {
    let step = match bytes {
        0..=128 => 16,
        // Four classes between one power of two and the next.
        _ => (bytes - 1).checked_ilog2().map_or(16, |log| 1 << (log - 2)),
    };
    bytes.next_multiple_of(step)
}

#[cfg(test)]
mod tests {
    use super::block_bytes;

    #[test]
    fn blocks_have_the_size_classes_of_the_allocator() {
        let classes =
            [(1, 16), (16, 16), (17, 32), (128, 128), (129, 160), (257, 320), (2000, 2048), (2049, 2560)];
        for (bytes, class) in classes {
            assert_eq!(block_bytes(bytes), class, "{bytes}");
        }
    }
}
