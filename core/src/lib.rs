//! The state machine of redis-state: bytes and times in, outcomes out.
//!
//! This crate does not use Redis, a clock, randomness or files, so all of it runs in unit tests and
//! fuzzers. The module opens a key, asks this crate to decide the command, and applies the outcome.
//!
//! * [`Document`]: the JSON object a client owns, kept as compact canonical text
//! * [`Change`]: a change of a document (merge patch, shallow merge, JSON Patch, replacement)
//! * [`State`]: a document with its version, snapshots and labels; only an [`Effect`] changes it
//! * [`Schema`], [`Registry`]: the shape of a document, the rules for its changes, and the keys
//!   bound to a schema
//! * [`decide`]: the commands as pure functions from a state to an [`Outcome`](decide::Outcome)
//! * [`codec`]: the binary encoding of states, effects and schemas

#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "a test that panics is a test that fails"
    )
)]

pub mod audit;
mod budget;
pub mod codec;
mod context;
pub mod decide;
mod error;
#[cfg(feature = "faults")]
pub mod faults;
mod json;
mod limits;
mod rung;
mod schema;
mod shown;
mod state;
mod time;
mod wire;

pub use budget::Budget;
pub use error::{Error, REJECTIONS, Violation};
pub use json::change::{Change, ChangeKind};
pub use json::pointer::{POINTER_BYTES_MAX, Pointer};
pub use limits::{KEY_BYTES_MAX, Limits};
pub use redis_state_types::{Etag, Expected, Ttl};
pub use schema::{
    BINDINGS_MAX, Binding, Registry, SCHEMA_BYTES_MAX, SCHEMA_DEPTH_MAX, SCHEMAS_MAX, SUBSCHEMAS_MAX, Schema,
    Uncovered,
};
pub use shown::{ERROR_LINE_BYTES_MAX, Shown, TEXT_SHOWN_BYTES_MAX, error_line};
pub use state::State;
pub use state::attempts::{
    ATTEMPT_ERROR_BYTES_MAX, Attempt, Attempted, Attempts, Counter, OPERATIONS_MAX, Tally,
};
pub use state::deadlines::{DEADLINES_MAX, Deadline, Deadlines};
pub use state::document::Document;
pub use state::effect::{Commit, Effect, Relabel};
pub use state::etag_keys::EtagKeys;
pub use state::history::History;
pub use state::idempotency::{Id, Made, Remembered};
pub use state::version::{Event, Label, SchemaRef, Version};
pub use time::iso8601;
