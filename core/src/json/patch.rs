//! JSON patch (RFC 6902) under a budget.
//!
//! A patch of a few hundred bytes can double a document with each `copy`, or shift a long array ten thousand times.
//! So every operation is charged for the text it writes and the elements it moves, and the result is measured after
//! each: a patch that would grow past the limits stops there, and nobody else waits for it.

use super::draft::Draft;
use super::node::{Kind, Node};
use super::pointer::{Pointer, array_index};
use super::strings::raw;
use crate::error::Error;
use crate::limits::Limits;

/// What one patch may write and move, in bytes of text and shifted elements, before it is refused.
const WORK_MAX: usize = 16 * 1024 * 1024;

/// Applies `patch` to `document`. On an error `document` is spoiled: callers work on a copy (invariant I3). Operations
/// that read (`test`, `copy`, `move`) may not do so where `reads_secret`.
pub(crate) fn patch<'a>(
    document: &mut Draft<'a>,
    patch: Node<'a>,
    limits: &Limits,
    reads_secret: &dyn Fn(&Pointer) -> bool,
) -> Result<(), Error> {
    if patch.kind() != Kind::Array {
        return Err(Error::BadPatchShape);
    }
    let mut budget = Budget { bytes: document.text_len(), work: 0, limits };
    for (index, operation) in patch.children().enumerate() {
        let refused = |reason| Error::BadPatch { operation: index, reason };
        let operation = Operation::parse(operation).map_err(refused)?;
        if operation.reads().is_some_and(reads_secret) {
            return Err(refused("reads a secret".to_owned()));
        }
        match operation.apply(document, &mut budget) {
            Ok(()) => {}
            Err(Refusal::Reason(reason)) => return Err(refused(reason)),
            Err(Refusal::Limit(error)) => return Err(error),
        }
    }
    Ok(())
}

/// Where the operations of a patch write. An operation that puts what `is_no_mention` does not, nor does one that can't be read:
/// applying the patch will say so.
pub(crate) fn writes(patch: Node, is_no_mention: &dyn Fn(&Pointer, Node) -> bool) -> Vec<Pointer> {
    let places = operations(patch).map(|operation| match operation {
        Operation::Copy { path, .. } => [Some(path), None],
        Operation::Test { .. } => [None, None],
        operation => operation.places(is_no_mention),
    });
    places.flatten().flatten().collect()
}

/// As [`writes`], and where they read.
pub(crate) fn pointers(patch: Node, is_no_mention: &dyn Fn(&Pointer, Node) -> bool) -> Vec<Pointer> {
    operations(patch).flat_map(|operation| operation.places(is_no_mention)).flatten().collect()
}

fn operations(patch: Node<'_>) -> impl Iterator<Item = Operation<'_>> {
    let operations = if patch.kind() == Kind::Array { Some(patch.children()) } else { None };
    operations.into_iter().flatten().filter_map(|operation| Operation::parse(operation).ok())
}

enum Refusal {
    Reason(String),
    Limit(Error),
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Refusal::Reason(reason)
    }
}

