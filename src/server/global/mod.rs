//! What a server has once: settings, schemas, counters.

pub mod cluster;
pub mod config;
pub mod counters;
mod misspelt;
pub mod names;
pub mod registry;
pub mod schema_dir;
