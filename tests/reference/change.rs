//! The four kinds of change that an update makes.

use serde_json::{Map, Value};

use crate::patch::{self, Failure, Size};
use crate::pointer::Tokens;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Merge,
    Shallow,
    Patch,
    Replace,
}

/// The document after a change. Only a patch can fail; it may not read `secrets`.
pub fn apply(
    kind: Kind,
    document: &Value,
    change: Value,
    size: Size,
    secrets: &[Tokens],
) -> Result<Value, Failure> {
    let mut document = document.clone();
    match kind {
        Kind::Merge => merge(&mut document, change),
        Kind::Shallow => shallow(&mut document, change),
        Kind::Patch => return patch::apply(&document, &change, size, secrets),
        Kind::Replace => document = change,
    }
    Ok(document)
}

/// JSON Merge Patch (RFC 7396). Members keep their places; new ones are appended.
pub fn merge(target: &mut Value, change: Value) {
    let Value::Object(change) = change else {
        *target = change;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else { unreachable!("an object since the line above") };
    for (name, value) in change {
        if value.is_null() {
            members.shift_remove(&name);
        } else {
            merge(members.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// Replaces each top-level member that the change names; null is a value. A change that is no
/// object replaces the document.
pub fn shallow(target: &mut Value, change: Value) {
    match (target, change) {
        (Value::Object(members), Value::Object(change)) => members.extend(change),
        (target, change) => *target = change,
    }
}
