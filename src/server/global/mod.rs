//! What a server has once: settings and schemas.

pub mod config;
pub mod misspelt;
pub mod registry;
pub mod schema_dir;
