//! The reference model: the rules of one state, written a second time and as simply as possible.
//!
//! The model test, the linearizability checker and the audit check compare the server with it, and
//! the unit tests of `core` compare their JSON with [`json`]. Every rule that two of them need is
//! here once. What only the model test needs (the schemas, the order of checks, the replies) stays
//! in `tests/model`.
//!
//! The model shares no code with the product, so that it shares no mistake: Cargo.toml lists
//! neither `redis-state-core` nor a crate that depends on it. It works on whole documents and
//! searches lists from end to end. What a test notes about a commit or an attempt besides is a type
//! parameter.

pub mod attempts;
pub mod change;
pub mod expected;
pub mod json;
pub mod patch;
pub mod pointer;
pub mod rebase;
pub mod rollback;
pub mod versions;

#[cfg(test)]
mod tests;
