//! JSON Patch (RFC 6902) under the budget of the command.
//!
//! A patch of a few hundred bytes can double a document with each `copy`, or shift a long array ten
//! thousand times. So every operation charges what it opens, looks up, copies and moves, and the
//! result is measured after each: a patch that would exceed a limit stops there, and does not block
//! the server.

use super::charged::{BYTE_COMPARED, ELEMENT_SHIFTED};
use super::draft::Draft;
use super::node::{Kind, Node};
use super::pointer::{Pointer, array_index};
use super::strings::raw;
use crate::budget::Budget;
use crate::error::Error;
use crate::limits::Limits;
use crate::shown::Shown;

/// Parsing an operation, and each byte of it.
const OPERATION: usize = 1000;
const OPERATION_BYTES: usize = 8;

/// Applies `patch` to `document`. After an error `document` is invalid: callers work on a copy
/// (invariant I3). Operations that read (`test`, `copy`, `move`) are rejected where `reads_secret`.
pub(crate) fn patch<'a>(
    document: &mut Draft<'a>,
    patch: Node<'a>,
    limits: &Limits,
    budget: &Budget,
    reads_secret: &dyn Fn(&Pointer) -> bool,
) -> Result<(), Error> {
    if patch.kind() != Kind::Array {
        return Err(Error::BadPatchShape);
    }
    let bytes = document.measured(budget)?.bytes;
    let mut patched = Patched { document, bytes, limits, budget };
    for (index, operation) in patch.children().enumerate() {
        let rejected = |reason| Error::BadPatch { operation: index, reason };
        budget.charge((operation.text().len() / OPERATION_BYTES).saturating_add(OPERATION))?;
        let operation = Operation::parse(operation).map_err(rejected)?;
        if operation.reads().is_some_and(reads_secret) {
            return Err(rejected("reads a secret".to_owned()));
        }
        match patched.apply(operation) {
            Ok(()) => {}
            Err(Rejection::Reason(reason)) => return Err(rejected(reason)),
            Err(Rejection::Limit(error)) => return Err(error),
        }
    }
    Ok(())
}

/// The pointers that the operations of a patch write. An operation that writes a value that
/// `is_masked_secret` has none; nor has a malformed one, which fails when the patch is applied.
pub(crate) fn writes(patch: Node, is_masked_secret: &dyn Fn(&Pointer, Node) -> bool) -> Vec<Pointer> {
    let places = operations(patch).map(|operation| match operation {
        Operation::Copy { path, .. } => [Some(path), None],
        Operation::Test { .. } => [None, None],
        operation => operation.places(is_masked_secret),
    });
    places.flatten().flatten().collect()
}

/// As [`writes`], with the pointers that they read.
pub(crate) fn pointers(patch: Node, is_masked_secret: &dyn Fn(&Pointer, Node) -> bool) -> Vec<Pointer> {
    operations(patch).flat_map(|operation| operation.places(is_masked_secret)).flatten().collect()
}

