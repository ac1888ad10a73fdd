//! What a key holds.

pub mod deadline_index;
pub mod held;
pub mod key;
pub mod memory;
pub mod stream;
