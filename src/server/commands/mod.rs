//! How commands are described to the server and called by it.

pub mod entry;
mod key_positions;
pub mod registration;
pub mod table;
