//! The binary encoding of states and effects: one format and one decoder for RDB, RESTORE,
//! replication and the AOF (invariant I5). docs/format.md specifies it.
//!
//! Numbers are LEB128 varints; a text is a varint length and UTF-8. The decoder trusts no byte: it
//! compares a length with the remaining bytes before it allocates, parses documents, which must be
//! canonical, and ends with `check_invariants`. Not serde with a binary format: its bytes change
//! with the order of fields, and it allocates by the lengths that it reads.

mod attempts;
mod effects;
mod history;
mod idempotency;
mod registry;
pub(crate) mod state;
mod version;

pub use crate::limits::NAME_BYTES_MAX;
pub use crate::wire::DecodeError;
pub use effects::{decode_effects, encode_effects, is_lapse};
pub use state::{decode_state, encode_state};
