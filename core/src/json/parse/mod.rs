//! The parser of untrusted JSON (RFC 8259): bounded depth, errors with their byte, number literals untouched.
//!
//! It writes canonical text and its index in one pass; nothing looks at the bytes of others again. Recursion is bounded by
//! `depth_max` (at most [`DEPTH_CEILING`]). Of duplicate names the last value wins and stands at the place of the first, as
//! in JavaScript; that takes a second pass, which nobody pays for who names each member once.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "positions in a text that is shorter than 4 GiB: sums of two of them fit a usize of 64 bits"
)]

mod strings;

use std::collections::HashSet;

use super::draft::{Draft, Members};
use super::index::{Entry, Index, NO_NAME, Tree};
use super::node::Node;
use crate::error::Error;

/// No text that this crate takes is deeper, whatever the configuration says.
pub const DEPTH_CEILING: usize = 160;

/// Parses `bytes`; containers may nest `depth_max` deep (`{}` is one).
pub(crate) fn parse(bytes: &[u8], depth_max: usize) -> Result<Tree<'static>, Error> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Error::BadJson { at_byte: error.valid_up_to(), reason: "not UTF-8" })?;
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
        depth_max: depth_max.min(DEPTH_CEILING),
        out: String::with_capacity(text.len()),
        index: Index::with_capacity_for(text.len()),
        repeats: false,
    };
    parser.skip_space();
    parser.value(NO_NAME)?;
    parser.skip_space();
    if parser.peek().is_some() {
        return Err(parser.bad("text after the end of the value"));
    }
    let tree = Tree::new(parser.out, parser.index);
    if parser.repeats { Ok(without_repeated(&tree)) } else { Ok(tree) }
}

/// The same with each name once.
fn without_repeated(tree: &Tree) -> Tree<'static> {
    fn last_wins(node: Node) -> Draft {
        let mut draft = Draft::Same(node);
        if node.is_object() {
            let mut members = Members::default();
            node.children().for_each(|member| drop(members.insert(member.raw_name(), last_wins(member))));
            draft = Draft::Object(members);
        } else if !node.is_empty() {
            draft = Draft::Array(node.children().map(last_wins).collect());
        }
        draft
    }
    last_wins(tree.root()).into_tree()
}

/// Whether two members have one name. Few are compared with each other; many are put in a set, which does not take the square.
fn has_repeated(object: Node) -> bool {
    const FEW: usize = 12;
    let mut names = [""; FEW];
    for (count, member) in object.children().enumerate() {
        let name = member.raw_name();
        let Some(place) = names.get_mut(count) else {
            let mut seen = HashSet::new();
            return !object.children().all(|member| seen.insert(member.raw_name()));
        };
        *place = name;
        if names.iter().take(count).any(|earlier| *earlier == name) {
            return true;
        }
    }
    false
}

