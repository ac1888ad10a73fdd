//! Strategies for JSON arguments: documents of a bot, changes to them, and texts that are not JSON.
//!
//! Few members and values: random JSON hardly ever makes the same document twice, and half of the
//! rules are about equal documents: changes that change nothing, rollbacks, etags.

use proptest::prelude::*;
use proptest::sample::select;

use reference::change::Kind;
use reference::{json, pointer};

use crate::world::{Settings, Slot};

const MEMBERS: &[&str] = &[
    r#""channel":{"type":"whatsapp","identifier":"+263771234567"}"#,
    r#" "channel" : { "identifier" : "+263771234567" , "type" : "whatsapp" } "#,
    r#""stage":"handle_action_menu""#,
    r#""stage":"handle_action_offer_credex""#,
    r#""stage":"handle_action_\u0074ransactions","stage":"handle_action_transactions""#,
    r#""option":null"#,
    r#""option":"handle_action_menu""#,
    r#""option":"handle_action_offer_credex""#,
    r#""dashboard":{}"#,
    r#""dashboard":{"page_number":0}"#,
    r#""dashboard":{"page_number":1}"#,
    r#""dashboard":{"page_number":1.0}"#,
    r#""dashboard":{"page_number":12345678901234567890123}"#,
    r#""dashboard":{"offer":{"amount":12.50,"handle":"tariro"}}"#,
    r#""dashboard":{"offer":{"amount":1e2},"page_number":1E+1}"#,
    r#""data":null"#,
    r#""data":"later""#,
    r#""data":{"rows":[{"id":1}]}"#,
    r#""data":[]"#,
    r#""data":{"amount":1.10}"#,
    r#""data":{"rows":[{"id":1},{"id":2}],"note":"caf\u00e9 \/ \u0000\t😀"}"#,
];

/// Members that are invalid in one of the schemas or in both.
const INVALID_MEMBERS: &[&str] = &[
    r#""value":{}"#,
    r#""channel":{"type":"sms","identifier":"+263771234567"}"#,
    r#""channel":{"type":"fax","number":7}"#,
    r#""channel":null"#,
    r#""stage":7"#,
    r#""stage":"handle_action_pending_offers_out""#,
    r#""option":"handle_action_notifications""#,
    r#""dashboard":{"page_number":-1.5}"#,
    r#""dashboard":{"page_number":0.5}"#,
    r#""dashboard":{"offer":{"amount":0}}"#,
    r#""dashboard":{"offer":{"amount":100.01,"handle":null}}"#,
    r#""dashboard":{"offer":{"amount":1e400}}"#,
    r#""dashboard":{"offer":{}}"#,
    r#""dashboard":"menu""#,
    concat!(
        r#""value":1,"stage":7,"option":7,"channel":{"x":1,"type":7,"identifier":7},"#,
        r#""dashboard":{"x":1,"page_number":-0.5,"offer":{"handle":7,"amount":-1}}"#
    ),
];

/// Annotated members, and some without annotations.
const ANNOTATED_MEMBERS: &[&str] = &[
    r#""auth":{"token":"k3Jq9vXw2LmT"}"#,
    r#""auth":{"token":"p8ZrC5nYb7Hd","at":1}"#,
    r#""auth":{"token":"k3Jq9vXw2LmT"}"#,
    r#""auth":{"token":"***","at":2}"#,
    r#""auth":{"token":7}"#,
    r#""auth":{"at":3}"#,
    r#""auth":{"token":null}"#,
    r#""auth":null"#,
    r#""auth":"***""#,
    r#""channel":{"type":"whatsapp","identifier":"+263772345678"}"#,
    r#""data":{"amount":1.1}"#,
    r#""data":{"amount":11e-1,"rows":[]}"#,
    r#""data":{"amount":2}"#,
    r#""data":{"rows":[]}"#,
    r#""stage":"handle_action_menu""#,
    r#""stage":"handle_action_offer_credex""#,
    r#""stage":"handle_action_transactions""#,
    r#""stage":null"#,
    r#""option":"handle_action_offer_credex""#,
    r#""option":7"#,
];

const PLAIN: &[&str] = &[
    "1",
    "1.0",
    "-0",
    "12.50",
    "1e400",
    "1E+2",
    "true",
    "null",
    "[]",
    "{}",
    r#""tariro""#,
    r#""\u20ac\\\"""#,
    "[1,null]",
    r#""***""#,
    r#""k3Jq9vXw2LmT""#,
    r#""handle_action_menu""#,
];

