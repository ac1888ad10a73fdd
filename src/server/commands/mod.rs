//! How a command is registered and called.

pub mod categories;
pub mod command_info;
pub mod entry;
pub mod key_positions;
pub mod table;
