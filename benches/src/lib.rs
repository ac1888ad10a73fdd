//! The data of all benches: documents, changes and schemas.

pub mod document;
pub mod schema;
