//! `REBASE` on random documents and pairs of changes, against an oracle. The oracle lists the
//! members that one change modifies and the other writes, and compares each with each; it shares no
//! code with the server (S32).

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};
use support::{Client, Reply, Server};

const CASES: u32 = 1500;

type Change = (&'static str, Value);
type Pointer = Vec<String>;

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
        4 => object().prop_map(|json| ("MERGE", json)),
        1 => object().prop_map(|json| ("SHALLOW", json)),
        1 => object().prop_map(|json| ("REPLACE", json)),
        3 => prop::collection::vec(operation(), 1..3).prop_map(|operations| ("PATCH", Value::Array(operations))),
    ]
}

/// Every member of a document with its value; containers without theirs.
fn members(value: &Value, at: Pointer, found: &mut BTreeMap<Pointer, Option<String>>) {
    if let Value::Object(below) = value {
        for (name, value) in below {
            members(value, [at.clone(), vec![name.clone()]].concat(), found);
        }
        found.insert(at, None);
    } else {
        found.insert(at, Some(value.to_string()));
    }
}

fn changed(before: &Value, after: &Value) -> Vec<Pointer> {
    let list = |value| {
        let mut found = BTreeMap::new();
        members(value, Vec::new(), &mut found);
        found
    };
    let (before, after) = (list(before), list(after));
    let both = before.keys().chain(after.keys());
    both.filter(|pointer| before.get(*pointer) != after.get(*pointer)).cloned().collect()
}

fn tokens(pointer: &str) -> Pointer {
    pointer.split('/').skip(1).map(str::to_owned).collect()
}

/// The pointer up to the first array on its path.
fn cut(pointer: &Pointer, document: &Value) -> Pointer {
    let mut place = Some(document);
    for (index, token) in pointer.iter().enumerate() {
        if place.is_some_and(Value::is_array) {
            return pointer[..index].to_vec();
        }
        place = place.and_then(|place| place.get(token));
    }
    pointer.clone()
}

fn leaves(patch: &Value, at: Pointer, found: &mut Vec<Pointer>) {
    match patch {
        Value::Object(below) if !below.is_empty() => below
            .iter()
            .for_each(|(name, value)| leaves(value, [at.clone(), vec![name.clone()]].concat(), found)),
        Value::Object(_) if at.is_empty() => {}
        _ => found.push(at),
    }
}

fn written((kind, json): &Change, before: &Value, after: &Value) -> Vec<Pointer> {
    let mut found = Vec::new();
    match *kind {
        "MERGE" => leaves(json, Vec::new(), &mut found),
        "SHALLOW" => found.extend(json.as_object().expect("an object").keys().map(|name| vec![name.clone()])),
        "PATCH" => {
            for operation in json.as_array().expect("operations") {
                let of = |name: &str| tokens(operation[name].as_str().expect("a pointer"));
                found.push(of("path"));
                if ["move", "copy"].contains(&operation["op"].as_str().expect("a word")) {
                    found.push(of("from"));
                }
            }
        }
        _ => found.push(Vec::new()),
    }
    found.iter().flat_map(|pointer| [cut(pointer, before), cut(pointer, after)]).collect()
}

fn overlap(written: &[Pointer], changed: &[Pointer]) -> bool {
    written.iter().any(|one| changed.iter().any(|other| one.starts_with(other) || other.starts_with(one)))
}

fn document(client: &mut Client, key: &str) -> Value {
    serde_json::from_str(&client.state(key).1).expect("a document")
}

fn update(client: &mut Client, key: &str, expected: &str, (kind, json): &Change, rest: &[&str]) -> Reply {
    client.call(&[&["STATE.UPDATE", key, expected, &json.to_string(), kind][..], rest].concat())
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
    if overlap(&written(second, &before, &present), &changed) {
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
    for pointer in &changed {
        let text: String = pointer.iter().map(|token| format!("/{token}")).collect();
        let (made, kept) = (present.pointer(&text), result.pointer(&text));
        assert_eq!(made.is_some(), kept.is_some(), "{text}");
        assert!(made.is_some_and(Value::is_object) || made == kept, "{text}: {made:?} became {kept:?}");
    }
    // Two merges that do not name each other's members have the same result in the other order.
    // (Members that the first one names without changing them do not conflict.)
    let apart = !overlap(&written(second, &before, &present), &written(first, &before, &present));
    if (first.0, second.0) == ("MERGE", "MERGE") && apart {
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