enum Operation<'p> {
    Add { path: Pointer, value: Node<'p> },
    Remove { path: Pointer },
    Replace { path: Pointer, value: Node<'p> },
    Move { from: Pointer, path: Pointer },
    Copy { from: Pointer, path: Pointer },
    Test { path: Pointer, value: Node<'p> },
}

impl<'p> Operation<'p> {
    fn parse(operation: Node<'p>) -> Result<Self, String> {
        let member = |name: &str| operation.get(name).ok_or(format!("member {name:?} is missing"));
        let text = |name: &str| member(name)?.as_str().ok_or(format!("member {name:?} must be a string"));
        let pointer = |name: &str| {
            let pointer = text(name)?;
            Pointer::parse(&pointer)
                .ok_or(format!("member {name:?} must be a JSON pointer such as /current/data"))
        };
        Ok(match &*text("op")? {
            "add" => Operation::Add { path: pointer("path")?, value: member("value")? },
            "remove" => Operation::Remove { path: pointer("path")? },
            "replace" => Operation::Replace { path: pointer("path")?, value: member("value")? },
            "move" => Operation::Move { from: pointer("from")?, path: pointer("path")? },
            "copy" => Operation::Copy { from: pointer("from")?, path: pointer("path")? },
            "test" => Operation::Test { path: pointer("path")?, value: member("value")? },
            _ => return Err("op must be add, remove, replace, move, copy or test".to_owned()),
        })
    }

    /// Where the operation reads.
    fn reads(&self) -> Option<&Pointer> {
        match self {
            Operation::Move { from, .. } | Operation::Copy { from, .. } => Some(from),
            Operation::Test { path, .. } => Some(path),
            Operation::Add { .. } | Operation::Remove { .. } | Operation::Replace { .. } => None,
        }
    }

    /// Where it writes or reads.
    fn places(self, is_no_mention: &dyn Fn(&Pointer, Node) -> bool) -> [Option<Pointer>; 2] {
        match self {
            Operation::Add { path, value } | Operation::Replace { path, value } => {
                [(!is_no_mention(&path, value)).then_some(path), None]
            }
            Operation::Remove { path } | Operation::Test { path, .. } => [Some(path), None],
            Operation::Move { from, path } | Operation::Copy { from, path } => [Some(from), Some(path)],
        }
    }

    fn apply(self, document: &mut Draft<'p>, budget: &mut Budget) -> Result<(), Refusal> {
        match self {
            Operation::Add { path, value } => {
                budget.charge(value.text().len())?;
                add(document, &path, Draft::Same(value), budget)
            }
            Operation::Remove { path } => remove(document, &path, budget).map(drop),
            Operation::Replace { path, value } => {
                budget.charge(value.text().len())?;
                document.find_mut(&path).ok_or_else(|| missing(&path))?;
                replace(document, &path, Draft::Same(value), budget)
            }
            Operation::Move { from, path } => {
                if from.is_prefix_of(&path) && from != path {
                    return Err(format!("{from} can't move into itself").into());
                }
                let value = remove(document, &from, budget)?;
                add(document, &path, value, budget)
            }
            Operation::Copy { from, path } => {
                let value = document.find_mut(&from).ok_or_else(|| missing(&from))?;
                budget.charge(value.text_len())?;
                let value = value.clone();
                add(document, &path, value, budget)
            }
            Operation::Test { path, value } => {
                let found = document.find_mut(&path).ok_or_else(|| missing(&path))?;
                budget.charge(value.text().len())?;
                if found.equals(value) {
                    Ok(())
                } else {
                    Err(format!("test of {} failed", shown(&path)).into())
                }
            }
        }
    }
}

fn add<'a>(
    document: &mut Draft<'a>,
    path: &Pointer,
    value: Draft<'a>,
    budget: &mut Budget,
) -> Result<(), Refusal> {
    budget.check_depth(path, &value)?;
    if path.tokens().is_empty() {
        return replace(document, path, value, budget);
    }
    let (parent, last) = document.find_parent_mut(path).ok_or_else(|| missing_parent(path))?;
    if let Some(members) = parent.members_mut() {
        budget.grow(value.text_len(), last.len())?;
        if let Some(old) = members.insert(raw(last).into_owned(), value) {
            budget.shrink(old.text_len(), last.len());
        }
        return Ok(());
    }
    let elements = parent.elements_mut().ok_or_else(|| missing_parent(path))?;
    let len = elements.len();
    let index = if last == "-" { Some(len) } else { array_index(last) };
    let index = index.filter(|index| *index <= len).ok_or_else(|| bad_index(path, len))?;
    budget.charge(len.saturating_sub(index))?;
    budget.grow(value.text_len(), 0)?;
    elements.insert(index, value);
    Ok(())
}

fn remove<'a>(document: &mut Draft<'a>, path: &Pointer, budget: &mut Budget) -> Result<Draft<'a>, Refusal> {
    if path.tokens().is_empty() {
        return Err("the whole document can't be removed: STATE.DELETE does that".to_owned().into());
    }
    let (parent, last) = document.find_parent_mut(path).ok_or_else(|| missing(path))?;
    if let Some(members) = parent.members_mut() {
        budget.charge(members.len())?;
        let removed = members.remove(last).ok_or_else(|| missing(path))?;
        budget.shrink(removed.text_len(), last.len());
        return Ok(removed);
    }
    let elements = parent.elements_mut().ok_or_else(|| missing(path))?;
    let len = elements.len();
    let index = array_index(last).filter(|index| *index < len).ok_or_else(|| bad_index(path, len))?;
    budget.charge(len.saturating_sub(index))?;
    let removed = elements.remove(index);
    budget.shrink(removed.text_len(), 0);
    Ok(removed)
}

