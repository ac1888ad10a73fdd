//! fuzz-schemas: random schemas of all keywords, annotations included, with valid, nearly valid and
//! hostile values. Accepted ones validate random documents and changes.
//!
//! A mutated text is mostly rejected by the JSON parser, so the schemas are made from trees; one in
//! ten is mutated as text nevertheless.

use fastrand::Rng;
use serde_json::{Map, Value, json};
use support::Client;

use crate::fuzz::{Words, survives};
use crate::mutate::mutated;
use crate::rounds::{Rounds, rounds};

const SCHEMAS: usize = 400;

/// The maximum depth: deeper ones are nearly all rejected as too large.
const DEPTH: usize = 4;

const KEY: &str = "channel:+263771234567";

#[test]
fn fuzz_schemas() {
    let seen = rounds("fuzz-schemas", Rounds { in_test: 110, in_soak: 1_500 }, |dice, figures| {
        let script: Vec<Words> = (0..SCHEMAS).flat_map(|_| life_of_a_schema(dice)).collect();
        let rejected = survives(&script, |_: &mut Client| {});
        figures.add("schemas", SCHEMAS as u64);
        figures.add("commands", script.len() as u64);
        figures.add("rejected", rejected);
    });
    if let Some(seen) = seen {
        let (rejected, all) = (seen.get("rejected"), seen.get("commands"));
        assert!(rejected > all / 4 && rejected < all * 19 / 20, "{rejected} of {all} are rejected");
    }
}

/// Sets a schema, uses it for a state, may set another revision, and deletes all.
fn life_of_a_schema(dice: &mut Rng) -> Vec<Words> {
    let line = |words: &[&str]| words.iter().map(|word| word.as_bytes().to_vec()).collect::<Words>();
    let set = |dice: &mut Rng| [line(&["STATE.SCHEMA", "SET", "vimbiso.fuzz"]), vec![text(dice)]].concat();
    let mut lines = vec![set(dice)];
    let document = |dice: &mut Rng| value(dice, DEPTH).to_string();
    lines.push(line(&["STATE.VALIDATE", "vimbiso.fuzz", &document(dice)]));
    lines.push(line(&["STATE.UPDATE", KEY, "0", "{}", "SCHEMA", "vimbiso.fuzz"]));
    for _ in 0..dice.usize(1..4) {
        let command = if dice.bool() { "STATE.UPDATE" } else { "STATE.SETPROTECTED" };
        let kind = dice.choice(["MERGE", "SHALLOW", "REPLACE"]).expect("kinds");
        lines.push(line(&[command, KEY, "*", &document(dice), kind, "SCHEMA", "vimbiso.fuzz"]));
    }
    if dice.bool() {
        lines.push(set(dice));
    }
    let step: &[&str] = match dice.u8(..5) {
        0 => &["STATE.RESET", KEY, "*"],
        1 => &["STATE.RECOVER", KEY],
        2 => &["STATE.ROLLBACK", KEY, "*", "LASTVALID"],
        3 => &["STATE.META", KEY],
        _ => &["STATE.HISTORY", KEY],
    };
    lines.push(line(step));
    if dice.u8(..4) > 0 {
        lines.push(line(&["STATE.DELETE", KEY, "*"]));
        lines.push(line(&["STATE.SCHEMA", "DEL", "vimbiso.fuzz"]));
    }
    lines
}

fn text(dice: &mut Rng) -> Vec<u8> {
    let schema = schema(dice, DEPTH).to_string().into_bytes();
    if dice.u8(..10) == 0 { mutated(dice, &[schema]) } else { schema }
}

/// A schema of up to six keywords.
fn schema(dice: &mut Rng, depth: usize) -> Value {
    if depth == 0 || dice.u8(..12) == 0 {
        return Value::Bool(dice.u8(..4) > 0);
    }
    let mut keywords = Map::new();
    for _ in 0..dice.usize(..=6) {
        let (name, value) = keyword(dice, depth - 1);
        keywords.insert(name.to_owned(), if dice.u8(..40) == 0 { self::value(dice, 2) } else { value });
    }
    Value::Object(keywords)
}

