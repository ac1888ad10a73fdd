//! A parser of JSON (RFC 8259) on top of serde_json, which decides what is JSON and decodes the
//! strings.
//!
//! It builds the tree itself, since serde_json rewrites the exponents of numbers and takes an
//! object for a number when its first name is serde_json's private one. The text is valid JSON by
//! then, so it is read character by character without error handling. Of duplicate names the last
//! value wins, at the position of the first, as in JavaScript.

use std::iter::Peekable;
use std::str::Chars;

use serde::de::IgnoredAny;
use serde_json::{Map, Number, Value};

/// The value of a text; `None` if it is not JSON.
pub fn parse(bytes: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(bytes).ok()?;
    let _structure: IgnoredAny = serde_json::from_str(text).ok()?;
    Reader { chars: text.chars().peekable() }.value()
}

/// How deep containers nest in a value: 0 for a scalar, 1 for `{}`.
pub fn depth(value: &Value) -> usize {
    let deepest = match value {
        Value::Object(members) => members.values().map(depth).max(),
        Value::Array(elements) => elements.iter().map(depth).max(),
        _ => return 0,
    };
    deepest.unwrap_or(0).saturating_add(1)
}

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
