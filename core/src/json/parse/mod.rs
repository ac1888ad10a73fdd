//! The parser of untrusted JSON (RFC 8259): bounded depth, errors with their byte, number literals
//! unchanged.
//!
//! It writes canonical text in one pass; the untrusted bytes are not read again. `depth_max` bounds
//! the recursion (at most [`DEPTH_CEILING`]). Of duplicate names the last value wins, at the
//! position of the first, as in JavaScript; only a text with duplicates needs a second pass.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "positions in a text that is shorter than 4 GiB: sums of two of them fit a usize of 64 bits"
)]

mod strings;

use std::collections::HashSet;

use super::draft::{Draft, Members};
use super::node::Node;
use super::pointer::escaped;
use super::tree::Tree;
use super::{entry::Entry, entry::NO_NAME};
use crate::error::Error;

/// The deepest text that this crate parses, whatever the configuration.
pub const DEPTH_CEILING: usize = 160;

/// The parser keeps the positions of all values of a short text, as most messages are. For a long
/// one they would take a multiple of its memory, and most are never read.
const KNOWN_BYTES_MAX: usize = 4096;
/// The usual number of values of a message.
const SOME: usize = 16;

/// Parses `bytes`; containers may nest `depth_max` deep (`{}` is one).
pub(crate) fn parse(bytes: &[u8], depth_max: usize) -> Result<Tree<'static>, Error> {
    let (tree, repeats) = read(bytes, depth_max)?;
    if repeats { Ok(without_repeated(&tree)) } else { Ok(tree) }
}

/// The same, with the first object that has a name twice, by its pointer, and the name.
pub(crate) fn parse_finding_repeated(
    bytes: &[u8],
    depth_max: usize,
) -> Result<(Tree<'static>, Option<(String, String)>), Error> {
    let (tree, repeats) = read(bytes, depth_max)?;
    if !repeats {
        return Ok((tree, None));
    }
    let repeated = first_repeated(tree.root(), "");
    Ok((without_repeated(&tree), repeated))
}

/// The text with all its members, and whether an object in it has a name twice.
fn read(bytes: &[u8], depth_max: usize) -> Result<(Tree<'static>, bool), Error> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Error::BadJson { at_byte: error.valid_up_to(), reason: "not UTF-8" })?;
    let mut parser = Parser {
        text,
        at: 0,
        taken: 0,
        depth: 0,
        depth_max: depth_max.min(DEPTH_CEILING),
        out: String::with_capacity(text.len()),
        names: Vec::with_capacity(SOME),
        found: (text.len() <= KNOWN_BYTES_MAX).then(|| Vec::with_capacity(SOME)),
        repeats: false,
    };
    parser.skip_space();
    let root = parser.value(NO_NAME)?;
    parser.skip_space();
    if parser.peek().is_some() {
        return Err(parser.bad("text after the end of the value"));
    }
    parser.take_over();
    Ok((Tree::new(parser.out, root), parser.repeats))
}

fn first_repeated(node: Node, pointer: &str) -> Option<(String, String)> {
    let mut names = HashSet::new();
    node.children().enumerate().find_map(|(index, child)| {
        let below = if node.is_object() {
            if !names.insert(child.raw_name()) {
                return Some((pointer.to_owned(), child.name().into_owned()));
            }
            format!("{pointer}/{}", escaped(&child.name()))
        } else {
            format!("{pointer}/{index}")
        };
        first_repeated(child, &below)
    })
}

/// The same without duplicate names.
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

/// Whether two names are equal. Few names are compared pairwise, unless a cheap hash tells them
/// apart; many go into a set, which avoids quadratic work.
fn has_repeated<'t>(mut names: impl ExactSizeIterator<Item = &'t str> + Clone) -> bool {
    const FEW: usize = 12;
    if names.len() > FEW {
        let mut seen = HashSet::new();
        return !names.all(|name| seen.insert(name));
    }
    let mut seen = 0_u64;
    let differ = names.clone().all(|name| {
        let hash = name.as_bytes().last().map_or(0, |last| usize::from(*last) + 5 * name.len());
        let bit = 1 << (hash % 64);
        seen & bit == 0 && {
            seen |= bit;
            true
        }
    });
    if differ {
        return false;
    }
    while let Some(name) = names.next() {
        if names.clone().any(|other| other == name) {
            return true;
        }
    }
    false
}

struct Parser<'a> {
    text: &'a str,
    /// The next byte to read; never past the end, and at a character boundary when a slice is
    /// taken.
    at: usize,
    /// The input before this position is in `out`; the input since is already canonical.
    taken: usize,
    depth: usize,
    depth_max: usize,
    /// Canonical text.
    out: String,
    /// The positions in it of the names of the open objects, without their quotes.
    names: Vec<(u32, u32)>,
    /// The children found so far of the open containers, if they are kept.
    found: Option<Vec<Entry>>,
    /// Whether an object has a duplicate name.
    repeats: bool,
}

impl<'a> Parser<'a> {
    fn bad(&self, reason: &'static str) -> Error {
        Error::BadJson { at_byte: self.at, reason }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
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

    #[inline]
    fn skip_space(&mut self) {
        if self.peek().is_some_and(|byte| byte <= b' ') {
            self.skip_some_space();
        }
    }

    fn skip_some_space(&mut self) {
        self.take_over();
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.advance(1);
        }
        self.taken = self.at;
    }

