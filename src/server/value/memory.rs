//! What a state takes in memory, as MEMORY USAGE, `INFO state` and maxmemory see it.

use redis_state_core::State;

use crate::server::ffi::size_classes::block_bytes;

/// The bytes of all blocks a state holds.
pub fn state_bytes(state: &State) -> usize {
    state.heap_blocks_bytes().map(block_bytes).sum()
}
