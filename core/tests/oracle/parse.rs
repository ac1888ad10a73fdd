//! The parser of the reference model.

use serde_json::Value;

/// The value of a text; `None` if it is not JSON.
pub fn parse(bytes: &[u8]) -> Option<Value> {
    reference::json::parse(std::str::from_utf8(bytes).ok()?)
}

/// How deep containers nest in a value: 0 for a scalar, 1 for `{}`.
pub fn depth(value: &Value) -> usize {
    reference::json::depth(&value.to_string())
}