    /// Copies the input since the last copy.
    fn take_over(&mut self) {
        self.out.push_str(self.text.get(self.taken..self.at).unwrap_or_default());
        self.taken = self.at;
    }

    /// The length of the canonical text so far.
    fn written(&self) -> u32 {
        (self.out.len() + self.at.saturating_sub(self.taken)) as u32
    }

    /// Parses a value; `name` is where its name begins.
    fn value(&mut self, name: u32) -> Result<Entry, Error> {
        let start = self.written() as usize;
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
        Ok(Entry::new(start, self.written() as usize, name))
    }

    fn nested(&mut self, name: u32, read: fn(&mut Self) -> Result<(), Error>) -> Result<Entry, Error> {
        self.depth += 1;
        if self.depth > self.depth_max {
            return Err(Error::TooDeep { at_byte: self.at, limit: self.depth_max });
        }
        let start = self.written() as usize;
        let found_outside = self.found.as_ref().map_or(0, Vec::len);
        self.advance(1);
        read(self)?;
        self.depth -= 1;
        let end = self.written() as usize;
        Ok(match &mut self.found {
            Some(found) => Entry::opened(start, end, name, found.split_off(found_outside)),
            None => Entry::new(start, end, name),
        })
    }

    /// Keeps a member or element.
    fn keep(&mut self, entry: Entry) {
        if let Some(found) = &mut self.found {
            found.push(entry);
        }
    }

    fn object(&mut self) -> Result<(), Error> {
        let outer_names = self.names.len();
        self.skip_space();
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.bad("expected a member name in double quotes"));
            }
            let name = self.written();
            self.string()?;
            self.names.push((name + 1, self.written() - 1));
            self.skip_space();
            if !self.take(b':') {
                return Err(self.bad("expected `:` after a member name"));
            }
            self.skip_space();
            let member = self.value(name)?;
            self.keep(member);
            self.skip_space();
            if self.take(b'}') {
                break;
            }
            if !self.take(b',') {
                return Err(self.bad("expected `,` or `}`"));
            }
        }
        self.take_over();
        let own = self.names.get(outer_names..).unwrap_or_default().iter();
        let names = own.map(|(start, end)| self.out.get(*start as usize..*end as usize).unwrap_or_default());
        self.repeats |= has_repeated(names);
        self.names.truncate(outer_names);
        Ok(())
    }

    fn array(&mut self) -> Result<(), Error> {
        self.skip_space();
        if self.take(b']') {
            return Ok(());
        }
        loop {
            self.skip_space();
            let element = self.value(NO_NAME)?;
            self.keep(element);
            self.skip_space();
            if self.take(b']') {
                return Ok(());
            }
            if !self.take(b',') {
                return Err(self.bad("expected `,` or `]`"));
            }
        }
    }

    fn word(&mut self, word: &'static str) -> Result<(), Error> {
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.bad("expected true, false or null"));
        }
        self.advance(word.len());
        Ok(())
    }

    fn number(&mut self) -> Result<(), Error> {
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
            // U+F800 once took the place of both.
            ("\"\\ud800\\u2000\"", 1),
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
        let rejected = parse(nested(65).as_bytes(), 64).map(drop);
        assert_eq!(rejected, Err(Error::TooDeep { at_byte: 64, limit: 64 }));
        assert!(matches!(parse("[".repeat(1_000_000).as_bytes(), 64), Err(Error::TooDeep { .. })));
    }

    proptest::proptest! {
        #![proptest_config(crate::json::oracle::config())]

        #[test]
        fn agrees_with_the_oracle(bytes in proptest::collection::vec(proptest::sample::select(
            b"{}[]\",:0123456789.eE+-truefalsn\\u \t/d8".to_vec()), 0..24), depth in 0..5_usize)
        {
            match (parse(&bytes, depth), oracle::parse::parse(&bytes)) {
                (ours, None) => proptest::prop_assert!(ours.is_err(), "{ours:?}"),
                (ours, Some(theirs)) if oracle::parse::depth(&theirs) > depth => {
                    proptest::prop_assert!(matches!(ours, Err(Error::TooDeep { .. })), "{ours:?}");
                }
                (ours, Some(theirs)) => {
                    let ours = ours.expect("json");
                    proptest::prop_assert_eq!(ours.text(), theirs.to_string());
                }
            }
        }

        /// Strings, most with escapes that are truncated, unknown or of half a surrogate pair.
        #[test]
        fn strings_agree_with_the_oracle(text in "\"(\\\\(u(d[89c-f][0-9a-f]{2}|[0-9a-f]{3,4})|[\"\\\\/bfnrtx])|[a-z\u{0}-\u{20}é🙂]){0,6}\"") {
            match (parse(text.as_bytes(), 1), oracle::parse::parse(text.as_bytes())) {
                (ours, None) => proptest::prop_assert!(ours.is_err(), "{text:?}"),
                (ours, Some(theirs)) => {
                    let ours = ours.expect("json");
                    proptest::prop_assert_eq!(ours.text(), theirs.to_string());
                }
            }
        }

        /// Spaces, escapes and duplicate names in, canonical text out.
        #[test]
        fn makes_text_canonical(text in oracle::loose_text()) {
            let tree = parse(text.as_bytes(), 64).expect("json");
            let value = oracle::parse::parse(text.as_bytes()).expect("json");
            proptest::prop_assert_eq!(tree.text(), value.to_string());
            proptest::prop_assert_eq!(tree.root().to_value(), value);
        }
    }
}