fn operations(patch: Node<'_>) -> impl Iterator<Item = Operation<'_>> {
    let operations = if patch.kind() == Kind::Array { Some(patch.children()) } else { None };
    operations.into_iter().flatten().filter_map(|operation| Operation::parse(operation).ok())
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

impl From<Error> for Rejection {
    fn from(limit: Error) -> Self {
        Rejection::Limit(limit)
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

    /// The pointer that the operation reads.
    fn reads(&self) -> Option<&Pointer> {
        match self {
            Operation::Move { from, .. } | Operation::Copy { from, .. } => Some(from),
            Operation::Test { path, .. } => Some(path),
            Operation::Add { .. } | Operation::Remove { .. } | Operation::Replace { .. } => None,
        }
    }

    /// The pointers that it writes or reads.
    fn places(self, is_masked_secret: &dyn Fn(&Pointer, Node) -> bool) -> [Option<Pointer>; 2] {
        match self {
            Operation::Add { path, value } | Operation::Replace { path, value } => {
                [(!is_masked_secret(&path, value)).then_some(path), None]
            }
            Operation::Remove { path } | Operation::Test { path, .. } => [Some(path), None],
            Operation::Move { from, path } | Operation::Copy { from, path } => [Some(from), Some(path)],
        }
    }
}

/// The document between operations.
struct Patched<'d, 'a, 'l> {
    document: &'d mut Draft<'a>,
    /// The approximate length of its text.
    bytes: usize,
    limits: &'l Limits,
    budget: &'l Budget,
}

impl<'a> Patched<'_, 'a, '_> {
    fn apply(&mut self, operation: Operation<'a>) -> Result<(), Rejection> {
        match operation {
            Operation::Add { path, value } => self.add(&path, Draft::Same(value)),
            Operation::Remove { path } => self.remove(&path).map(drop),
            Operation::Replace { path, value } => {
                self.find(&path)?;
                self.replace(&path, Draft::Same(value))
            }
            Operation::Move { from, path } => {
                if from.is_prefix_of(&path) && from != path {
                    return Err(format!("{} can't move into itself", cut(&from)).into());
                }
                let value = self.remove(&from)?;
                self.add(&path, value)
            }
            Operation::Copy { from, path } => {
                let budget = self.budget;
                let value = self.find(&from)?;
                value.measured(budget)?.charge_copy(budget)?;
                let value = value.clone();
                self.add(&path, value)
            }
            Operation::Test { path, value } => {
                self.budget.charge(value.text().len().saturating_mul(BYTE_COMPARED))?;
                let found = self.find(&path)?;
                if found.equals(value) {
                    Ok(())
                } else {
                    Err(format!("test of {} failed", shown(&path)).into())
                }
            }
        }
    }

    fn find(&mut self, path: &Pointer) -> Result<&mut Draft<'a>, Rejection> {
        self.document.find_charged(path, self.budget)?.ok_or_else(|| missing(path))
    }

    fn add(&mut self, path: &Pointer, value: Draft<'a>) -> Result<(), Rejection> {
        if path.tokens().is_empty() {
            return self.replace(path, value);
        }
        let bytes = self.admit(path, &value)?;
        let parent = self.document.find_parent_charged(path, self.budget)?;
        let (parent, last) = parent.ok_or_else(|| missing_parent(path))?;
        match parent {
            Draft::Same(_) => Err(missing_parent(path)),
            Draft::Object(members) => {
                let old = members.insert(raw(last).into_owned(), value);
                self.change_bytes(bytes, last.len(), old)
            }
            Draft::Array(elements) => {
                let len = elements.len();
                let index = if last == "-" { Some(len) } else { array_index(last) };
                let index = index.filter(|index| *index <= len).ok_or_else(|| bad_index(path, len))?;
                charge_shift(len.saturating_sub(index), self.budget)?;
                elements.insert(index, value);
                self.change_bytes(bytes, 0, None)
            }
        }
    }

    fn remove(&mut self, path: &Pointer) -> Result<Draft<'a>, Rejection> {
        if path.tokens().is_empty() {
            return Err("the whole document can't be removed: STATE.DELETE does that".to_owned().into());
        }
        let parent = self.document.find_parent_charged(path, self.budget)?;
        let (parent, last) = parent.ok_or_else(|| missing(path))?;
        let removed = match parent {
            Draft::Same(_) => return Err(missing(path)),
            Draft::Object(members) => {
                let removed = members.remove(last).ok_or_else(|| missing(path))?;
                self.bytes = self.bytes.saturating_sub(last.len());
                removed
            }
            Draft::Array(elements) => {
                let len = elements.len();
                let index =
                    array_index(last).filter(|index| *index < len).ok_or_else(|| bad_index(path, len))?;
                charge_shift(len.saturating_sub(index), self.budget)?;
                elements.remove(index)
            }
        };
        self.bytes = self.bytes.saturating_sub(removed.measured(self.budget)?.bytes);
        Ok(removed)
    }

    fn replace(&mut self, path: &Pointer, value: Draft<'a>) -> Result<(), Rejection> {
        let bytes = self.admit(path, &value)?;
        let old = std::mem::replace(self.find(path)?, value);
        self.change_bytes(bytes, 0, Some(old))
    }

    /// Rejects a value that would be too deep, or make the document too long; returns its length.
    fn admit(&self, path: &Pointer, value: &Draft) -> Result<usize, Rejection> {
        let size = value.measured(self.budget)?;
        let depth = value.depth_charged(size, self.budget)?;
        let depth = path.tokens().len().saturating_add(depth);
        if depth > self.limits.depth_max {
            return Err(Error::ResultTooDeep { depth, limit: self.limits.depth_max }.into());
        }
        Ok(size.bytes)
    }

    /// Counts a new value, with its name if it has one, and perhaps a removed one. Commas and
    /// quotes are counted roughly: the exact size is checked after the change.
    fn change_bytes(&mut self, bytes: usize, name_bytes: usize, old: Option<Draft>) -> Result<(), Rejection> {
        let grown = self.bytes.saturating_add(bytes).saturating_add(name_bytes);
        if grown > self.limits.bytes_max.saturating_mul(2) {
            return Err(Error::DocumentTooBig { limit: self.limits.bytes_max }.into());
        }
        self.bytes = match old {
            Some(old) => grown.saturating_sub(old.measured(self.budget)?.bytes).saturating_sub(name_bytes),
            None => grown,
        };
        Ok(())
    }
}

