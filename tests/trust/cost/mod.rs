//! What one command costs a server at most: CPU of its main thread, memory at its peak, and what is left of it.
//!
//! A debug build is measured by what the same machine takes for an ordinary command, so many times that only a freeze goes above
//! it; a release build by the bounds that it promises, 50 ms and 64 MB. CPU time does not grow when the machine is busy, and what is too
//! expensive is measured again before it counts.
//!
//! Callgrind was rejected: its counts repeat to the instruction, but a server under it takes fifty times as long.

pub mod corpus;
mod corpus_commands;
mod corpus_memory;
mod corpus_numbers;
mod corpus_schemas;
pub mod figures;
pub mod meter;
pub mod script;
