//! JSON Patch (RFC 6902) on a tree.
//!
//! A patch of a few hundred bytes can double a document with each `copy`, or shift a long array ten
//! thousand times. So the result is measured after each operation: a patch that would exceed a
//! limit stops there.

use reference::pointer;
use serde_json::Value;

use super::equal::equal;
use super::parse::depth;
use super::{find, find_parent_mut, text_len_bytes};
use crate::error::Error;
use crate::json::pointer::Pointer;
use crate::limits::Limits;

/// Applies `patch` to `document`. After an error `document` is invalid: callers work on a copy
/// (invariant I3). Operations that read (`test`, `copy`, `move`) are rejected where `reads_secret`.
pub fn patch(
    document: &mut Value,
    patch: &Value,
    limits: &Limits,
    reads_secret: &dyn Fn(&Pointer) -> bool,
) -> Result<(), Error> {
    let operations = patch.as_array().ok_or(Error::BadPatchShape)?;
    let mut budget = Budget { bytes: text_len_bytes(document), limits };
    for (index, operation) in operations.iter().enumerate() {
        let rejected = |reason| Error::BadPatch { operation: index, reason };
        let operation = Operation::parse(operation).map_err(rejected)?;
        if operation.reads().is_some_and(reads_secret) {
            return Err(rejected("reads a secret".to_owned()));
        }
        match operation.apply(document, &mut budget) {
            Ok(()) => {}
            Err(Rejection::Reason(reason)) => return Err(rejected(reason)),
            Err(Rejection::Limit(error)) => return Err(error),
        }
    }
    Ok(())
}

enum Rejection {
    Reason(String),
    Limit(Error),
}

impl From<String> for Rejection {
    fn from(reason: String) -> Self {
        Rejection::Reason(reason)
    }
}

