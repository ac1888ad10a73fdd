//! JSON (RFC 8259) in serde_json's trees: exact text in and out, equality by value.
//!
//! serde_json decides what is JSON and decodes strings. The tree is built here, since serde_json
//! rewrites the exponents of numbers and takes an object for a number when its first name is
//! serde_json's private one.

use std::iter::Peekable;
use std::str::Chars;

use num_bigint::BigInt;
use num_rational::BigRational;
use serde::de::IgnoredAny;
use serde_json::{Map, Number, Value};

/// The value of a text; `None` if it is not JSON. Of duplicate names the last value wins, at the
/// position of the first.
pub fn parse(text: &str) -> Option<Value> {
    let _structure: IgnoredAny = serde_json::from_str(text).ok()?;
    Reader { chars: text.chars().peekable() }.value()
}

/// The value of a text that is known to be JSON.
#[track_caller]
pub fn tree(text: &str) -> Value {
    parse(text).unwrap_or_else(|| panic!("not JSON: {text}"))
}

/// Reads a text that serde_json has accepted, so without error handling.
struct Reader<'t> {
    chars: Peekable<Chars<'t>>,
}

impl Reader<'_> {
    /// The next character that is no space.
    fn next(&mut self) -> Option<char> {
        self.chars.find(|character| !character.is_ascii_whitespace())
    }

    fn peek(&mut self) -> Option<char> {
        while self.chars.next_if(char::is_ascii_whitespace).is_some() {}
        self.chars.peek().copied()
    }

    /// `None` for an invalid string: serde_json skips escapes without decoding them.
    fn value(&mut self) -> Option<Value> {
        match self.peek()? {
            '{' => self.object(),
            '[' => self.array(),
            '"' => self.string().map(Value::String),
            _ => self.scalar(),
        }
    }

    fn object(&mut self) -> Option<Value> {
        let mut members = Map::new();
        self.next();
        while self.peek()? != '}' {
            let name = self.string()?;
            self.next();
            members.insert(name, self.value()?);
            if self.peek()? == ',' {
                self.next();
            }
        }
        self.next();
        Some(Value::Object(members))
    }

    fn array(&mut self) -> Option<Value> {
        let mut elements = Vec::new();
        self.next();
        while self.peek()? != ']' {
            elements.push(self.value()?);
            if self.peek()? == ',' {
                self.next();
            }
        }
        self.next();
        Some(Value::Array(elements))
    }

    /// A number literal as it is written, or a word.
    fn scalar(&mut self) -> Option<Value> {
        let mut literal = String::new();
        while let Some(character) =
            self.chars.next_if(|next| next.is_ascii_alphanumeric() || "+-.".contains(*next))
        {
            literal.push(character);
        }
        Some(match literal.as_str() {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::Number(Number::from_string_unchecked(literal)),
        })
    }

    fn string(&mut self) -> Option<String> {
        let mut quoted = String::from(self.next()?);
        loop {
            let character = self.chars.next()?;
            quoted.push(character);
            match character {
                '"' => return serde_json::from_str(&quoted).ok(),
                '\\' => quoted.push(self.chars.next()?),
                _ => {}
            }
        }
    }
}

/// How deep containers nest in a text, which need not be JSON: 1 for `{}`. Not by recursion, which
/// a deep text would overflow.
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

/// Whether two values are the same JSON value (RFC 6902, section 4.6): `1.0` is `1`, and the order
/// of members does not count.
pub fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left == right || number(left) == number(right),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            let has = |(name, value): (&String, &Value)| right.get(name).is_some_and(|it| same(value, it));
            left.len() == right.len() && left.iter().all(has)
        }
        (left, right) => left == right,
    }
}

/// The exact value of a number literal. All digits are written out, so tests keep exponents small.
pub fn number(literal: &Number) -> BigRational {
    let (mantissa, exponent) = literal.as_str().split_once(['e', 'E']).unwrap_or((literal.as_str(), "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: BigInt = format!("{whole}{fraction}").parse().expect("digits");
    let exponent = exponent.parse::<i32>().expect("a small exponent") - fraction.len() as i32;
    BigRational::from_integer(10.into()).pow(exponent) * digits
}
