//! The commands as pure functions: a state, a request and the circumstances in; an [`Outcome`] or
//! an error out.
//!
//! Deciding changes nothing. The caller applies the outcome, all of it or nothing (invariants I1
//! and I3).

mod applicable_schema;
mod attempt;
mod attempted;
mod delete;
mod expected;
mod expiry;
mod idempotent;
mod lapse;
#[cfg(test)]
mod lapse_properties;
mod lapsed_document;
mod masking;
mod outcome;
mod proposal;
mod rebase;
mod recording;
mod recover;
mod reset;
mod restore;
mod rollback;
mod touch;
mod update;
mod wait;

pub use crate::audit::rebuild::RebuildEntry;
pub use crate::context::{Context, Metadata, Rights};
pub use crate::rung::Rung;
pub use attempt::{Try, attempt};
pub use delete::{Delete, delete};
pub use lapse::{charge_snapshot, lapse, lapsed_state, snapshot_document};
pub use outcome::{Course, Outcome, StateChange, Write};
pub use recover::{Recover, Recovered, recover};
pub use reset::{Reset, reset};
pub use rollback::{Rollback, Target, rollback};
pub use touch::touch;
pub use update::{Update, update};
pub use wait::{Awaited, wait};
