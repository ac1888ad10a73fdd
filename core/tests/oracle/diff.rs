//! The difference of two documents as a JSON Patch (RFC 6902) that reproduces the second byte for
//! byte.
//!
//! Not json-patch's diff: it ignores member order, so a document rebuilt from its patches is the
//! same JSON with another text, and another etag. Arrays are compared after their common prefix and
//! suffix are set aside; the middle is compared by index. That finds a pushed, popped or changed
//! element, as in conversations; a longest common subsequence would cost the square.

use reference::pointer::escaped;
use serde_json::{Map, Value};

use crate::json::to_text;

/// The operations from `from` to `to`.
pub fn diff(from: &Value, to: &Value) -> Vec<Value> {
    let mut operations = Vec::new();
    compare(from, to, &mut String::new(), &mut operations);
    operations
}

/// The text of [`diff`].
pub fn diff_text(from: &Value, to: &Value) -> String {
    to_text(&Value::Array(diff(from, to)))
}

fn compare(from: &Value, to: &Value, path: &mut String, operations: &mut Vec<Value>) {
    match (from, to) {
        (Value::Object(old), Value::Object(new)) if keeps_order(old, new) => {
            members(old, new, path, operations)
        }
        (Value::Array(old), Value::Array(new)) => elements(old, new, path, operations),
        (Value::Object(_), Value::Object(_)) => operations.push(operation("replace", path, Some(to))),
        _ if from == to => {}
        _ => operations.push(operation("replace", path, Some(to))),
    }
}

/// An operation of a patch. Not by the `json!` macro: it copies a value by serialising it, which
/// rewrites number literals (`1e400`) and takes an object for a number when its first name is
/// serde_json's private one.
fn operation(op: &str, path: &str, value: Option<&Value>) -> Value {
    let texts = [("op", Value::from(op)), ("path", Value::from(path))];
    let members = texts.into_iter().chain(value.map(|value| ("value", value.clone())));
    Value::Object(members.map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Whether removing and appending members turns the order of `old` into that of `new`.
fn keeps_order(old: &Map<String, Value>, new: &Map<String, Value>) -> bool {
    let kept = old.keys().filter(|name| new.contains_key(*name));
    let mut names = new.keys();
    kept.zip(&mut names).all(|(old, new)| old == new) && names.all(|name| !old.contains_key(name))
}

fn members(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    path: &mut String,
    operations: &mut Vec<Value>,
) {
    let len = path.len();
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        operations.push(operation("remove", &format!("{path}/{}", escaped(name)), None));
    }
    for (name, value) in new {
        path.push('/');
        path.push_str(&escaped(name));
        match old.get(name) {
            Some(before) => compare(before, value, path, operations),
            None => operations.push(operation("add", path, Some(value))),
        }
        path.truncate(len);
    }
}

fn elements(old: &[Value], new: &[Value], path: &mut String, operations: &mut Vec<Value>) {
    let len = path.len();
    let shorter = old.len().min(new.len());
    let begin = old.iter().zip(new).take_while(|(old, new)| same_text(old, new)).count();
    let end = old.iter().rev().zip(new.iter().rev());
    let end = end.take_while(|(old, new)| same_text(old, new)).count().min(shorter.saturating_sub(begin));
    let old_middle = begin..old.len().saturating_sub(end);
    let new_middle = begin..new.len().saturating_sub(end);
    // From the back, so that the indices of later removals stay valid.
    for index in (new_middle.end.max(begin)..old_middle.end).rev() {
        operations.push(operation("remove", &format!("{path}/{index}"), None));
    }
    for index in new_middle {
        let Some(value) = new.get(index) else { continue };
        path.push('/');
        path.push_str(&index.to_string());
        match old.get(index).filter(|_| old_middle.contains(&index)) {
            Some(before) => compare(before, value, path, operations),
            None => operations.push(operation("add", path, Some(value))),
        }
        path.truncate(len);
    }
}

/// Equality with member order, as in the text.
fn same_text(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| left.0 == right.0 && same_text(left.1, right.1))
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same_text(left, right))
        }
        _ => left == right,
    }
}
