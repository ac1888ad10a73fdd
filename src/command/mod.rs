//! The commands: one file each, and in each the same three steps.
//!
//! * parse: words to a request, without a context or a clock
//! * decide: the core computes the outcome
//! * commit: the server applies it, and the reply is written

pub mod attempt;
pub mod attempts;
pub mod delete;
pub mod diff;
pub mod effect;
#[cfg(feature = "faults")]
pub mod fault;
pub mod get;
pub mod help;
pub mod history;
pub mod meta;
#[cfg(feature = "faults")]
pub mod panic;
mod read;
pub mod recover;
pub mod reset;
pub mod rollback;
pub mod schema;
pub mod touch;
pub mod update;
pub mod validate;
pub mod wait;