fn replace<'a>(
    document: &mut Draft<'a>,
    path: &Pointer,
    value: Draft<'a>,
    budget: &mut Budget,
) -> Result<(), Refusal> {
    budget.check_depth(path, &value)?;
    budget.grow(value.text_len(), 0)?;
    let place = document.find_mut(path).ok_or_else(|| missing(path))?;
    let old = std::mem::replace(place, value);
    budget.shrink(old.text_len(), 0);
    Ok(())
}

fn shown(path: &Pointer) -> String {
    if path.tokens().is_empty() { "the whole document".to_owned() } else { path.to_string() }
}

fn missing(path: &Pointer) -> Refusal {
    Refusal::Reason(format!("there is nothing at {}", shown(path)))
}

fn missing_parent(path: &Pointer) -> Refusal {
    Refusal::Reason(format!("there is no object or array to hold {path}"))
}

fn bad_index(path: &Pointer, len: usize) -> Refusal {
    Refusal::Reason(format!("{path} is no index of an array of {len}"))
}

/// Keeps count of the document's size and of the work done.
struct Budget<'l> {
    bytes: usize,
    work: usize,
    limits: &'l Limits,
}

impl Budget<'_> {
    fn charge(&mut self, work: usize) -> Result<(), Refusal> {
        self.work = self.work.saturating_add(work).saturating_add(1);
        if self.work > WORK_MAX {
            return Err("the patch copies and moves too much: send the members whole".to_owned().into());
        }
        Ok(())
    }

    /// A value (and its name, when it has one) came in. Counts a comma and name quotes roughly: the exact size is
    /// checked when the change is done.
    fn grow(&mut self, value_bytes: usize, name_bytes: usize) -> Result<(), Refusal> {
        self.charge(value_bytes)?;
        self.bytes = self.bytes.saturating_add(value_bytes).saturating_add(name_bytes);
        if self.bytes > self.limits.bytes_max.saturating_mul(2) {
            return Err(Refusal::Limit(Error::document_too_big(self.bytes, self.limits)));
        }
        Ok(())
    }

    fn shrink(&mut self, value_bytes: usize, name_bytes: usize) {
        self.bytes = self.bytes.saturating_sub(value_bytes).saturating_sub(name_bytes);
    }

    fn check_depth(&self, path: &Pointer, value: &Draft) -> Result<(), Refusal> {
        let depth = path.tokens().len().saturating_add(value.depth());
        if depth > self.limits.depth_max {
            return Err(Refusal::Limit(Error::ResultTooDeep { depth, limit: self.limits.depth_max }));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse::parse;
    use crate::json::tree::Tree;

    fn tree(text: &str) -> Tree<'_> {
        parse(text.as_bytes(), 64).expect(text)
    }

    fn patched(document: &str, operations: &str) -> Result<String, Error> {
        let limits = Limits { bytes_max: 4096, depth_max: 6, ..Limits::default() };
        let (document, operations) = (tree(document), tree(operations));
        let mut patched = Draft::Same(document.root());
        patch(&mut patched, operations.root(), &limits, &|_| false).map(|()| patched.to_text())
    }

    #[test]
    fn applies_the_operations_of_rfc_6902() {
        let offer = r#"{"current":{"data":{"amount":5,"handle":"zoe"},"steps":[1,2,3]}}"#;
        for (operation, result) in [
            (
                r#"{"op":"add","path":"/current/data/note","value":null}"#,
                r#"{"current":{"data":{"amount":5,"handle":"zoe","note":null},"steps":[1,2,3]}}"#,
            ),
            (
                r#"{"op":"add","path":"/current/steps/1","value":9}"#,
                r#"{"current":{"data":{"amount":5,"handle":"zoe"},"steps":[1,9,2,3]}}"#,
            ),
            (
                r#"{"op":"add","path":"/current/steps/-","value":9}"#,
                r#"{"current":{"data":{"amount":5,"handle":"zoe"},"steps":[1,2,3,9]}}"#,
            ),
            (
                r#"{"op":"remove","path":"/current/data/amount"}"#,
                r#"{"current":{"data":{"handle":"zoe"},"steps":[1,2,3]}}"#,
            ),
            (
                r#"{"op":"replace","path":"/current/data","value":{}}"#,
                r#"{"current":{"data":{},"steps":[1,2,3]}}"#,
            ),
            (
                r#"{"op":"move","from":"/current/steps/0","path":"/first"}"#,
                r#"{"current":{"data":{"amount":5,"handle":"zoe"},"steps":[2,3]},"first":1}"#,
            ),
            (
                r#"{"op":"copy","from":"/current/data/handle","path":"/current/steps/0"}"#,
                r#"{"current":{"data":{"amount":5,"handle":"zoe"},"steps":["zoe",1,2,3]}}"#,
            ),
            (r#"{"op":"test","path":"/current/data","value":{"handle":"zoe","amount":5.0}}"#, offer),
            (r#"{"op":"replace","path":"","value":{"a":1}}"#, r#"{"a":1}"#),
        ] {
            assert_eq!(patched(offer, &format!("[{operation}]")).as_deref(), Ok(result), "{operation}");
        }
    }

    #[test]
    fn says_which_operation_is_wrong() {
        for operation in [
            r#"{"op":"remove","path":"/nothing"}"#,
            r#"{"op":"remove","path":""}"#,
            r#"{"op":"spell","path":"/a"}"#,
            r#"{"op":"add","path":"/no/parent","value":1}"#,
            r#"{"op":"add","path":"/steps/4","value":1}"#,
            r#"{"op":"add","path":"/steps/01","value":1}"#,
            r#"{"op":"test","path":"/amount","value":6}"#,
            r#"{"op":"move","from":"/steps","path":"/steps/0"}"#,
            r#"{"op":"copy","from":"/x","path":"/y"}"#,
            r#"{"op":"add","path":"amount","value":1}"#,
            r#"{"op":"add","path":"/amount"}"#,
            r#"{"path":"/amount"}"#,
            r#"{"op":"replace","path":"/steps/-","value":1}"#,
            "7",
        ] {
            let all = format!(r#"[{{"op":"test","path":"/amount","value":5}},{operation}]"#);
            match patched(r#"{"amount":5,"steps":[1,2,3]}"#, &all) {
                Err(Error::BadPatch { operation: 1, .. }) => {}
                other => panic!("{operation}: {other:?}"),
            }
        }
        assert_eq!(patched("{}", r#"{"op":"add"}"#), Err(Error::BadPatchShape));
    }

    #[test]
    fn stops_before_a_document_explodes() {
        let doubling = r#"{"op":"copy","from":"","path":"/again"}"#;
        let all = format!("[{}]", [doubling; 30].join(","));
        assert!(matches!(patched(r#"{"note":"x"}"#, &all), Err(Error::ResultTooDeep { depth: 7, limit: 6 })));
        let wide =
            r#"{"op":"copy","from":"/list","path":"/list/-"},{"op":"replace","path":"/list/0","value":0}"#;
        let list = format!(r#"{{"list":["{}"]}}"#, "x".repeat(1500));
        let grown = patched(&list, &format!("[{}]", [wide; 40].join(",")));
        assert!(matches!(grown, Err(Error::TooBig { .. } | Error::ResultTooDeep { .. })), "{grown:?}");
    }

    #[test]
    fn charges_for_shifted_elements() {
        let limits = Limits::default();
        let list = format!("{{\"list\":[{}0]}}", "0,".repeat(200_000));
        let document = tree(&list);
        let shift = r#"{"op":"move","from":"/list/0","path":"/list/-"}"#;
        let all = format!("[{}]", [shift; 1000].join(","));
        let operations = tree(&all);
        match patch(&mut Draft::Same(document.root()), operations.root(), &limits, &|_| false) {
            Err(Error::BadPatch { operation, .. }) => assert!(operation > 10),
            other => panic!("{other:?}"),
        }
    }
}