fn keyword(dice: &mut Rng, depth: usize) -> (&'static str, Value) {
    let pick = |dice: &mut Rng, names: &[&'static str]| *dice.choice(names).expect("names");
    match dice.u8(..14) {
        0 | 1 => ("properties", members(dice, depth)),
        2 => (pick(dice, &["patternProperties", "dependentSchemas"]), patterns(dice, depth)),
        3 => {
            let name = pick(
                dice,
                &["additionalProperties", "unevaluatedProperties", "propertyNames", "items", "contains"],
            );
            (name, schema(dice, depth))
        }
        4 => (pick(dice, &["not", "if", "then", "else", "unevaluatedItems"]), schema(dice, depth)),
        5 => {
            let name = pick(dice, &["allOf", "anyOf", "oneOf", "prefixItems"]);
            (name, (0..dice.usize(..4)).map(|_| schema(dice, depth)).collect())
        }
        6 => ("$defs", members(dice, depth)),
        7 => (pick(dice, &["$ref", "$dynamicRef"]), json!(reference(dice))),
        8 => (
            "type",
            json!(pick(dice, &["object", "string", "number", "integer", "array", "null", "boolean"])),
        ),
        9 => ("default", value(dice, depth)),
        10 => (pick(dice, &["enum", "required", "examples"]), json!([name(dice), name(dice)])),
        11 => {
            let name = pick(
                dice,
                &[
                    "minimum",
                    "maximum",
                    "multipleOf",
                    "maxLength",
                    "minItems",
                    "maxProperties",
                    "minContains",
                ],
            );
            (name, number(dice))
        }
        12 => (pick(dice, &["pattern", "format", "const", "$id", "$anchor"]), json!(pattern(dice))),
        _ => annotation(dice),
    }
}

fn annotation(dice: &mut Rng) -> (&'static str, Value) {
    match dice.u8(..7) {
        0 => ("x-ttl", number(dice)),
        1 => ("x-sliding", json!(dice.bool())),
        2 => ("x-protected", json!(true)),
        3 => ("x-immutable", json!(true)),
        4 => ("x-secret", json!(true)),
        5 => ("x-bind", json!([pattern(dice)])),
        _ => {
            let step = |dice: &mut Rng| format!("{}/{}", name(dice), name(dice));
            let allow = json!({step(dice): [step(dice), "*"], "*": [step(dice)]});
            (
                "x-transitions",
                json!({"by": [name(dice), name(dice)], "initial": [step(dice)], "allow": allow}),
            )
        }
    }
}

fn members(dice: &mut Rng, depth: usize) -> Value {
    Value::Object((0..dice.usize(..5)).map(|_| (name(dice).to_owned(), schema(dice, depth))).collect())
}

fn patterns(dice: &mut Rng, depth: usize) -> Value {
    Value::Object((0..dice.usize(..3)).map(|_| (pattern(dice).to_owned(), schema(dice, depth))).collect())
}

fn name(dice: &mut Rng) -> &'static str {
    dice.choice(["current", "auth", "token", "amount", "a/b", "a~b", "", "0", "ä", "$ref"]).expect("names")
}

fn reference(dice: &mut Rng) -> &'static str {
    let references = [
        "#",
        "#/$defs/auth",
        "#/$defs/token",
        "#/$defs/current/properties/auth",
        "#/properties/current",
        "#/allOf/0",
        "#none",
        "#/$defs/a~1b",
        "http://127.0.0.1/x",
        "file:///etc/passwd",
        "urn:x",
        "",
        "#/$defs/%24ref",
    ];
    dice.choice(references).expect("references")
}

fn pattern(dice: &mut Rng) -> &'static str {
    let patterns = [
        "^a",
        "(a+)+$",
        "(",
        "[",
        "a{1000}{1000}",
        r"\p{L}{1,900}",
        "(x+x+)+y",
        r"(?=x)",
        r"\d{1,200}$",
        "channel:*",
        "date-time",
        "",
        "^(auth|token|current)$",
        "#",
        "http://127.0.0.1/y",
    ];
    dice.choice(patterns).expect("patterns")
}

fn number(dice: &mut Rng) -> Value {
    let text = dice.choice([
        "0",
        "1",
        "2",
        "-1",
        "0.01",
        "1e-300",
        "1e308",
        "1e400",
        "-0",
        "18446744073709551616",
        "0.05",
        "300",
        "1.0",
        "4294967296",
        "123456789012345678901234567890.5",
    ]);
    serde_json::from_str(text.expect("numbers")).expect("a number")
}

/// Any JSON, with member names of the schemas.
fn value(dice: &mut Rng, depth: usize) -> Value {
    match dice.u8(..10) {
        _ if depth == 0 => json!(name(dice)),
        0 => number(dice),
        1 => json!(null),
        2 => json!("x".repeat(dice.usize(..300))),
        3 => (0..dice.usize(..5)).map(|_| value(dice, depth - 1)).collect(),
        _ => Value::Object(
            (0..dice.usize(..5)).map(|_| (name(dice).to_owned(), value(dice, depth - 1))).collect(),
        ),
    }
}
