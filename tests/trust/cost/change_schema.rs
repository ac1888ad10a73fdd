//! Mutations of schemas: another keyword, another level, a part that is used twice, longer lists,
//! other patterns, annotations.

use fastrand::Rng;
use serde_json::{Value, json};

use super::change_json::{change_document, length, number};

const PATTERNS: [&str; 10] = [
    "^[a-z]+$",
    "[ab]*a[ab]{300}c",
    "^(a+)+$",
    r"^\p{L}{0,50}$",
    "(a|b|ab)*c",
    "^x",
    "(?:a?){200}a{200}",
    r"\b[^@\s]+@[^@\s]+$",
    "m[0-9]*7$",
    "^.{1,256}$",
];

const LISTS: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
const SINGLE: [&str; 13] = [
    "not",
    "if",
    "then",
    "else",
    "items",
    "contains",
    "additionalProperties",
    "propertyNames",
    "unevaluatedProperties",
    "unevaluatedItems",
    "additionalItems",
    "contentSchema",
    "$comment",
];
const NAMED: [&str; 5] = ["properties", "patternProperties", "dependentSchemas", "dependencies", "$defs"];

pub fn change_schema(dice: &mut Rng, schema: &mut Value) {
    if dice.u8(..8) == 0 {
        // Any part of its JSON: a default, an enum, or something invalid.
        return change_document(dice, schema);
    }
    if dice.u8(..6) == 0 {
        return refer_twice(dice, schema);
    }
    let place = subschema(dice, schema);
    match dice.u8(..6) {
        0 => {
            let inner = place.take();
            *place = within(dice, inner);
        }
        1 => {
            let part = small(dice);
            let also = within(dice, part);
            merge(place, also);
        }
        2 => widen(dice, place),
        3 => {
            let annotation = annotation(dice);
            merge(place, annotation);
        }
        4 => {
            let keyword = small(dice);
            merge(place, keyword);
        }
        _ => {
            let Value::Object(keywords) = place else { return };
            let n = dice.usize(..keywords.len().max(1));
            let name = keywords.keys().nth(n).cloned();
            name.map(|name| keywords.shift_remove(&name));
        }
    }
}

/// A random subschema.
fn subschema<'v>(dice: &mut Rng, schema: &'v mut Value) -> &'v mut Value {
    let has = |value: &Value| value.is_object() || value.is_array();
    let below = match &*schema {
        Value::Object(members) => members.values().filter(|value| has(value)).count(),
        Value::Array(items) => items.iter().filter(|value| has(value)).count(),
        _ => 0,
    };
    if below == 0 || (schema.is_object() && dice.u8(..3) == 0) {
        return schema;
    }
    let n = dice.usize(..below);
    let next = match schema {
        Value::Object(members) => members.values_mut().filter(|value| has(value)).nth(n),
        Value::Array(items) => items.iter_mut().filter(|value| has(value)).nth(n),
        _ => None,
    };
    subschema(dice, next.expect("one of the counted children"))
}

fn merge(place: &mut Value, also: Value) {
    match (place, also) {
        (Value::Object(keywords), Value::Object(also)) => keywords.extend(also),
        (place, also) => *place = also,
    }
}

/// A schema within another one.
fn within(dice: &mut Rng, inner: Value) -> Value {
    match dice.u8(..3) {
        0 => {
            let copies = length(dice, 4);
            json!({dice.choice(LISTS).expect("names"): vec![inner; copies]})
        }
        1 => json!({dice.choice(SINGLE).expect("names"): inner}),
        _ => {
            json!({dice.choice(NAMED).expect("names"): {dice.choice(["a", "v", "m1", "^m"]).expect("names"): inner}})
        }
    }
}

/// A schema of one keyword.
fn small(dice: &mut Rng) -> Value {
    match dice.u8(..12) {
        0 => json!({"type": dice.choice(["integer", "string", "object", "array", "number"]).expect("types")}),
        1 => json!({"enum": list(dice)}),
        2 => json!({"const": number(dice)}),
        3 => json!({"pattern": dice.choice(PATTERNS).expect("patterns")}),
        4 => json!({"patternProperties": {dice.choice(PATTERNS).expect("patterns"): {"type": "integer"}}}),
        5 => json!({"uniqueItems": true}),
        6 => json!({"multipleOf": 0.01, "minimum": number(dice)}),
        7 => json!({"required": (0..length(dice, 200)).map(|n| format!("r{n}")).collect::<Vec<_>>()}),
        8 => json!({"unevaluatedProperties": false}),
        9 => json!({"unevaluatedItems": {"type": "integer"}}),
        10 => json!({"minContains": 1, "maxContains": 3, "contains": {"type": "integer"}}),
        _ => json!({"additionalProperties": false, "minLength": 3, "maxProperties": 5}),
    }
}

fn list(dice: &mut Rng) -> Value {
    let count = length(dice, 400);
    match dice.u8(..4) {
        0 => (0..count).map(|n| json!(n)).collect(),
        1 => (0..count).map(|n| json!(n as f64 + 0.25)).collect(),
        2 => (0..count).map(|n| json!({"offer": n})).collect(),
        _ => (0..count).map(|n| json!(format!("step{n}"))).collect(),
    }
}

/// Lengthens a list of the schema.
fn widen(dice: &mut Rng, place: &mut Value) {
    let Value::Object(keywords) = place else { return };
    let mut lists: Vec<&mut Vec<Value>> = keywords.values_mut().filter_map(Value::as_array_mut).collect();
    let Some(list) = dice.choice(&mut lists) else { return };
    let again = list.clone();
    for _ in 0..length(dice, 16) {
        list.extend(again.iter().cloned());
    }
    list.truncate(1_000);
}

/// Turns the whole schema into a part that is referenced twice, by a plain or an encoded name.
fn refer_twice(dice: &mut Rng, schema: &mut Value) {
    let mut inner = schema.take();
    let defs = inner.as_object_mut().and_then(|keywords| keywords.shift_remove("$defs"));
    let mut defs = defs.filter(Value::is_object).unwrap_or(json!({}));
    let name = format!("d{}", defs.as_object().map_or(0, serde_json::Map::len));
    let reference = if dice.u8(..4) == 0 { name.replace('d', "%64") } else { name.clone() };
    defs[name] = inner;
    let twice = json!([{"$ref": format!("#/$defs/{reference}")}, {"$ref": format!("#/$defs/{reference}")}]);
    let holder = match dice.u8(..3) {
        0 => json!({"dependentSchemas": {"a": {"allOf": twice}}}),
        1 => json!({"dependencies": {"a": {"allOf": twice}}}),
        _ => json!({dice.choice(["allOf", "anyOf", "oneOf"]).expect("names"): twice}),
    };
    *schema = holder;
    schema["$defs"] = defs;
}

fn annotation(dice: &mut Rng) -> Value {
    let members = |one: Value, count: usize| json!({"properties": (0..count).map(|n| (format!("m{n}"), one.clone())).collect::<serde_json::Map<_, _>>()});
    let count = length(dice, 900);
    match dice.u8(..7) {
        0 => members(json!({"x-secret": true}), count),
        1 => members(json!({"x-protected": true}), count),
        2 => members(json!({"x-immutable": true}), count),
        3 => members(json!({"x-ttl": 300, "x-sliding": true}), count),
        4 => members(json!({"default": {"offers": [1, 2, 3]}}), count),
        5 => json!({"additionalProperties": {"x-secret": true}}),
        _ => json!({"properties": {"a": {"x-transitions": {"initial": ["menu"], "allow": {"*": ["menu"]}}}}}),
    }
}
