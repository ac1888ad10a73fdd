//! Schemas: the shape of a document (JSON Schema 2020-12), its defaults and its annotations.

pub(crate) mod annotations;
mod binding_index;
pub(crate) mod bindings;
mod budget;
pub(crate) mod compiled;
mod defaults;
mod glob;
mod graph;
mod keywords;
mod pattern;
mod refs;
pub(crate) mod registry;
pub(crate) mod source;
mod subschema;
pub(crate) mod uncovered;
mod validate;
mod values;

pub use bindings::{BINDINGS_MAX, Binding};
pub use compiled::Schema;
pub use graph::SUBSCHEMAS_MAX;
pub use registry::{Registry, SCHEMAS_MAX};
pub use source::{SCHEMA_BYTES_MAX, SCHEMA_DEPTH_MAX};
pub use uncovered::Uncovered;
