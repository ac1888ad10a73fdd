//! `REBASE` on random documents and pairs of changes, against the reference model: it lists the
//! members that one change modifies and the other writes, and compares each with each (S32).

use std::cell::RefCell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reference::change::Kind;
use reference::pointer;
use reference::rebase::{changed, overlap, written};
use serde_json::{Map, Value, json};
use support::{Client, Reply, Server};

const CASES: u32 = 1500;

type Change = (Kind, Value);

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", "0"]).prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![3 => Just(json!(1)), 2 => Just(json!("x")), 1 => Just(json!(null))];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            3 => prop::collection::vec((name(), inner.clone()), 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
            1 => prop::collection::vec(inner, 0..3).prop_map(Value::Array),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    prop::collection::vec((name(), value()), 0..4)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
}

fn operation() -> impl Strategy<Value = Value> {
    let op = prop::sample::select(vec!["add", "remove", "replace", "move", "copy", "test"]);
    let path = || {
        prop::collection::vec(name(), 1..4)
            .prop_map(|names| names.iter().map(|name| format!("/{name}")).collect::<String>())
    };
    (op, path(), path(), value())
        .prop_map(|(op, path, from, value)| json!({"op": op, "path": path, "from": from, "value": value}))
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => object().prop_map(|json| (Kind::Merge, json)),
        1 => object().prop_map(|json| (Kind::Shallow, json)),
        1 => object().prop_map(|json| (Kind::Replace, json)),
        3 => prop::collection::vec(operation(), 1..3).prop_map(|operations| (Kind::Patch, Value::Array(operations))),
    ]
}

fn document(client: &mut Client, key: &str) -> Value {
    serde_json::from_str(&client.state(key).1).expect("a document")
}

fn update(client: &mut Client, key: &str, expected: &str, (kind, json): &Change, rest: &[&str]) -> Reply {
    let kind = format!("{kind:?}");
    client.call(&[&["STATE.UPDATE", key, expected, &json.to_string(), &kind][..], rest].concat())
}

/// One pair of changes of one document. Whether the rebase was applied; `None` when the first
/// change had no effect.
fn check(client: &mut Client, start: &Value, first: &Change, second: &Change) -> Option<bool> {
    for key in ["one", "two", "three"] {
        client.ok(&["DEL", key]);
        client.ok(&["STATE.UPDATE", key, "0", &start.to_string(), "REPLACE"]);
    }
    let (before, reply) = (document(client, "one"), update(client, "one", "1", first, &[]));
    if matches!(reply, Reply::Error(_)) || Client::version(reply.text()) == 1 {
        return None;
    }
    let present = document(client, "one");
    let changed = changed(&before, &present);
    let rebased = update(client, "one", "1", second, &["REBASE"]);
    let written = |(kind, json): &Change| written(*kind, json, &before, &present);
    if overlap(&written(second), &changed) {
        let Reply::Error(error) = rebased else { panic!("applied although they overlap: {rebased}") };
        assert!(error.starts_with("CONFLICT expected 1, current is 2-"), "{error}");
        assert_eq!(document(client, "one"), present);
        return Some(false);
    }
    // The result is the same as with the present version expected.
    update(client, "two", "1", first, &[]);
    let plain = update(client, "two", "2", second, &[]);
    match (&rebased, &plain) {
        (Reply::Error(rebased), Reply::Error(plain)) => assert_eq!(rebased, plain),
        (rebased, plain) => assert_eq!(Client::version(rebased.text()), Client::version(plain.text())),
    }
    assert_eq!(client.state("one").1, client.state("two").1);
    if matches!(rebased, Reply::Error(_)) {
        return Some(false);
    }
    let result = document(client, "one");
    // Nothing of the first change is lost: members that it wrote are present, members that it
    // removed are not.
    for member in &changed {
        let (made, kept) = (pointer::get(&present, member), pointer::get(&result, member));
        assert_eq!(made.is_some(), kept.is_some(), "{member:?}");
        assert!(made.is_some_and(Value::is_object) || made == kept, "{member:?}: {made:?} became {kept:?}");
    }
    // Two merges that do not name each other's members have the same result in the other order.
    // (Members that the first one names without changing them do not conflict.)
    let apart = !overlap(&written(second), &written(first));
    if (first.0, second.0) == (Kind::Merge, Kind::Merge) && apart {
        update(client, "three", "1", second, &[]);
        update(client, "three", "*", first, &[]);
        assert_eq!(document(client, "three"), result);
    }
    Some(true)
}

#[test]
fn rebase_is_applied_exactly_when_the_members_do_not_overlap() {
    let server = Server::builder().without_schemas().arg("--save").arg("").start();
    let client = RefCell::new(server.client());
    client.borrow_mut().ok(&["CONFIG", "SET", "state.audit", "no"]);
    let counts = RefCell::new((0, 0));
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(object(), change(), change()), |(start, first, second)| {
        match check(&mut client.borrow_mut(), &start, &first, &second) {
            Some(true) => counts.borrow_mut().0 += 1,
            Some(false) => counts.borrow_mut().1 += 1,
            None => {}
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    let (landed, rejected) = *counts.borrow();
    assert!(landed > 100 && rejected > 100, "{landed} applied, {rejected} not: too few to show anything");
}
