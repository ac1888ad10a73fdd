//! The audit stream: its entries, its name, and the document that its entries rebuild.

pub(crate) mod entry;
pub(crate) mod rebuild;
mod session_end;

pub use crate::state::last_entry::LastEntry;
pub use entry::Entry;
pub use redis_state_types::audit_stream_key as stream_key;
pub use session_end::{End, Ended};