enum Operation<'p> {
    Add { path: Pointer, value: &'p Value },
    Remove { path: Pointer },
    Replace { path: Pointer, value: &'p Value },
    Move { from: Pointer, path: Pointer },
    Copy { from: Pointer, path: Pointer },
    Test { path: Pointer, value: &'p Value },
}

impl<'p> Operation<'p> {
    fn parse(operation: &'p Value) -> Result<Self, String> {
        let member = |name: &str| operation.get(name).ok_or(format!("member {name:?} is missing"));
        let text = |name: &str| member(name)?.as_str().ok_or(format!("member {name:?} must be a string"));
        let pointer = |name: &str| {
            let pointer = text(name)?;
            Pointer::parse(pointer)
                .ok_or(format!("member {name:?} must be a JSON pointer such as /current/data"))
        };
        Ok(match text("op")? {
            "add" => Operation::Add { path: pointer("path")?, value: member("value")? },
            "remove" => Operation::Remove { path: pointer("path")? },
            "replace" => Operation::Replace { path: pointer("path")?, value: member("value")? },
            "move" => Operation::Move { from: pointer("from")?, path: pointer("path")? },
            "copy" => Operation::Copy { from: pointer("from")?, path: pointer("path")? },
            "test" => Operation::Test { path: pointer("path")?, value: member("value")? },
            _ => return Err("op must be add, remove, replace, move, copy or test".to_owned()),
        })
    }

    /// The pointer that the operation reads.
    fn reads(&self) -> Option<&Pointer> {
        match self {
            Operation::Move { from, .. } | Operation::Copy { from, .. } => Some(from),
            Operation::Test { path, .. } => Some(path),
            Operation::Add { .. } | Operation::Remove { .. } | Operation::Replace { .. } => None,
        }
    }

    fn apply(self, document: &mut Value, budget: &mut Budget) -> Result<(), Rejection> {
        match self {
            Operation::Add { path, value } => add(document, &path, value.clone(), budget),
            Operation::Remove { path } => remove(document, &path, budget).map(drop),
            Operation::Replace { path, value } => {
                find(&path, document).ok_or_else(|| missing(&path))?;
                replace(document, &path, value.clone(), budget)
            }
            Operation::Move { from, path } => {
                if from.is_prefix_of(&path) && from != path {
                    return Err(format!("{from} can't move into itself").into());
                }
                let value = remove(document, &from, budget)?;
                add(document, &path, value, budget)
            }
            Operation::Copy { from, path } => {
                let value = find(&from, document).ok_or_else(|| missing(&from))?;
                let value = value.clone();
                add(document, &path, value, budget)
            }
            Operation::Test { path, value } => {
                let found = find(&path, document).ok_or_else(|| missing(&path))?;
                if equal(found, value) {
                    Ok(())
                } else {
                    Err(format!("test of {} failed", shown(&path)).into())
                }
            }
        }
    }
}

fn add(document: &mut Value, path: &Pointer, value: Value, budget: &mut Budget) -> Result<(), Rejection> {
    budget.check_depth(path, &value)?;
    if path.tokens().is_empty() {
        return replace(document, path, value, budget);
    }
    let (parent, last) = find_parent_mut(path, document).ok_or_else(|| missing_parent(path))?;
    match parent {
        Value::Object(members) => {
            budget.grow(text_len_bytes(&value), last.len())?;
            if let Some(old) = members.insert(last.to_owned(), value) {
                budget.shrink(text_len_bytes(&old), last.len());
            }
            Ok(())
        }
        Value::Array(elements) => {
            let len = elements.len();
            let index = if last == "-" { Some(len) } else { pointer::index(last) };
            let index = index.filter(|index| *index <= len).ok_or_else(|| bad_index(path, len))?;
            budget.grow(text_len_bytes(&value), 0)?;
            elements.insert(index, value);
            Ok(())
        }
        _ => Err(missing_parent(path)),
    }
}

fn remove(document: &mut Value, path: &Pointer, budget: &mut Budget) -> Result<Value, Rejection> {
    if path.tokens().is_empty() {
        return Err("the whole document can't be removed: STATE.DELETE does that".to_owned().into());
    }
    let (parent, last) = find_parent_mut(path, document).ok_or_else(|| missing(path))?;
    let removed = match parent {
        Value::Object(members) => members.shift_remove(last).ok_or_else(|| missing(path))?,
        Value::Array(elements) => {
            let len = elements.len();
            let index =
                pointer::index(last).filter(|index| *index < len).ok_or_else(|| bad_index(path, len))?;
            elements.remove(index)
        }
        _ => return Err(missing(path)),
    };
    let name_len = if parent.is_object() { last.len() } else { 0 };
    budget.shrink(text_len_bytes(&removed), name_len);
    Ok(removed)
}

fn replace(document: &mut Value, path: &Pointer, value: Value, budget: &mut Budget) -> Result<(), Rejection> {
    budget.check_depth(path, &value)?;
    budget.grow(text_len_bytes(&value), 0)?;
    let place = match find_parent_mut(path, document) {
        None => Some(document),
        Some((Value::Object(members), last)) => members.get_mut(last),
        Some((Value::Array(elements), last)) => {
            pointer::index(last).and_then(|index| elements.get_mut(index))
        }
        Some(_) => None,
    };
    let old = std::mem::replace(place.ok_or_else(|| missing(path))?, value);
    budget.shrink(text_len_bytes(&old), 0);
    Ok(())
}

fn shown(path: &Pointer) -> String {
    if path.tokens().is_empty() { "the whole document".to_owned() } else { path.to_string() }
}

fn missing(path: &Pointer) -> Rejection {
    Rejection::Reason(format!("there is nothing at {}", shown(path)))
}

fn missing_parent(path: &Pointer) -> Rejection {
    Rejection::Reason(format!("there is no object or array to hold {path}"))
}

fn bad_index(path: &Pointer, len: usize) -> Rejection {
    Rejection::Reason(format!("{path} is no index of an array of {len}"))
}

/// Counts the size of the document.
struct Budget<'l> {
    bytes: usize,
    limits: &'l Limits,
}

impl Budget<'_> {
    /// Counts a new value and its name. Commas and quotes are counted roughly: the exact size is
    /// checked after the change.
    fn grow(&mut self, value_bytes: usize, name_bytes: usize) -> Result<(), Rejection> {
        self.bytes = self.bytes.saturating_add(value_bytes).saturating_add(name_bytes);
        if self.bytes > self.limits.bytes_max.saturating_mul(2) {
            return Err(Rejection::Limit(Error::DocumentTooBig { limit: self.limits.bytes_max }));
        }
        Ok(())
    }

    fn shrink(&mut self, value_bytes: usize, name_bytes: usize) {
        self.bytes = self.bytes.saturating_sub(value_bytes).saturating_sub(name_bytes);
    }

    fn check_depth(&self, path: &Pointer, value: &Value) -> Result<(), Rejection> {
        let depth = path.tokens().len().saturating_add(depth(value));
        if depth > self.limits.depth_max {
            return Err(Rejection::Limit(Error::ResultTooDeep { depth, limit: self.limits.depth_max }));
        }
        Ok(())
    }
}
