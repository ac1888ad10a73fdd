//! JSON as this crate needs it: exact text in, exact text out, and the edits a client can ask for.
//!
//! A document is canonical text. A container in it is looked into when somebody asks for what is in it (`tree`, `node`), and
//! passed over as a span (`skip`) until then. A change opens only the containers on the way to what it changes (`draft`) and writes the new text from
//! spans of the old one. serde_json's tree is not used for documents: it costs an allocation a value and ten times the time.
//! Its parser writes `1e400` as `1e+400`, takes an object whose first name is serde_json's private number token for a
//! number, and reports neither the depth nor the byte of an error in a way we can promise. json-patch removes members by
//! swapping the last one into the gap, which reorders the document, and its `test` tells 1.0 from 1. Schemas, which are read
//! once, are trees. The straightforward way to do everything here, on trees, is the `oracle` of the tests.

pub mod change;
pub(crate) mod charged;
pub(crate) mod decimal;
pub(crate) mod diff;
pub(crate) mod draft;
mod entry;
pub(crate) mod equal;
pub(crate) mod lookup;
mod merge;
pub(crate) mod name;
pub(crate) mod node;
#[cfg(test)]
#[path = "../../tests/oracle/mod.rs"]
pub(crate) mod oracle;
pub(crate) mod parse;
pub(crate) mod patch;
pub mod pointer;
mod skip;
pub(crate) mod strings;
pub(crate) mod tree;
pub(crate) mod written;

/// The canonical text of a tree: no insignificant space, strings as RFC 8785 writes them, number literals as they are.
pub(crate) fn to_text(value: &serde_json::Value) -> String {
    // Display of a Value can't fail: its maps have string names and its numbers are literals.
    value.to_string()
}
