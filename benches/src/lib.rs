//! The data that whole-server figures and those of the core are made with: the same documents, changes and schemas.

pub mod document;
pub mod schema;
