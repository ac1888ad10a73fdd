//! The state machine of redis-state: bytes and times in, results out.
//!
//! Nothing here knows Redis, reads a clock, draws a random number or touches a file, so everything runs in a unit
//! test and in a fuzzer. The module (the crate above) opens keys, asks this crate what a command means for the
//! state in them, and carries out the answer.
//!
//! * [`Document`]: the JSON object a client owns, kept as compact canonical text
//! * [`Change`]: what a client wants done to it (merge patch, shallow merge, JSON patch, replacement)
//! * [`State`]: a document with its version, past versions and labels; changed by an [`Effect`] only
//! * [`Schema`], [`Registry`]: what a document must look like, the rules for what it may become, and which keys obey it
//! * [`decide`]: the commands as pure functions from a state to an [`Outcome`](decide::Outcome)
//! * [`codec`]: the bytes of a state and of an effect

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
mod etag;
mod expiry;
#[cfg(feature = "faults")]
pub mod faults;
mod json;
mod limits;
mod schema;
mod shown;
mod state;
mod time;
mod wire;

pub use budget::Budget;
pub use error::{Error, REJECTIONS, Violation};
pub use etag::{Etag, Expected};
pub use expiry::Ttl;
pub use json::change::{Change, ChangeKind};
pub use json::pointer::{POINTER_BYTES_MAX, Pointer};
pub use limits::{KEY_BYTES_MAX, Limits};
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
pub use state::etag_keys::Keys;
pub use state::history::History;
pub use state::idempotency::{Id, Made, Remembered};
pub use state::version::{Event, Label, SchemaRef, Version};
pub use time::iso8601;
