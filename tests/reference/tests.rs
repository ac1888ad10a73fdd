//! Unit tests of the model itself, for rules that are easy to get wrong.

use serde_json::Value;

use crate::attempts::{Attempts, Outcome};
use crate::change::Kind;
use crate::expected::{Expected, Mismatch};
use crate::json::{depth, parse, same, tree};
use crate::rollback::{NoTarget, Rollback, Target};
use crate::versions::Versions;
use crate::{patch, rebase};

#[test]
fn texts_are_kept_exactly() {
    let text = r#"{"b":1e400,"a":[1.10,"é\u0000"],"$serde_json::private::Number":-0}"#;
    assert_eq!(tree(text).to_string(), text);
    assert_eq!(tree(r#" {"a" : 1, "b":2 , "a":3} "#).to_string(), r#"{"a":3,"b":2}"#);
    for invalid in ["", "{", "{} {}", r#"{"a":01}"#, r#""\ud800""#, "nul"] {
        assert_eq!(parse(invalid), None, "{invalid}");
    }
    assert_eq!([depth("1"), depth("{}"), depth(r#"[{"a":"[[["}]"#)], [0, 1, 2]);
}

#[test]
fn numbers_are_equal_by_value() {
    for (left, right) in [("1", "1.0"), ("0", "-0.0"), ("1e2", "100"), ("-2.50", "-25E-1")] {
        assert!(same(&tree(left), &tree(right)), "{left} and {right}");
    }
    for (left, right) in [("0.1", "0.10000000000000001"), ("1", "-1"), ("1e400", "1e401")] {
        assert!(!same(&tree(left), &tree(right)), "{left} and {right}");
    }
}

#[test]
fn patch_keeps_the_order_of_members() {
    let moved = patch::apply_text(r#"{"a":1,"b":2,"c":3}"#, r#"[{"op":"move","from":"/a","path":"/a"}]"#);
    assert_eq!(moved.as_deref(), Ok(r#"{"b":2,"c":3,"a":1}"#));
}

fn versions(count: u64) -> Versions<()> {
    let mut versions = Versions::default();
    (0..count).for_each(|number| versions.commit(number, format!("{{\"n\":{number}}}").into(), ()));
    versions
}

#[test]
fn labelled_versions_are_kept_besides_the_newest_snapshots() {
    let mut versions = versions(6);
    versions.set_label("menu", 1);
    versions.set_label("offer", 2);
    versions.trim(2, 1);
    assert_eq!(versions.numbers(), [2, 4, 5, 6]);
    versions.trim(0, 0);
    assert_eq!(versions.numbers(), [6]);
}

#[test]
fn rollback_follows_parents() {
    let mut versions = versions(3);
    let rollback =
        |target| Rollback { target, only: None, keep: &|_: &mut Value, _: &Value| {}, is_valid: &|_| true };
    let found = |versions: &Versions<()>, target| versions.roll_back(&rollback(target));
    let document = |number: u64| tree(&format!("{{\"n\":{}}}", number - 1));
    assert_eq!(found(&versions, Target::Steps(1)), Ok((1, document(2))));
    assert_eq!(found(&versions, Target::Version(1)), Ok((0, document(1))));
    // Version 4 is a rollback to version 2, so that one step back is version 1.
    versions.commit(1, document(2).to_string().into(), ());
    assert_eq!(found(&versions, Target::Steps(1)), Ok((0, document(1))));
    assert_eq!(found(&versions, Target::Steps(2)), Err(NoTarget::NotKept));
    assert_eq!(found(&versions, Target::Label("menu")), Err(NoTarget::NoSuchLabel("menu".into())));
}

#[test]
fn expected_versions_lock() {
    let present = Some((7, &"7-a"));
    assert_eq!(Expected::Etag("7-a").check(present, false), Ok(()));
    assert_eq!(Expected::Etag("7-b").check(present, false), Err(Mismatch::Conflict));
    assert_eq!(Expected::<&str>::Absent.check(present, true), Err(Mismatch::Conflict));
    assert_eq!(Expected::<&str>::Absent.check(None, true), Ok(()));
    assert_eq!(Expected::<&str>::Any.check(None, false), Err(Mismatch::NoState));
    assert_eq!(Expected::<&str>::Version(7).check(None, true), Err(Mismatch::NoState));
}

#[test]
fn rebase_needs_other_members() {
    let (before, present) = (tree(r#"{"a":{"b":1},"c":[1]}"#), tree(r#"{"a":{"b":2},"c":[1]}"#));
    let applies = |kind, change| rebase::applies(kind, &tree(change), &before, &present);
    assert!(applies(Kind::Merge, r#"{"a":{"x":1}}"#));
    assert!(applies(Kind::Patch, r#"[{"op":"add","path":"/c/0","value":1}]"#));
    assert!(!applies(Kind::Merge, r#"{"a":{"b":1}}"#));
    assert!(!applies(Kind::Shallow, r#"{"a":{"x":1}}"#));
    assert!(!applies(Kind::Replace, "{}"));
}

#[test]
fn clearing_starts_the_count_again() {
    let mut attempts = Attempts::default();
    for outcome in [Outcome::Failure, Outcome::Clear, Outcome::Success, Outcome::Failure] {
        attempts.record("login", outcome, ());
    }
    attempts.record("offer", Outcome::Clear, ());
    assert_eq!((attempts.count("login"), attempts.failures("login")), (2, 1));
    assert_eq!(attempts.counts(), [("login".into(), 2)]);
    assert_eq!(attempts.history("login", 9).count(), 3);
}