const NOT_JSON: &[&str] =
    &["", "{", r#"{"stage":}"#, "{} {}", r#"{"amount":01}"#, r#"{"stage":"\ud800"}"#, "{'stage':1}", "nul"];

const NOT_AN_OBJECT: &[&str] = &["[1]", r#""login""#, "7", "null"];

/// Pointers for operations, besides those into the document.
const POINTERS: &[&str] = &[
    "/stage",
    "/option",
    "/data",
    "/dashboard/page_number",
    "/dashboard/offer/amount",
    "/data/rows/0",
    "/data/rows/-",
    "/data/rows/2",
    "/data/rows/9",
    "/data/rows/01",
    "/data/a~1b",
    "/value",
    "",
    "/auth/token",
    "/auth/token/at",
    "/auth",
    "/channel",
    "/dashboard",
    "/data/amount",
    "stage",
    "/data/~2",
];

/// Any small JSON, duplicate names included.
fn any_json() -> BoxedStrategy<String> {
    let leaf = select(PLAIN).prop_map(str::to_owned);
    let tree = leaf.prop_recursive(2, 6, 3, |inner| {
        let member = (select(&["amount", "handle", "a/b", "m~n", "rows", "é", ""][..]), inner.clone())
            .prop_map(|(name, value)| format!("\"{name}\":{value}"));
        prop_oneof![
            prop::collection::vec(member, 0..3).prop_map(|members| format!("{{{}}}", members.join(","))),
            prop::collection::vec(inner, 0..3).prop_map(|items| format!("[ {} ]", items.join(" , "))),
        ]
    });
    tree.boxed()
}

fn member(annotated: bool) -> BoxedStrategy<String> {
    prop_oneof![
        if annotated { 18 } else { 1 } => select(ANNOTATED_MEMBERS).prop_map(str::to_owned),
        9 => select(MEMBERS).prop_map(str::to_owned),
        2 => select(INVALID_MEMBERS).prop_map(str::to_owned),
        2 => any_json().prop_map(|value| format!("\"data\":{value}")),
    ]
    .boxed()
}

/// An object with some members.
fn change(annotated: bool) -> BoxedStrategy<String> {
    prop::collection::vec(member(annotated), 0..3)
        .prop_map(|members| format!("{{{}}}", members.join(",")))
        .boxed()
}

/// An object with a channel, which most schemas require.
fn document(annotated: bool) -> BoxedStrategy<String> {
    let rest = prop::collection::vec(member(annotated), 0..4);
    rest.prop_map(|rest| {
        format!("{{{}}}", std::iter::once(MEMBERS[0].to_owned()).chain(rest).collect::<Vec<_>>().join(","))
    })
    .boxed()
}

/// Objects about as long, or as deep, as the limits.
fn at_the_limits(settings: &Settings) -> BoxedStrategy<String> {
    let (bytes_max, depth_max) = (settings.size.bytes_max, settings.size.depth_max);
    let long = |text: &str, bytes: usize| text.replace('*', &"x".repeat(bytes + 1 - text.len()));
    let exact = (bytes_max - 1..=bytes_max + 1).prop_map(move |bytes| long(r#"{"data":"*"}"#, bytes));
    // Two of these together exceed the limit.
    let half = select(&[r#"{"data":{"a":"*"}}"#, r#"{"data":{"b":"*"}}"#][..])
        .prop_map(move |text| long(text, bytes_max / 2 + 20));
    let deep = (depth_max - 1..=depth_max + 1).prop_map(nested);
    prop_oneof![exact, half, deep].boxed()
}

fn nested(depth: usize) -> String {
    format!("{{\"data\":{}{{}}{}}}", r#"{"a":"#.repeat(depth - 2), "}".repeat(depth - 2))
}

/// One operation of a patch, mostly with pointers and values of the document.
fn operation(slot: &Slot, settings: &Settings) -> BoxedStrategy<String> {
    let present = slot.state.as_ref().map(|state| json::tree(&state.head().text));
    let present = present.map_or_else(Vec::new, |document| pointer::all(&document));
    let mut pointers: Vec<String> = present.iter().map(|(pointer, _)| pointer.clone()).collect();
    pointers.extend(POINTERS.iter().map(|pointer| (*pointer).to_owned()));
    let mut values: Vec<String> = present.iter().map(|(_, value)| value.clone()).collect();
    values.extend(PLAIN.iter().map(|value| (*value).to_owned()));
    let quoted = |pointer: String| serde_json::Value::String(pointer).to_string();
    let (path, value) = (select(pointers).prop_map(quoted), select(values));
    let at =
        |op: &'static str| move |(path, value)| format!(r#"{{"op":"{op}","path":{path},"value":{value}}}"#);
    let from =
        |op: &'static str| move |(from, path)| format!(r#"{{"op":"{op}","from":{from},"path":{path}}}"#);
    let mut tests = present;
    tests.push(("/stage".into(), r#""login""#.into()));
    let tests = select(tests).prop_map(move |(pointer, value)| (quoted(pointer), value));
    let deep = nested(settings.size.depth_max);
    prop_oneof![
        4 => (path.clone(), value.clone()).prop_map(at("add")),
        3 => (path.clone(), value.clone()).prop_map(at("replace")),
        3 => path.clone().prop_map(|path| format!(r#"{{"op":"remove","path":{path}}}"#)),
        2 => (path.clone(), path.clone()).prop_map(from("move")),
        2 => (path.clone(), path.clone()).prop_map(from("copy")),
        3 => tests.prop_map(at("test")),
        1 => (path, value).prop_map(at("test")),
        1 => Just(format!(r#"{{"op":"add","path":"/data","value":{deep}}}"#)),
        1 => select(&[
            r#"{"op":"test","path":"/channel","value":{"identifier":"+263771234567","type":"whatsapp"}}"#,
            r#"{"op":"test","path":"/dashboard/page_number","value":1e0}"#,
            r#"{"op":"increment","path":"/dashboard/page_number"}"#,
            r#"{"op":"add","path":"/stage"}"#,
            r#"{"op":"move","path":"/stage"}"#,
            r#"{"path":"/stage","value":1}"#,
            "7",
        ][..]).prop_map(str::to_owned),
    ]
    .boxed()
}

fn patch(slot: &Slot, settings: &Settings) -> BoxedStrategy<String> {
    let operations = prop::collection::vec(operation(slot, settings), 1..3);
    operations.prop_map(|operations| format!("[{}]", operations.join(", "))).boxed()
}

/// A JSON argument with its kind of change.
pub fn json(slot: &Slot, settings: &Settings, annotated: bool) -> BoxedStrategy<(Option<Kind>, String)> {
    let kind =
        select(&[None, Some(Kind::Merge), Some(Kind::Shallow), Some(Kind::Replace), Some(Kind::Patch)][..]);
    let merging = select(&[None, Some(Kind::Merge), Some(Kind::Shallow)][..]);
    prop_oneof![
        8 => (merging.clone(), change(annotated)),
        4 => (merging, document(annotated)),
        4 => (Just(Some(Kind::Replace)), document(annotated)),
        if annotated { 4 } else { 1 } => (Just(Some(Kind::Replace)), change(annotated)),
        5 => (Just(Some(Kind::Patch)), patch(slot, settings)),
        1 => (kind.clone(), select(NOT_JSON).prop_map(str::to_owned)),
        1 => (kind.clone(), select(NOT_AN_OBJECT).prop_map(str::to_owned)),
        1 => (kind, at_the_limits(settings)),
    ]
    .boxed()
}

/// A JSON argument of STATE.VALIDATE.
pub fn validated(settings: &Settings) -> BoxedStrategy<String> {
    prop_oneof![
        6 => document(false),
        2 => change(true),
        1 => select(NOT_JSON).prop_map(str::to_owned),
        1 => select(NOT_AN_OBJECT).prop_map(str::to_owned),
        8 => at_the_limits(settings),
    ]
    .boxed()
}

/// Members to read or to roll back: pointers into a kept version, and others.
pub fn pointers(slot: &Slot) -> BoxedStrategy<Vec<String>> {
    let versions = slot.state.iter().flat_map(|state| state.versions.kept());
    let documents = versions.map(|version| json::tree(&version.text));
    let mut known: Vec<String> =
        documents.flat_map(|document| pointer::all(&document)).map(|(pointer, _)| pointer).collect();
    known.push(String::new());
    let valid = POINTERS.iter().filter(|pointer| pointer::tokens(pointer).is_some());
    let others: Vec<String> = valid.map(|pointer| (*pointer).to_owned()).collect();
    prop::collection::vec(prop_oneof![4 => select(known), 1 => select(others)], 1..4).boxed()
}
