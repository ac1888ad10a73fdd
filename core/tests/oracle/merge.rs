//! The two merges: JSON merge patch (RFC 7396) and the shallow merge of top-level members.

use serde_json::{Map, Value};

/// Applies a merge patch: `null` removes, objects merge, everything else replaces. Members keep
/// their places; new ones are appended.
pub fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else { return };
    // One pass: removing members one by one from an ordered map moves all that follow, each time.
    if patch.values().any(Value::is_null) {
        members.retain(|name, _| !patch.get(name).is_some_and(Value::is_null));
    }
    for (name, value) in patch {
        if !value.is_null() {
            merge(members.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// Replaces each top-level member that `change` names; `null` is a value. A change that is no
/// object replaces the document, and is rejected later like every result that is no object.
pub fn shallow(target: &mut Value, change: Value) {
    match (target, change) {
        (Value::Object(members), Value::Object(change)) => members.extend(change),
        (target, change) => *target = change,
    }
}
