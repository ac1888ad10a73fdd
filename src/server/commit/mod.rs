//! How the outcome of a command is written, audited and replicated.

mod apply;
pub mod apply_effects;
pub mod audit_stream;
pub mod consumers;
pub mod effect;
pub mod feed;
mod rebuild_entries;
mod reject_counts;
mod rejection;
pub mod replicated;
mod replication;
pub mod slot_migration;
pub mod stream_entry;
pub mod transaction;
