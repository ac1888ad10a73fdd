//! Mutations of documents, merge patches and patches: repeated, longer, deeper, unusual, or halved.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::corpus::parsed;

/// The maximum size of a command's JSON, with some room for names: longer JSON is rejected at once.
const BYTES_MAX: usize = 1_000_000;
const DEPTH_MAX: usize = 60;

const NUMBERS: [&str; 14] = [
    "0",
    "-0.0",
    "1e400",
    "-1e400",
    "7e-9000",
    "1e-400",
    "0.1234567890123456789012345",
    "12345678901234567890.01",
    "1e308",
    "1E+0000000001",
    "9007199254740993",
    "0.07",
    "100e-2",
    "1e2147483648",
];

/// Characters that take different paths through scanners and patterns.
const TEXTS: [&str; 8] = ["a", "ab", "0", "ä", "\u{1F600}", "\"", "/", "\u{0}"];

pub fn change_document(dice: &mut Rng, json: &mut Value) {
    let whole_bytes = json.to_string().len();
    let place = somewhere(dice, json);
    let bytes = place.to_string().len();
    let room = BYTES_MAX.saturating_sub(whole_bytes);
    match dice.u8(..10) {
        0 | 1 => repeat(dice, place, room),
        2 => halve(place),
        3 => nest(dice, place),
        4 => *place = number(dice),
        5 => *place = json!(dice.choice(TEXTS).expect("texts").repeat(length(dice, room / 6))),
        6 => rename(dice, place, room / 8),
        7 => nearly(dice, place),
        8 if bytes < room => {
            // A copy of it beside it.
            let copy = place.clone();
            match place {
                Value::Array(items) => items.push(copy),
                Value::Object(members) => drop(members.insert(format!("c{}", dice.u16(..)), copy)),
                other => *other = json!([copy, copy]),
            }
        }
        _ => *place = json!({}),
    }
}

/// A place in a tree, mostly near its root.
pub fn somewhere<'v>(dice: &mut Rng, json: &'v mut Value) -> &'v mut Value {
    let children = match json {
        Value::Array(items) => items.len(),
        Value::Object(members) => members.len(),
        _ => 0,
    };
    if children == 0 || dice.u8(..3) == 0 {
        return json;
    }
    let n = dice.usize(..children);
    match json {
        Value::Array(items) => somewhere(dice, &mut items[n]),
        Value::Object(members) => somewhere(dice, members.values_mut().nth(n).expect("a member")),
        _ => unreachable!("it has children"),
    }
}

/// A number from one to `most`, small ones as often as large ones.
pub fn length(dice: &mut Rng, most: usize) -> usize {
    let bits = usize::BITS - most.leading_zeros();
    let below = 1 << dice.u32(..=bits);
    (1 + dice.usize(..below)).min(most.max(1))
}

pub fn number(dice: &mut Rng) -> Value {
    parsed(dice.choice(NUMBERS).expect("numbers"))
}

/// Repeats the first element or member, within this many bytes.
fn repeat(dice: &mut Rng, place: &mut Value, room: usize) {
    let vary = dice.bool();
    match place {
        Value::Array(items) => {
            let item = items.first().cloned().unwrap_or(json!(0));
            let most = room / (item.to_string().len() + 7);
            let more = (0..length(dice, most)).map(|n| if vary { varied(&item, n) } else { item.clone() });
            items.extend(more.collect::<Vec<_>>());
        }
        Value::Object(members) => {
            let value = members.values().next().cloned().unwrap_or(json!(0));
            let most = room / (value.to_string().len() + 10);
            let from = members.len();
            members.extend((0..length(dice, most)).map(|n| (format!("m{}", from + n), value.clone())));
        }
        Value::String(text) => {
            let most = room / (text.len() + 1) / 6;
            *text = text.repeat(length(dice, most.min(BYTES_MAX / 8)) + 1);
        }
        other => *other = json!([other.clone(), other.clone()]),
    }
}

/// A value that differs slightly.
fn varied(item: &Value, n: usize) -> Value {
    match item {
        Value::Number(number) if number.to_string().contains('.') => {
            parsed(&format!("{}{n}", number).replace("e", ""))
        }
        Value::Number(_) => json!(n),
        Value::String(text) => json!(format!("{text}{n}")),
        other => other.clone(),
    }
}

fn halve(place: &mut Value) {
    match place {
        Value::Array(items) => items.truncate(items.len() / 2),
        Value::Object(members) => {
            let kept = members.len() / 2;
            *members = std::mem::take(members).into_iter().take(kept).collect();
        }
        Value::String(text) => *text = text.chars().take(text.chars().count() / 2).collect(),
        _ => {}
    }
}

fn nest(dice: &mut Rng, place: &mut Value) {
    for _ in 0..length(dice, DEPTH_MAX / 2) {
        let inner = place.take();
        *place = if dice.bool() { json!([inner]) } else { json!({"a": inner}) };
    }
}

/// Gives a member a long name, or a prefix to the names of all.
fn rename(dice: &mut Rng, place: &mut Value, most: usize) {
    let Value::Object(members) = place else { return };
    let prefix = dice.choice(TEXTS).expect("texts").repeat(length(dice, most / members.len().max(1)));
    *members = std::mem::take(members)
        .into_iter()
        .map(|(name, value)| (prefix.clone() + &name, value))
        .collect::<Map<_, _>>();
}

/// A value of another type, or one with a small difference.
fn nearly(dice: &mut Rng, place: &mut Value) {
    *place = match place.take() {
        Value::Null => json!(false),
        Value::Bool(yes) => json!(!yes),
        Value::Number(number) => json!(number.to_string()),
        Value::String(text) if dice.bool() => json!(text + "x"),
        Value::String(_) => json!(7),
        Value::Array(mut items) => {
            dice.shuffle(&mut items);
            Value::Array(items)
        }
        Value::Object(members) => Value::Object(members.into_iter().rev().collect()),
    };
}
