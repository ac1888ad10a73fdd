//! The bytes of a state and of an effect: one format for RDB, RESTORE, replication and the AOF, one decoder for all
//! (invariant I5). docs/format.md draws it.
//!
//! Numbers are LEB128 varints, texts are a varint length and UTF-8. The decoder trusts no byte: lengths are compared
//! with what is left before anything is allocated, documents are parsed and must be canonical, and
//! `check_invariants` has the last word. Serde with a binary format was rejected: its bytes change with a field's
//! order, and it allocates by lengths it has read.

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
