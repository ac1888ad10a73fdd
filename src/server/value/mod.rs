//! What a key holds: the state in memory, its size, and the index of its deadlines.

pub mod deadline_index;
pub mod held;
mod memory;
pub mod state_key;
