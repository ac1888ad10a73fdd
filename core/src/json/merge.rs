//! The two merges: JSON merge patch (RFC 7396) and the shallow merge of top-level members.

use serde_json::{Map, Value};

/// Applies a merge patch: `null` removes, objects merge, everything else replaces. Members keep their places; new
/// ones are appended.
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

/// Replaces each top-level member that `change` names, whole; `null` is a value. A change that is no object takes
/// the document's place, and is refused later as every result that is no object.
pub fn shallow(target: &mut Value, change: Value) {
    match (target, change) {
        (Value::Object(members), Value::Object(change)) => members.extend(change),
        (target, change) => *target = change,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{parse::parse, to_text};

    fn value(text: &str) -> Value {
        parse(text.as_bytes(), 64).expect(text)
    }

    #[test]
    fn merges_as_rfc_7396_appendix_a() {
        for (target, patch, result) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            (r#"[1,2]"#, r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            (r#"{}"#, r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            let mut merged = value(target);
            merge(&mut merged, value(patch));
            assert_eq!(to_text(&merged), result, "{target} + {patch}");
        }
    }

    #[test]
    fn shallow_replaces_members_whole_and_keeps_null() {
        let mut state = value(r#"{"current":{"path":"offer","data":{"amount":5}},"action":{"id":1}}"#);
        shallow(&mut state, value(r#"{"current":{"path":"menu"},"action":null,"note":1}"#));
        assert_eq!(to_text(&state), r#"{"current":{"path":"menu"},"action":null,"note":1}"#);
    }
}
