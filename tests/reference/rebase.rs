//! REBASE: whether a change that was made for an earlier version touches a member that has changed
//! since.
//!
//! By lists of pointers, each compared with each.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::change::Kind;
use crate::pointer::{Tokens, tokens};

/// Whether no member that the change writes has changed between the version that it was made for
/// and the present one.
pub fn applies(kind: Kind, change: &Value, before: &Value, present: &Value) -> bool {
    !overlap(&written(kind, change, before, present), &changed(before, present))
}

/// Whether a pointer of one list is, contains or lies in one of the other.
pub fn overlap(left: &[Tokens], right: &[Tokens]) -> bool {
    left.iter().any(|one| right.iter().any(|other| one.starts_with(other) || other.starts_with(one)))
}

/// The members that differ between two documents.
pub fn changed(before: &Value, after: &Value) -> Vec<Tokens> {
    let list = |value| {
        let mut found = BTreeMap::new();
        members(value, Vec::new(), &mut found);
        found
    };
    let (before, after) = (list(before), list(after));
    let both = before.keys().chain(after.keys());
    both.filter(|pointer| before.get(*pointer) != after.get(*pointer)).cloned().collect()
}

/// Every member of a document: `None` for an object, which differs by its members, and the text of
/// anything else. An array is one member.
fn members(value: &Value, at: Tokens, found: &mut BTreeMap<Tokens, Option<String>>) {
    if let Value::Object(below) = value {
        for (name, value) in below {
            members(value, child(&at, name), found);
        }
        found.insert(at, None);
    } else {
        found.insert(at, Some(value.to_string()));
    }
}

/// The members that a change writes or reads, in the documents before and after.
pub fn written(kind: Kind, change: &Value, before: &Value, after: &Value) -> Vec<Tokens> {
    let mut found = Vec::new();
    match (kind, change) {
        (Kind::Merge, _) => leaves(change, Vec::new(), &mut found),
        (Kind::Shallow, Value::Object(members)) => {
            found.extend(members.keys().map(|name| vec![name.clone()]));
        }
        (Kind::Patch, Value::Array(operations)) => {
            for operation in operations {
                let of = |name: &str| operation[name].as_str().and_then(tokens).expect("a pointer");
                found.push(of("path"));
                if operation["op"] == "move" || operation["op"] == "copy" {
                    found.push(of("from"));
                }
            }
        }
        _ => found.push(Vec::new()),
    }
    found.iter().flat_map(|pointer| [cut(pointer, before), cut(pointer, after)]).collect()
}

/// The leaves of a merge patch; an empty object is a leaf.
fn leaves(patch: &Value, at: Tokens, found: &mut Vec<Tokens>) {
    match patch {
        Value::Object(below) if !below.is_empty() => {
            below.iter().for_each(|(name, value)| leaves(value, child(&at, name), found));
        }
        Value::Object(_) if at.is_empty() => {}
        _ => found.push(at),
    }
}

/// The pointer as far as the first array that it leads through.
fn cut(pointer: &Tokens, document: &Value) -> Tokens {
    let mut place = Some(document);
    for (index, token) in pointer.iter().enumerate() {
        if place.is_some_and(Value::is_array) {
            return pointer[..index].to_vec();
        }
        place = place.and_then(|place| place.get(token));
    }
    pointer.clone()
}

fn child(at: &Tokens, name: &str) -> Tokens {
    at.iter().cloned().chain([name.to_owned()]).collect()
}
