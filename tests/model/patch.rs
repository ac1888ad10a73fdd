//! RFC 6902 on a plain tree: the changes that PATCH makes, and the reading of what STATE.DIFF and the trail say.

use serde_json::Value;

use crate::json::{depth, get, get_mut, index, same, tokens};

/// Why a patch is refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// It is no array.
    NotAList,
    /// One of these operations, counted from 0. There are two when one can't be read and an earlier one can't be
    /// applied: the contract does not say which is looked at first. Nor does it when there is no place for a value that
    /// would be too deep there.
    Operation { numbers: Vec<usize>, too_deep: bool },
    /// The document is too big or too deep on the way, whatever comes later. The contract has limits for the result only,
    /// and a server must be free to stop there or to go on: no such patch is played.
    OnTheWay,
}

/// The largest and the deepest document.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub bytes_max: usize,
    pub depth_max: usize,
}

enum Operation {
    Add(Vec<String>, Value),
    Remove(Vec<String>),
    Replace(Vec<String>, Value),
    Move { from: Vec<String>, path: Vec<String> },
    Copy { from: Vec<String>, path: Vec<String> },
    Test(Vec<String>, Value),
}

/// Applies a patch that may not read `secrets`. Whether the result is too big or too deep is the caller's affair.
pub fn apply(document: &Value, patch: &Value, size: Size, secrets: &[Vec<String>]) -> Result<Value, Failure> {
    let Value::Array(patch) = patch else { return Err(Failure::NotAList) };
    let operations: Vec<Option<Operation>> = patch.iter().map(read).collect();
    let unreadable = operations.iter().position(Option::is_none);
    let mut result = document.clone();
    let mut exceeded = false;
    for (number, operation) in operations.into_iter().enumerate() {
        if exceeded {
            return Err(Failure::OnTheWay);
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

/// How deep the document would be where the operation writes.
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
    fn reads_any(&self, places: &[Vec<String>]) -> bool {
        let read = match self {
            Operation::Move { from: read, .. } | Operation::Copy { from: read, .. } => read,
            Operation::Test(read, _) => read,
            Operation::Add(..) | Operation::Remove(_) | Operation::Replace(..) => return false,
        };
        places.iter().any(|place| place.starts_with(read) || read.starts_with(place))
    }
}

/// Applies a patch that must work: one that the module has written.
pub fn apply_text(document: &str, patch: &str) -> Result<String, String> {
    let read = |text: &str| crate::json::parse(text).ok_or(format!("no JSON: {text}"));
    let unbounded = Size { bytes_max: usize::MAX, depth_max: usize::MAX };
    let result = apply(&read(document)?, &read(patch)?, unbounded, &[]);
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
            // Into itself: there would be no place left to put it.
            let into_itself = path.len() > from.len() && path.starts_with(&from);
            if into_itself {
                return None;
            }
            // By the letter, a member that moves to where it is comes to stand last.
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
        Value::Array(items) if last == "-" => items.push(value),
        Value::Array(items) => {
            let at = index(last).filter(|at| *at <= items.len())?;
            items.insert(at, value);
        }
        _ => return None,
    }
    Some(())
}

/// The root can't be removed: there would be no document.
fn remove(document: &mut Value, path: &[String]) -> Option<Value> {
    let (last, parent) = path.split_last()?;
    match get_mut(document, parent)? {
        Value::Object(members) => members.shift_remove(last),
        Value::Array(items) => {
            let at = index(last).filter(|at| *at < items.len())?;
            Some(items.remove(at))
        }
        _ => None,
    }
}