fn charge_shift(elements: usize, budget: &Budget) -> Result<(), Error> {
    budget.charge(elements.saturating_mul(ELEMENT_SHIFTED))
}

fn shown(path: &Pointer) -> String {
    if path.tokens().is_empty() { "the whole document".to_owned() } else { cut(path) }
}

fn cut(path: &Pointer) -> String {
    Shown(&path.to_string()).to_string()
}

fn missing(path: &Pointer) -> Rejection {
    Rejection::Reason(format!("there is nothing at {}", shown(path)))
}

fn missing_parent(path: &Pointer) -> Rejection {
    Rejection::Reason(format!("there is no object or array to hold {}", cut(path)))
}

fn bad_index(path: &Pointer, len: usize) -> Rejection {
    Rejection::Reason(format!("{} is no index of an array of {len}", cut(path)))
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
        let budget = Budget::new(&limits);
        patch(&mut patched, operations.root(), &limits, &budget, &|_| false)
            .map(|()| patched.into_tree().into_text())
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
        assert!(
            matches!(grown, Err(Error::DocumentTooBig { .. } | Error::ResultTooDeep { .. })),
            "{grown:?}"
        );
    }

    /// The charge of patching a document of a megabyte, or that it is too costly.
    fn cost(document: &str, operations: &[&str]) -> Result<u64, Error> {
        let (limits, document) = (Limits::default(), tree(document));
        let operations = tree(&format!("[{}]", operations.join(","))).into_text();
        let (operations, budget) = (tree(&operations), Budget::new(&limits));
        let mut patched = Draft::Same(document.root());
        patch(&mut patched, operations.root(), &limits, &budget, &|_| false)?;
        Ok(budget.used())
    }

    fn wide_object(members: usize) -> String {
        let members: Vec<String> = (0..members).map(|n| format!(r#""account_{n:06}":{n}"#)).collect();
        format!("{{{}}}", members.join(","))
    }

    fn long_array(elements: usize) -> String {
        format!(r#"{{"list":[{}0]}}"#, "0,".repeat(elements))
    }

    #[test]
    fn shifted_elements_are_charged() {
        let shift = r#"{"op":"move","from":"/list/0","path":"/list/-"}"#;
        assert!(matches!(cost(&long_array(200_000), &[shift; 1000]), Err(Error::TooCostly { .. })));
        assert!(cost(&long_array(2_000), &[shift; 1000]).is_ok());
    }

    #[test]
    fn a_removal_from_a_wide_object_costs_no_more_than_a_lookup() {
        let operations: Vec<String> = (0..50)
            .flat_map(|n| {
                let replace = |m| format!(r#"{{"op":"replace","path":"/account_{m:06}","value":1}}"#);
                let remove = format!(r#"{{"op":"remove","path":"/account_{n:06}"}}"#);
                [remove, replace(1000), replace(9000), replace(24_000)]
            })
            .collect();
        let operations: Vec<&str> = operations.iter().map(String::as_str).collect();
        let wide = wide_object(25_000);
        // The third removal builds the name table, once.
        let (one, all) = (cost(&wide, &operations[..12]), cost(&wide, &operations));
        let (one, all) = (one.expect("cheap"), all.expect("cheap"));
        assert!(all < one + 200 * 3000, "{one} {all}");
    }

    #[test]
    fn copies_of_what_was_opened_are_charged() {
        let opened = r#"{"op":"replace","path":"/list/0","value":1}"#;
        let copy = r#"{"op":"copy","from":"/list","path":"/again"}"#;
        let list = long_array(50_000);
        let (one, two) =
            (cost(&list, &[opened]).expect("cheap"), cost(&list, &[opened, copy]).expect("cheap"));
        assert!(two > one + 50_000 * 120, "{one} {two}");
        let copies = [&[opened][..], &[copy; 20]].concat();
        assert!(matches!(cost(&list, &copies), Err(Error::TooCostly { .. })));
    }

    #[test]
    fn tests_of_large_values_are_charged() {
        let list = long_array(100_000);
        let test = format!(r#"{{"op":"test","path":"","value":{list}}}"#);
        assert!(cost(&list, &[&test]).is_ok());
        assert!(matches!(cost(&list, &[test.as_str(); 20]), Err(Error::TooCostly { .. })));
    }
}