struct Parser<'a> {
    text: &'a str,
    /// The byte that is read next; never past the end, always on a character boundary when a slice is taken.
    at: usize,
    depth: usize,
    depth_max: usize,
    /// What was read so far, as canonical text and its index.
    out: String,
    index: Index,
    /// Some name has occurred twice in an object.
    repeats: bool,
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

    /// Reads a value; `name` is where its name begins in what was written.
    fn value(&mut self, name: u32) -> Result<(), Error> {
        let start = self.out.len() as u32;
        match self.peek() {
            Some(b'{') => return self.nested(name, Self::object),
            Some(b'[') => return self.nested(name, Self::array),
            Some(b'"') => self.string()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true")?,
            Some(b'f') => self.word("false")?,
            Some(b'n') => self.word("null")?,
            Some(_) => return Err(self.bad("expected a value")),
            None => return Err(self.bad("the text ends where a value is expected")),
        }
        let (end, next) = (self.out.len() as u32, self.index.entries.len() as u32 + 1);
        self.index.entries.push(Entry { start, end, next, name });
        Ok(())
    }

    fn nested(&mut self, name: u32, read: fn(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > self.depth_max {
            return Err(Error::TooDeep { at_byte: self.at, limit: self.depth_max });
        }
        let place = self.index.entries.len();
        self.index.entries.push(Entry { start: self.out.len() as u32, end: 0, next: 0, name });
        self.keep(1);
        read(self)?;
        self.depth -= 1;
        let (end, next) = (self.out.len() as u32, self.index.entries.len() as u32);
        if let Some(entry) = self.index.entries.get_mut(place) {
            (entry.end, entry.next) = (end, next);
        }
        Ok(())
    }

    /// Takes over bytes as they are.
    fn keep(&mut self, bytes: usize) {
        let start = self.at;
        self.advance(bytes);
        self.out.push_str(self.slice(start));
    }

    /// As [`Parser::take`], and takes it over.
    fn keep_byte(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.keep(1);
        }
        found
    }

    fn object(&mut self) -> Result<(), Error> {
        let place = self.index.entries.len() - 1;
        self.skip_space();
        if self.keep_byte(b'}') {
            return Ok(());
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.bad("expected a member name in double quotes"));
            }
            let name = self.out.len() as u32;
            self.string()?;
            self.skip_space();
            if !self.keep_byte(b':') {
                return Err(self.bad("expected `:` after a member name"));
            }
            self.skip_space();
            self.value(name)?;
            self.skip_space();
            if self.keep_byte(b'}') {
                break;
            }
            if !self.keep_byte(b',') {
                return Err(self.bad("expected `,` or `}`"));
            }
        }
        // It has no end yet, and everything behind its entry is in it.
        let next = self.index.entries.len() as u32;
        if let Some(entry) = self.index.entries.get_mut(place) {
            entry.next = next;
        }
        self.repeats |= has_repeated(Node::new(&self.out, &self.index, place as u32));
        Ok(())
    }

    fn array(&mut self) -> Result<(), Error> {
        self.skip_space();
        if self.keep_byte(b']') {
            return Ok(());
        }
        loop {
            self.skip_space();
            self.value(NO_NAME)?;
            self.skip_space();
            if self.keep_byte(b']') {
                return Ok(());
            }
            if !self.keep_byte(b',') {
                return Err(self.bad("expected `,` or `]`"));
            }
        }
    }

    fn word(&mut self, word: &'static str) -> Result<(), Error> {
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.bad("expected true, false or null"));
        }
        self.keep(word.len());
        Ok(())
    }

    fn number(&mut self) -> Result<(), Error> {
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
        self.out.push_str(self.slice(start));
        Ok(())
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::oracle;

    fn through(text: &str) -> String {
        parse(text.as_bytes(), 64).expect(text).into_text()
    }

    #[test]
    fn literals_come_back_as_they_went_in() {
        for text in [
            "1.10",
            "12345678901234567890123",
            "1e400",
            "1E+2",
            "-0",
            "-0.0e-0",
            "true",
            "null",
            r#""\u0000\b\"\\""#,
            r#"{"b":1,"a":[{},[]],"🙂":"é"}"#,
            r#"{"$serde_json::private::Number":"1"}"#,
        ] {
            assert_eq!(through(text), text);
        }
    }

    #[test]
    fn text_becomes_canonical() {
        assert_eq!(through(" { \"a\" : [ 1 , 2 ] }\r\n"), r#"{"a":[1,2]}"#);
        assert_eq!(through(r#""\u00e9\/\ud83d\ude42\u001F\t""#), "\"é/🙂\\u001f\\t\"");
        assert_eq!(through(r#"{"a":1,"b":2,"a":3}"#), r#"{"a":3,"b":2}"#);
    }

    #[test]
    fn errors_name_their_byte() {
        for (text, at_byte) in [
            ("", 0),
            ("{", 1),
            ("[1,]", 3),
            ("{\"a\":}", 5),
            ("{\"a\" 1}", 5),
            ("01", 1),
            ("1.", 2),
            ("-", 1),
            ("\"\\x\"", 2),
            ("\"\\ud800\"", 1),
            ("\"\\ud800\\u0041\"", 1),
            ("\"a\nb\"", 2),
            ("tru", 0),
            ("{} {}", 3),
            ("\"\\u12g4\"", 3),
            ("\"\\", 2),
        ] {
            match parse(text.as_bytes(), 64) {
                Err(Error::BadJson { at_byte: found, .. }) => assert_eq!(found, at_byte, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(matches!(parse(b"\"\xff\"", 64), Err(Error::BadJson { at_byte: 1, .. })));
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(nested(64).as_bytes(), 64).is_ok());
        let refused = parse(nested(65).as_bytes(), 64).map(drop);
        assert_eq!(refused, Err(Error::TooDeep { at_byte: 64, limit: 64 }));
        assert!(matches!(parse("[".repeat(1_000_000).as_bytes(), 64), Err(Error::TooDeep { .. })));
    }

    proptest::proptest! {
        #![proptest_config(crate::json::oracle::config())]

        /// The oracle parses into a tree of serde_json's.
        #[test]
        fn agrees_with_the_oracle(bytes in proptest::collection::vec(proptest::sample::select(
            b"{}[]\",:0123456789.eE+-truefalsn\\u \t/".to_vec()), 0..24), depth in 0..5_usize)
        {
            match (parse(&bytes, depth), oracle::parse::parse(&bytes, depth)) {
                (Ok(ours), Ok(theirs)) => proptest::prop_assert_eq!(ours.text(), theirs.to_string()),
                (ours, theirs) => proptest::prop_assert_eq!(ours.map(drop), theirs.map(drop)),
            }
        }

        /// Spaces, escapes and repeated names in, canonical text and its index out.
        #[test]
        fn makes_text_canonical(text in oracle::loose_text()) {
            let tree = parse(text.as_bytes(), 64).expect("json");
            let value = oracle::parse::parse(text.as_bytes(), 64).expect("json");
            proptest::prop_assert_eq!(tree.text(), value.to_string());
            proptest::prop_assert_eq!(tree.root().to_value(), value);
            proptest::prop_assert!(tree.has_index_of_text());
        }
    }
}
