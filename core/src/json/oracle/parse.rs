//! The parser of untrusted JSON (RFC 8259) into a tree: bounded depth, errors with their byte, number literals untouched.
//!
//! Recursion is bounded by `depth_max` (at most [`DEPTH_CEILING`]), so neither parsing nor dropping the tree can
//! run out of stack. Of duplicate names the last value wins and stands at the place of the first, as in JavaScript.

use serde_json::{Map, Number, Value};

use crate::error::Error;

/// No tree that this crate builds is deeper, whatever the configuration says.
pub const DEPTH_CEILING: usize = 160;

/// Parses `bytes`; containers may nest `depth_max` deep (`{}` is one).
pub fn parse(bytes: &[u8], depth_max: usize) -> Result<Value, Error> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Error::BadJson { at_byte: error.valid_up_to(), reason: "not UTF-8" })?;
    let mut parser = Parser { text, at: 0, depth: 0, depth_max: depth_max.min(DEPTH_CEILING) };
    parser.skip_space();
    let value = parser.value()?;
    parser.skip_space();
    if parser.peek().is_some() {
        return Err(parser.bad("text after the end of the value"));
    }
    Ok(value)
}

struct Parser<'a> {
    text: &'a str,
    /// The byte that is read next; never past the end, always on a character boundary when a slice is taken.
    at: usize,
    depth: usize,
    depth_max: usize,
}

impl<'a> Parser<'a> {
    fn bad(&self, reason: &'static str) -> Error {
        Error::BadJson { at_byte: self.at, reason }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn advance(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.advance(1);
        }
        found
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.advance(1);
        }
    }

    fn slice(&self, from: usize) -> &'a str {
        self.text.get(from..self.at).unwrap_or_default()
    }

    fn value(&mut self) -> Result<Value, Error> {
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(_) => Err(self.bad("expected a value")),
            None => Err(self.bad("the text ends where a value is expected")),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Error>) -> Result<Value, Error> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > self.depth_max {
            return Err(Error::TooDeep { at_byte: self.at, limit: self.depth_max });
        }
        self.advance(1);
        let value = read(self)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(value)
    }

    fn object(&mut self) -> Result<Value, Error> {
        let mut members = Map::new();
        self.skip_space();
        if self.take(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.bad("expected a member name in double quotes"));
            }
            let name = self.string()?;
            self.skip_space();
            if !self.take(b':') {
                return Err(self.bad("expected `:` after a member name"));
            }
            self.skip_space();
            let value = self.value()?;
            members.insert(name, value);
            self.skip_space();
            if self.take(b'}') {
                return Ok(Value::Object(members));
            }
            if !self.take(b',') {
                return Err(self.bad("expected `,` or `}`"));
            }
        }
    }

    fn array(&mut self) -> Result<Value, Error> {
        let mut elements = Vec::new();
        self.skip_space();
        if self.take(b']') {
            return Ok(Value::Array(elements));
        }
        loop {
            self.skip_space();
            elements.push(self.value()?);
            self.skip_space();
            if self.take(b']') {
                return Ok(Value::Array(elements));
            }
            if !self.take(b',') {
                return Err(self.bad("expected `,` or `]`"));
            }
        }
    }

    fn word(&mut self, word: &'static str, value: Value) -> Result<Value, Error> {
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.bad("expected true, false or null"));
        }
        self.advance(word.len());
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, Error> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        } else if matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.bad("a number may not begin with 0"));
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _signed = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        // serde_json's public ways to make a Number from text normalise the exponent; this one keeps the literal,
        // whose grammar has just been checked. The dependency is pinned because the function is not in its docs.
        Ok(Value::Number(Number::from_string_unchecked(self.slice(start).to_owned())))
    }

    fn digits(&mut self) -> Result<(), Error> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.bad("expected a digit"));
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.advance(1);
        }
        Ok(())
    }

    fn string(&mut self) -> Result<String, Error> {
        self.advance(1);
        let mut text = String::new();
        loop {
            let start = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..=0x1f)) {
                self.advance(1);
            }
            text.push_str(self.slice(start));
            match self.peek() {
                Some(b'"') => {
                    self.advance(1);
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => return Err(self.bad("a control character in a string: write it as an escape")),
                None => return Err(self.bad("the text ends inside a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        self.advance(1);
        let escaped = self.peek();
        self.advance(1);
        Ok(match escaped {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => {
                self.at = self.at.saturating_sub(1).min(self.text.len());
                return Err(self.bad("unknown escape in a string"));
            }
        })
    }

    /// `\uXXXX` behind the `u`; a pair of surrogates is one character, a lone one is none (RFC 8259, 8.2).
    fn unicode_escape(&mut self) -> Result<char, Error> {
        let start = self.at;
        let high = self.hex4()?;
        let code = match high {
            0xd800..=0xdbff if self.take(b'\\') && self.take(b'u') => match self.hex4()? {
                low @ 0xdc00..=0xdfff => {
                    let (high, low) = (high & 0x3ff, low & 0x3ff);
                    0x10000_u32.saturating_add(high << 10 | low)
                }
                low => low | 0xd800,
            },
            code => code,
        };
        char::from_u32(code).ok_or(Error::BadJson {
            at_byte: start.saturating_sub(2),
            reason: "a lone surrogate in a string",
        })
    }

    fn hex4(&mut self) -> Result<u32, Error> {
        let digits = self.text.get(self.at..self.at.saturating_add(4));
        let code = digits
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.bad("expected four hex digits"))?;
        self.advance(4);
        Ok(code)
    }
}
