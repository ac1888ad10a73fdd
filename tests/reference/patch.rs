//! JSON Patch (RFC 6902): the changes of PATCH, and the patches in STATE.DIFF and audit entries.

use serde_json::Value;

use crate::json::{depth, parse, same};
use crate::pointer::{Tokens, get, get_mut, index, tokens};

/// Why a patch is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    NoArray,
    /// One of these operations, counted from 0. There are two when one can't be read and an earlier
    /// one can't be applied: which is found first is unspecified. So is the error for a value that
    /// has no place where it would be too deep.
    Operation {
        numbers: Vec<usize>,
        too_deep: bool,
    },
    /// An operation before the last one makes the document too large or too deep. The limits are
    /// specified for the result only, so the server may stop there or go on.
    Intermediate,
}

/// The limits of a document.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub bytes_max: usize,
    pub depth_max: usize,
}

impl Size {
    pub const UNLIMITED: Size = Size { bytes_max: usize::MAX, depth_max: usize::MAX };
}

enum Operation {
    Add(Tokens, Value),
    Remove(Tokens),
    Replace(Tokens, Value),
    Move { from: Tokens, path: Tokens },
    Copy { from: Tokens, path: Tokens },
    Test(Tokens, Value),
}

/// Applies a patch that may not read `secrets`. The caller checks the size of the result.
pub fn apply(document: &Value, patch: &Value, size: Size, secrets: &[Tokens]) -> Result<Value, Failure> {
    let Value::Array(patch) = patch else { return Err(Failure::NoArray) };
    let operations: Vec<Option<Operation>> = patch.iter().map(read).collect();
    let unreadable = operations.iter().position(Option::is_none);
    let mut result = document.clone();
    let mut exceeded = false;
    for (number, operation) in operations.into_iter().enumerate() {
        if exceeded {
            return Err(Failure::Intermediate);
        }
        let too_deep = operation.as_ref().is_some_and(|it| levels(&result, it) > size.depth_max);
        let allowed = operation.filter(|operation| !operation.reads_any(secrets));
        if allowed.and_then(|operation| run(&mut result, operation)).is_none() {
            let mut numbers = vec![number];
            numbers.extend(unreadable.filter(|unreadable| *unreadable != number));
            return Err(Failure::Operation { numbers, too_deep });
        }
        let text = result.to_string();
        exceeded = text.len() > size.bytes_max || depth(&text) > size.depth_max;
    }
    Ok(result)
}

/// The depth of the document where the operation writes.
fn levels(document: &Value, operation: &Operation) -> usize {
    let (path, value) = match operation {
        Operation::Add(path, value) | Operation::Replace(path, value) => (path, Some(value)),
        Operation::Move { from, path } | Operation::Copy { from, path } => (path, get(document, from)),
        Operation::Remove(_) | Operation::Test(..) => return 0,
    };
    value.map_or(0, |value| path.len() + depth(&value.to_string()))
}

impl Operation {
    /// Whether it reads at, above or below one of these places.
    fn reads_any(&self, places: &[Tokens]) -> bool {
        let read = match self {
            Operation::Move { from: read, .. } | Operation::Copy { from: read, .. } => read,
            Operation::Test(read, _) => read,
            Operation::Add(..) | Operation::Remove(_) | Operation::Replace(..) => return false,
        };
        places.iter().any(|place| place.starts_with(read) || read.starts_with(place))
    }
}

/// Applies a patch that the server has written, and that therefore applies.
pub fn apply_text(document: &str, patch: &str) -> Result<String, String> {
    let read = |text: &str| parse(text).ok_or(format!("not JSON: {text}"));
    let result = apply(&read(document)?, &read(patch)?, Size::UNLIMITED, &[]);
    result.map(|value| value.to_string()).map_err(|failure| format!("{failure:?} in {patch} on {document}"))
}

fn read(operation: &Value) -> Option<Operation> {
    let word = |name: &str| operation.get(name).and_then(Value::as_str);
    let path = tokens(word("path")?)?;
    let from = || tokens(word("from")?);
    let value = || operation.get("value").cloned();
    Some(match word("op")? {
        "add" => Operation::Add(path, value()?),
        "remove" => Operation::Remove(path),
        "replace" => Operation::Replace(path, value()?),
        "move" => Operation::Move { from: from()?, path },
        "copy" => Operation::Copy { from: from()?, path },
        "test" => Operation::Test(path, value()?),
        _ => return None,
    })
}

fn run(document: &mut Value, operation: Operation) -> Option<()> {
    match operation {
        Operation::Add(path, value) => add(document, &path, value),
        Operation::Remove(path) => remove(document, &path).map(drop),
        Operation::Replace(path, value) => {
            *get_mut(document, &path)? = value;
            Some(())
        }
        Operation::Move { from, path } => {
            let into_itself = path.len() > from.len() && path.starts_with(&from);
            if into_itself {
                return None;
            }
            // RFC 6902 removes and adds, so a member that moves to its own place becomes the last.
            let value = remove(document, &from)?;
            add(document, &path, value)
        }
        Operation::Copy { from, path } => {
            let value = get(document, &from)?.clone();
            add(document, &path, value)
        }
        Operation::Test(path, value) => same(get(document, &path)?, &value).then_some(()),
    }
}

fn add(document: &mut Value, path: &[String], value: Value) -> Option<()> {
    let Some((last, parent)) = path.split_last() else {
        *document = value;
        return Some(());
    };
    match get_mut(document, parent)? {
        Value::Object(members) => drop(members.insert(last.clone(), value)),
        Value::Array(elements) if last == "-" => elements.push(value),
        Value::Array(elements) => {
            let index = index(last).filter(|index| *index <= elements.len())?;
            elements.insert(index, value);
        }
        _ => return None,
    }
    Some(())
}

/// Not the root: a state has a document.
fn remove(document: &mut Value, path: &[String]) -> Option<Value> {
    let (last, parent) = path.split_last()?;
    match get_mut(document, parent)? {
        Value::Object(members) => members.shift_remove(last),
        Value::Array(elements) => {
            let index = index(last).filter(|index| *index < elements.len())?;
            Some(elements.remove(index))
        }
        _ => None,
    }
}
