//! Random documents and changes of all four kinds against each annotation. The oracle only compares
//! the document before with the document after, and shares no code with the rules.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reference::{json, pointer};
use serde_json::{Map, Value, json};
use support::{Client, Reply, Server};

use crate::KEY;

const CASES: u32 = 400;
const SECRET: &str = "MARK7f3a";

/// The annotation on three members, at depths one, two and three.
fn schema(annotation: &str) -> String {
    let marked = format!(r#"{{"{annotation}":true}}"#);
    format!(
        r##"{{"properties":{{"a":{marked},"b":{{"properties":{{"a":{{"$ref":"#/$defs/marked"}},"c":{{"allOf":[{{"properties":{{"b":{marked}}}}}]}}}}}}}},"$defs":{{"marked":{marked}}}}}"##
    )
}
const MARKED: [&str; 3] = ["/a", "/b/a", "/b/c/b"];

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(1)),
        Just(json!(1.0)),
        Just(json!("x")),
        Just(json!(null)),
        Just(json!("***"))
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec((name(), inner.clone()), 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
            prop::collection::vec(inner, 0..2).prop_map(Value::Array),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    prop::collection::vec((name(), value()), 0..4)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
}

fn pointer() -> impl Strategy<Value = String> {
    prop::collection::vec(name(), 0..4)
        .prop_map(|names| names.iter().map(|name| format!("/{name}")).collect())
}

fn operation() -> impl Strategy<Value = Value> {
    let op = prop::sample::select(vec!["add", "remove", "replace", "move", "copy", "test"]);
    (op, pointer(), pointer(), value())
        .prop_map(|(op, path, from, value)| json!({"op": op, "path": path, "from": from, "value": value}))
}

fn change() -> impl Strategy<Value = (&'static str, Value)> {
    prop_oneof![
        object().prop_map(|json| ("MERGE", json)),
        object().prop_map(|json| ("SHALLOW", json)),
        object().prop_map(|json| ("REPLACE", json)),
        prop::collection::vec(operation(), 1..4).prop_map(|operations| ("PATCH", Value::Array(operations))),
    ]
}

/// A document with all three annotated members, and three changes.
fn story() -> impl Strategy<Value = (Value, Vec<(&'static str, Value)>)> {
    (object(), prop::collection::vec(change(), 3))
}

/// Plays the changes: returns the document before, and after each accepted command.
fn play(
    client: &mut Client,
    annotation: &str,
    command: &str,
    start: &Value,
    changes: &[(&str, Value)],
) -> Vec<String> {
    client.ok(&["DEL", KEY]);
    let create = ["STATE.SETPROTECTED", KEY, "*", &start.to_string(), "REPLACE", "SCHEMA", annotation];
    client.ok(&create);
    let mut documents = vec![client.state(KEY).1];
    for (kind, json) in changes {
        if let Reply::Bulk(_) = client.call(&[command, KEY, "*", &json.to_string(), kind]) {
            documents.push(client.state(KEY).1);
        }
    }
    for line in
        [&["STATE.ROLLBACK", KEY, "*", "TO", "1"][..], &["STATE.RESET", KEY, "*"], &["STATE.RECOVER", KEY]]
    {
        let _refused_or_not = client.call(line);
        documents.push(client.state(KEY).1);
    }
    documents
}

fn marked(document: &str, pointer: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(document).expect("a document");
    value.pointer(pointer).cloned()
}

fn same(left: &Option<Value>, right: &Option<Value>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => json::same(left, right),
        (left, right) => left.is_none() && right.is_none(),
    }
}

