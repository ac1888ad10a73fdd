//! JSON as the contract means it, on a plain `serde_json` tree: canonical text, equality, pointers, merges.
//!
//! Written apart from the module's own JSON on purpose, and as naively as possible: a shared helper would share its
//! mistakes, and a clever one would need a test of its own.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

/// The tree of a text, or none when it is not JSON: the last of two namesakes wins, in the place of the first.
///
/// The crate says whether it is JSON. The tree is then built here, because the crate writes `1E2` as `1e+2`.
pub fn parse(text: &str) -> Option<Value> {
    serde_json::from_str::<Value>(text).ok()?;
    Some(value(&mut text.trim_start()))
}

/// The value that valid JSON begins with; leaves the rest, without space before it.
fn value(rest: &mut &str) -> Value {
    let found = match rest.as_bytes()[0] {
        b'{' => {
            let mut members = Map::new();
            for_each(rest, |rest| {
                let Value::String(name) = value(rest) else { unreachable!("names are strings") };
                skip(rest, 1);
                members.insert(name, value(rest));
            });
            Value::Object(members)
        }
        b'[' => {
            let mut items = Vec::new();
            for_each(rest, |rest| items.push(value(rest)));
            Value::Array(items)
        }
        first => {
            let end =
                if first == b'"' { string_end(rest) } else { rest.find(plain_end).unwrap_or(rest.len()) };
            let text = &rest[..end];
            skip(rest, end);
            return match first {
                b'-' | b'0'..=b'9' => Value::Number(Number::from_string_unchecked(text.to_owned())),
                _ => serde_json::from_str(text).expect("checked before"),
            };
        }
    };
    skip(rest, 1);
    found
}

/// Reads what stands between brackets, up to the closing one.
fn for_each(rest: &mut &str, mut read: impl FnMut(&mut &str)) {
    skip(rest, 1);
    while !rest.starts_with(['}', ']']) {
        read(rest);
        if rest.starts_with(',') {
            skip(rest, 1);
        }
    }
}

fn skip(rest: &mut &str, bytes: usize) {
    *rest = rest[bytes..].trim_start_matches([' ', '\t', '\n', '\r']);
}

fn plain_end(char: char) -> bool {
    matches!(char, ',' | ']' | '}' | ' ' | '\t' | '\n' | '\r')
}

fn string_end(text: &str) -> usize {
    let mut escaped = false;
    let closing = text.bytes().skip(1).position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    });
    closing.expect("a string ends") + 2
}

/// How deep the containers of a text nest: `{}` is 1. Counted on the text, so that no depth can hurt.
pub fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// RFC 7396.
pub fn merge(target: &mut Value, change: &Value) {
    let Value::Object(change) = change else {
        *target = change.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else { unreachable!("made an object above") };
    for (name, value) in change {
        if value.is_null() {
            members.shift_remove(name);
        } else {
            merge(members.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// Each top-level member replaces its namesake whole; what is no object replaces everything.
pub fn shallow(target: &mut Value, change: &Value) {
    match (target, change) {
        (Value::Object(members), Value::Object(change)) => {
            for (name, value) in change {
                members.insert(name.clone(), value.clone());
            }
        }
        (target, change) => *target = change.clone(),
    }
}

/// Equal as JSON: `1.0` is `1`, and the order of members does not matter.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => Decimal::of(&a.to_string()) == Decimal::of(&b.to_string()),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// A number of any size, exactly: `digits` times ten to the `exponent`, without zeros at either end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Reads a JSON number literal; the exponents that the test writes fit an `i64`.
    pub fn of(literal: &str) -> Decimal {
        let unsigned = literal.trim_start_matches('-');
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let written: i64 = exponent.trim_start_matches('+').parse().expect("an exponent");
        let all = format!("{whole}{fraction}");
        let digits = all.trim_start_matches('0').trim_end_matches('0').to_owned();
        if digits.is_empty() {
            return Decimal { negative: false, digits, exponent: 0 };
        }
        let zeros = all.len() - all.trim_end_matches('0').len();
        let exponent = written - fraction.len() as i64 + zeros as i64;
        Decimal { negative: literal.starts_with('-'), digits, exponent }
    }

    /// No fraction: JSON Schema calls `1.0` and `1e2` integers.
    pub fn is_integer(&self) -> bool {
        self.exponent >= 0
    }

    pub fn is_negative(&self) -> bool {
        self.negative
    }

    pub fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// Compares by value, leaving the signs aside.
    pub fn cmp_size(&self, other: &Decimal) -> Ordering {
        let magnitude = |number: &Decimal| number.digits.len() as i64 + number.exponent;
        match (self.is_zero(), other.is_zero()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            // Digits begin with no zero, so of one magnitude the text decides.
            (false, false) => {
                magnitude(self).cmp(&magnitude(other)).then_with(|| self.digits.cmp(&other.digits))
            }
        }
    }
}

/// The reference tokens of a pointer (RFC 6901), or none when it is not one.
pub fn tokens(pointer: &str) -> Option<Vec<String>> {
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    pointer.strip_prefix('/')?.split('/').map(token).collect()
}

fn token(escaped: &str) -> Option<String> {
    let bad = escaped.replace("~0", "").replace("~1", "").contains('~');
    (!bad).then(|| escaped.replace("~1", "/").replace("~0", "~"))
}

/// One token as it is written in a pointer.
pub fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

/// An index as RFC 6901 writes it: no sign, no leading zero.
pub fn index(token: &str) -> Option<usize> {
    let index: usize = token.parse().ok()?;
    (index.to_string() == token).then_some(index)
}

/// What is at a place.
pub fn get<'v>(value: &'v Value, tokens: &[String]) -> Option<&'v Value> {
    tokens.iter().try_fold(value, |value, token| match value {
        Value::Object(members) => members.get(token),
        Value::Array(items) => items.get(index(token)?),
        _ => None,
    })
}

/// As [`get`], to change it.
pub fn get_mut<'v>(value: &'v mut Value, tokens: &[String]) -> Option<&'v mut Value> {
    tokens.iter().try_fold(value, |value, token| match value {
        Value::Object(members) => members.get_mut(token),
        Value::Array(items) => items.get_mut(index(token)?),
        _ => None,
    })
}

/// Every place in a document, as a pointer, with what is there.
pub fn places(value: &Value) -> Vec<(String, String)> {
    let mut found = vec![(String::new(), value.to_string())];
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let below = places(value).into_iter();
                found.extend(below.map(|(rest, text)| (format!("/{}{rest}", escape(name)), text)));
            }
        }
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                found.extend(places(value).into_iter().map(|(rest, text)| (format!("/{at}{rest}"), text)));
            }
        }
        _ => {}
    }
    found
}
