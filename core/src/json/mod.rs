//! JSON with exact text: parsing, comparing, patching and diffing.
//!
//! A document is canonical text. A container is parsed when its children are read (`tree`, `node`),
//! and passed over as a span (`skip`) until then. A change opens only the containers around it
//! (`draft`) and writes the new text from spans of the old one. Not serde_json's tree: it costs an
//! allocation for each value and ten times the time. Its parser writes `1e400` as `1e+400`, takes
//! an object whose first name is serde_json's private number token for a number, and reports
//! neither the depth nor the byte of an error reliably. json-patch removes a member by moving the
//! last one into its place, which reorders the document, and its `test` takes 1.0 and 1 for
//! different. Schemas, which are read once, are serde_json's trees. The tests compare everything
//! with an `oracle` that works on trees.

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

/// The canonical text of a tree: no insignificant space, strings as in RFC 8785, number literals as
/// written.
pub(crate) fn to_text(value: &serde_json::Value) -> String {
    // Display of a Value can't fail: its maps have string names and its numbers are literals.
    value.to_string()
}