fn run(annotation: &'static str, check: impl Fn(&mut Client, &Value, &[(&'static str, Value)])) {
    let server = Server::builder().without_schemas().start();
    let mut client = server.client();
    client.ok(&["STATE.SCHEMA", "SET", annotation, &schema(annotation)]);
    let client = std::cell::RefCell::new(client);
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&story(), |(start, changes)| {
        check(&mut client.borrow_mut(), &start, &changes);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

/// S48: a protected member keeps its value, whatever the change.
#[test]
fn protected_member_never_changes() {
    run("x-protected", |client, start, changes| {
        let documents = play(client, "x-protected", "STATE.UPDATE", start, changes);
        for pointer in MARKED {
            let before = marked(&documents[0], pointer);
            for after in &documents[1..] {
                assert!(
                    same(&before, &marked(after, pointer)),
                    "{pointer}: {} became {after} by {changes:?}",
                    documents[0]
                );
            }
        }
    });
}

/// S49: an immutable member keeps its first value.
#[test]
fn immutable_member_never_changes_once_set() {
    run("x-immutable", |client, start, changes| {
        let documents = play(client, "x-immutable", "STATE.SETPROTECTED", start, changes);
        for pointer in MARKED {
            let values = documents.iter().map(|document| marked(document, pointer));
            let set: Vec<Option<Value>> = values.skip_while(Option::is_none).collect();
            assert!(
                set.iter().all(|value| same(value, &set[0])),
                "{pointer} in {documents:?} by {changes:?}"
            );
        }
    });
}

/// S51: no reply but the present document has a secret, and a removed one never returns.
#[test]
fn secret_never_leaks_nor_returns() {
    run("x-secret", |client, start, changes| {
        client.ok(&["DEL", KEY, crate::AUDIT]);
        client.ok(&["STATE.UPDATE", KEY, "0", &start.to_string(), "REPLACE", "SCHEMA", "x-secret"]);
        for pointer in MARKED {
            let add = json!([{"op": "add", "path": pointer, "value": {"pin": SECRET}}]).to_string();
            let _no_place_for_it = client.call(&["STATE.UPDATE", KEY, "*", &add, "PATCH"]);
        }
        let mut seen = String::new();
        for (kind, json) in changes {
            seen += &format!("{:?}", client.call(&["STATE.UPDATE", KEY, "*", &json.to_string(), kind]));
        }
        let present = client.state(KEY).1;
        let secrets = |document: &str| MARKED.map(|pointer| marked(document, pointer));
        let before = secrets(&present);
        let outside = MARKED.iter().fold(present, |document, pointer| without(&document, pointer));
        assert!(!outside.contains(SECRET), "{outside} by {changes:?}");
        let last = client.ok(&["STATE.META", KEY]).field("version").int();
        for number in 1..last {
            seen += &format!("{:?}", client.call(&["STATE.GET", KEY, "VERSION", &number.to_string()]));
            seen +=
                &format!("{:?}", client.call(&["STATE.DIFF", KEY, &number.to_string(), &last.to_string()]));
            seen +=
                &format!("{:?}", client.call(&["STATE.DIFF", KEY, &last.to_string(), &number.to_string()]));
        }
        for line in [
            &["STATE.ROLLBACK", KEY, "*", "TO", "1", "ALL"][..],
            &["STATE.ROLLBACK", KEY, "*", "ALL"],
            &["STATE.RESET", KEY, "*"],
        ] {
            seen += &format!("{:?}", client.call(line));
            let after = secrets(&client.state(KEY).1);
            assert!(
                before.iter().zip(&after).all(|(before, after)| same(before, after)),
                "{line:?} by {changes:?}"
            );
        }
        seen += &client.ok(&["XRANGE", crate::AUDIT, "-", "+"]).to_string();
        assert!(!seen.contains(SECRET), "{seen} by {changes:?}");
    });
}

/// The document without the member at `pointer`.
fn without(document: &str, pointer: &str) -> String {
    let mut value = json::tree(document);
    pointer::remove(&mut value, &pointer::tokens(pointer).expect("a pointer"));
    value.to_string()
}

/// S44: each step is an allowed target of the one before.
#[test]
fn forbidden_transitions_are_rejected() {
    let schema = r#"{"properties":{"a":{"x-transitions":{"initial":["1"],"allow":{"1":["2"],"2":["3","1"],"*":["0"]}}}}}"#;
    let server = Server::builder().without_schemas().start();
    let client = std::cell::RefCell::new(server.client());
    client.borrow_mut().ok(&["STATE.SCHEMA", "SET", "x-transitions", schema]);
    let legal = |from: &str, to: &str| {
        from == to || to == "0" || ["12", "23", "21"].contains(&format!("{from}{to}").as_str())
    };
    let steps =
        prop::collection::vec((prop::sample::select(vec!["0", "1", "2", "3", "4"]), 0..4_usize), 1..12);
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&steps, |steps| {
        let client = &mut client.borrow_mut();
        client.ok(&["DEL", KEY]);
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"a":"1"}"#, "SCHEMA", "x-transitions"]);
        let mut at = "1";
        for (to, kind) in steps {
            let object = format!(r#"{{"a":"{to}"}}"#);
            let patch = format!(r#"[{{"op":"add","path":"/a","value":"{to}"}}]"#);
            let line = match ["MERGE", "SHALLOW", "REPLACE", "PATCH"][kind] {
                "PATCH" => ["STATE.SETPROTECTED", KEY, "*", &patch, "PATCH"],
                kind => ["STATE.UPDATE", KEY, "*", &object, kind],
            };
            let taken = !matches!(client.call(&line), Reply::Error(_));
            prop_assert_eq!(taken, legal(at, to), "{} -> {}", at, to);
            at = if taken { to } else { at };
            prop_assert_eq!(client.state(KEY).1, format!(r#"{{"a":"{at}"}}"#));
        }
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}
