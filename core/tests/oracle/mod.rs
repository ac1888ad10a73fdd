//! The oracle of `json`: the same operations on serde_json's trees, and the strategies of the
//! properties.
//!
//! It shares no code with the library except for parsed pointers and error texts. Parsing,
//! pointers, merges and equality are those of the reference model (`tests/reference`); json-patch
//! and its merge are compared too, except for member order. The documents and changes are similar
//! enough that most changes apply, with everything in them that text can get wrong.

pub mod diff;
pub mod parse;
pub mod patch;

pub mod equal {
    //! Equality by value, by exact rational numbers.
    pub use reference::json::same as equal;
}

pub mod merge {
    //! The two merges.
    pub use reference::change::{merge, shallow};
}

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Number, Value};

use crate::json::pointer::Pointer;

/// The number of cases of a property: `REDIS_STATE_CASES`, else fifty thousand.
pub fn config() -> ProptestConfig {
    let cases = std::env::var("REDIS_STATE_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: cases.unwrap_or(50_000), failure_persistence: None, ..ProptestConfig::default() }
}

/// The length in bytes of a tree's text.
pub fn text_len_bytes(value: &Value) -> usize {
    value.to_string().len()
}

/// The value at a pointer.
pub fn find<'v>(pointer: &Pointer, value: &'v Value) -> Option<&'v Value> {
    reference::pointer::get(value, pointer.tokens())
}

/// The container at the parent of a pointer, and the last token.
pub fn find_parent_mut<'v, 'p>(
    pointer: &'p Pointer,
    value: &'v mut Value,
) -> Option<(&'v mut Value, &'p str)> {
    let (last, parents) = pointer.tokens().split_last()?;
    Some((reference::pointer::get_mut(value, parents)?, last))
}

fn tree(text: &str) -> Value {
    parse::parse(text.as_bytes()).expect("json")
}

fn name() -> impl Strategy<Value = String> {
    select(vec![
        "a",
        "b",
        "c",
        "d/e",
        "f~g",
        "",
        "\"",
        "\\",
        "\n",
        "é",
        "🙂",
        "\u{0}",
        "$serde_json::private::Number",
    ])
    .prop_map(str::to_owned)
}

fn scalar() -> impl Strategy<Value = Value> {
    let numbers = vec!["0", "-0", "1", "1.0", "10e-1", "2.50", "1e400", "1E+2", "12345678901234567890123.10"];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        select(numbers).prop_map(tree),
        select(vec![
            "",
            "zoe",
            "***",
            "a/b~c",
            "\"",
            "\\\"",
            "tab\there",
            "é🙂",
            "\u{1f}",
            "},]",
            "a longer text of words"
        ])
        .prop_map(Value::from),
    ]
}

/// Any value: scalars, and containers of them, some wide or deep.
pub fn any_value() -> impl Strategy<Value = Value> {
    let nested = scalar().prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec((name(), inner), 0..5).prop_map(object),
        ]
    });
    let wide = (30..140_usize, scalar()).prop_map(|(width, value)| {
        object((0..width).map(|number| (format!("m{number}"), value.clone())).collect())
    });
    let deep = (10..50_usize, scalar()).prop_map(|(depth, value)| {
        (0..depth).fold(value, |value, at| match at % 2 {
            0 => Value::Array(vec![value]),
            _ => object(vec![("a".to_owned(), value)]),
        })
    });
    prop_oneof![16 => nested, 1 => wide, 1 => deep]
}

fn object(members: Vec<(String, Value)>) -> Value {
    Value::Object(members.into_iter().collect::<Map<_, _>>())
}

/// Any object.
pub fn any_object() -> impl Strategy<Value = Value> {
    let members = prop::collection::vec((name(), any_value()), 0..6).prop_map(object);
    let whole = any_value().prop_map(|value| match value {
        Value::Object(_) => value,
        // Mapped, not filtered: proptest gives up on so many rejects.
        value => object(vec![("dashboard".into(), value)]),
    });
    prop_oneof![8 => members, 1 => whole]
}

/// Two values, the second one the first with some members and elements changed, removed or added,
/// or with other literals of its numbers.
pub fn similar_pair() -> impl Strategy<Value = (Value, Value)> {
    let edits = prop::collection::vec((any::<u32>(), 0..4_u8, any_value()), 0..4);
    let similar = (any_object(), edits).prop_map(|(from, edits)| {
        let to = edits.into_iter().fold(from.clone(), |mut to, (place, how, value)| {
            edit(&mut to, place, how, value);
            to
        });
        (from, to)
    });
    let equal = any_object().prop_map(|from| {
        let mut to = from.clone();
        respell(&mut to);
        (from, to)
    });
    prop_oneof![8 => similar, 2 => (any_value(), any_value()), 1 => equal]
}

/// Writes each number as another literal of the same value.
fn respell(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(respell),
        Value::Array(elements) => elements.iter_mut().for_each(respell),
        Value::Number(literal) => {
            let text = literal.as_str();
            let (mantissa, exponent) = text.split_at(text.find(['e', 'E']).unwrap_or(text.len()));
            let zero = if mantissa.contains('.') { "0" } else { ".0" };
            *literal = Number::from_string_unchecked(format!("{mantissa}{zero}{exponent}"));
        }
        _ => {}
    }
}

/// Changes one value.
fn edit(target: &mut Value, place: u32, how: u8, value: Value) {
    let (step, deeper) = (place as usize % 7, place / 7);
    match target {
        Value::Object(members) if !members.is_empty() => {
            let name = members.keys().nth(step % members.len()).cloned().expect("a member");
            match how {
                _ if deeper % 2 == 1 => edit(&mut members[&name], deeper, how, value),
                0 => members[&name] = value,
                1 => drop(members.shift_remove(&name)),
                2 => drop(members.insert(format!("new{step}"), value)),
                _ => drop(members.swap_remove(&name)),
            }
        }
        Value::Array(elements) if !elements.is_empty() => {
            let index = step % elements.len();
            match how {
                _ if deeper % 2 == 1 => edit(&mut elements[index], deeper, how, value),
                0 => elements[index] = value,
                1 => drop(elements.remove(index)),
                2 => elements.insert(index, value),
                _ => elements.push(value),
            }
        }
        target => *target = value,
    }
}

/// A document, and the operations of a patch that usually apply to it.
pub fn document_and_patch() -> impl Strategy<Value = (Value, Value)> {
    any_object().prop_flat_map(|document| {
        let known = reference::pointer::all(&document).into_iter().map(|(pointer, _)| pointer);
        let known: Vec<String> = known.take(60).collect();
        let places = known
            .iter()
            .map(|place| format!("{place}/a"))
            .chain(known.iter().map(|place| format!("{place}/-")));
        let places: Vec<String> = known.iter().cloned().chain(places).collect();
        let operation = (0..6_usize, select(places.clone()), select(places), any_value()).prop_map(
            |(op, path, from, value)| {
                let op = ["add", "remove", "replace", "move", "copy", "test"][op];
                let mut members =
                    vec![("op".to_owned(), Value::from(op)), ("path".to_owned(), Value::from(path))];
                match op {
                    "move" | "copy" => members.push(("from".to_owned(), Value::from(from))),
                    "remove" => {}
                    _ => members.push(("value".to_owned(), value)),
                }
                object(members)
            },
        );
        let operations = prop::collection::vec(operation, 0..4).prop_map(Value::Array);
        (Just(document), operations)
    })
}

/// JSON as a client may write it: with spaces, needless escapes and duplicate names.
pub fn loose_text() -> impl Strategy<Value = String> {
    (any_value(), any::<u64>()).prop_map(|(value, seed)| {
        let (mut out, mut seed) = (String::new(), seed);
        write_loose(&value, &mut seed, &mut out);
        out
    })
}

fn write_loose(value: &Value, seed: &mut u64, out: &mut String) {
    let mut next = |of: u64| {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) % of
    };
    out.push_str([" ", "", "\n\t", "", "\r", ""][next(6) as usize]);
    match value {
        Value::String(text) => write_loose_string(text, next(3) == 0, out),
        Value::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_loose(element, seed, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let repeats = next(4) == 0;
            out.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                if repeats {
                    write_loose_string(name, true, out);
                    out.push_str(" : [1,{\"a\":2,\"a\":3}],");
                }
                write_loose_string(name, index % 2 == 1, out);
                out.push(':');
                write_loose(member, seed, out);
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
    out.push_str(["", " ", ""][(*seed >> 40) as usize % 3]);
}

/// Every character as an escape, with surrogate pairs.
fn write_loose_string(text: &str, escape: bool, out: &mut String) {
    if !escape {
        return out.push_str(&Value::from(text).to_string());
    }
    out.push('"');
    let mut units = [0; 2];
    for character in text.chars() {
        character.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04X}")));
    }
    out.push('"');
}
