//! Parses a pattern: the grammar of ECMA-262, 22.2.1, with the flag `u`.
//!
//! Look-around, back-references and flags are rejected: no linear engine has the first two. Earlier
//! releases took more than the grammar: a backslash before any ASCII punctuation, a lone `]` or
//! `}`, any spelling of a property, any name of a group. A schema that is stored may still have
//! them.

use std::collections::HashMap;
use std::iter::Peekable;
use std::str::Chars;

use super::class::Class;
use super::groups::Names;
use super::properties;
use super::size::{PATTERN_STATES_MAX, too_large};
use crate::schema::source::Strictness;

/// The deepest nesting of groups.
const GROUP_DEPTH_MAX: usize = 64;
/// The size of a property of Unicode, in states.
const PROPERTY_STATES: usize = 20;
/// The ranges of a class that count for one state.
const RANGES_PER_STATE: usize = 8;

/// A parsed pattern. A class is an index into the list beside it.
#[derive(Debug)]
pub(super) enum Expression {
    Empty,
    Class(usize),
    Assert(Assertion),
    Concat(Vec<Expression>),
    Alternate(Vec<Expression>),
    Repeat { of: Box<Expression>, min: u32, max: Option<u32> },
}

/// An assertion between two characters.
#[derive(Clone, Copy, Debug)]
pub(super) enum Assertion {
    /// `^`
    Start,
    /// `$`
    End,
    /// `\b`
    Boundary,
    /// `\B`
    NoBoundary,
}

/// A pattern, its classes, and the size of these in states.
pub(super) struct Parsed {
    pub expression: Expression,
    pub classes: Vec<Class>,
    pub size: usize,
}

/// Parses a pattern; an error says what is wrong.
pub(super) fn parse(source: &str, strictness: Strictness) -> Result<Parsed, String> {
    let mut parser = Parser {
        rest: source.chars().peekable(),
        strictness,
        depth: 0,
        names: Names::default(),
        classes: Vec::new(),
        properties: HashMap::new(),
        size: 0,
    };
    let expression = parser.alternation()?;
    match parser.rest.next() {
        None => Ok(Parsed { expression, classes: parser.classes, size: parser.size }),
        Some(_) => Err("a ) closes no group: write \\) for the character".to_owned()),
    }
}

struct Parser<'s> {
    rest: Peekable<Chars<'s>>,
    strictness: Strictness,
    /// The number of open groups.
    depth: usize,
    names: Names,
    classes: Vec<Class>,
    /// The number of properties of Unicode so far.
    properties: HashMap<String, Class>,
    /// The size of the classes, in states.
    size: usize,
}

/// A character or class, in brackets or after a backslash.
enum Atom {
    Character(u32),
    Class(Class),
}

impl Parser<'_> {
    fn eat(&mut self, wanted: char) -> bool {
        self.rest.next_if_eq(&wanted).is_some()
    }

    /// Adds ranges of characters to the size, in states.
    fn count(&mut self, ranges: usize) -> Result<(), String> {
        self.size = self.size.saturating_add(ranges / RANGES_PER_STATE);
        if self.size > PATTERN_STATES_MAX { Err(too_large()) } else { Ok(()) }
    }

    fn class(&mut self, class: Class) -> Result<Expression, String> {
        self.count(class.ranges().len())?;
        self.classes.push(class);
        Ok(Expression::Class(self.classes.len().saturating_sub(1)))
    }

    fn alternation(&mut self) -> Result<Expression, String> {
        let names = self.names.len();
        let first = self.alternative()?;
        if self.rest.peek() != Some(&'|') {
            return Ok(first);
        }
        let (mut branches, mut aside) = (vec![first], Vec::new());
        while self.eat('|') {
            aside.extend(self.names.set_aside(names));
            branches.push(self.alternative()?);
        }
        self.names.take_back(aside);
        Ok(Expression::Alternate(branches))
    }

    fn alternative(&mut self) -> Result<Expression, String> {
        let mut parts = Vec::new();
        while let Some(next) = self.rest.peek() {
            if matches!(next, '|' | ')') {
                break;
            }
            parts.push(self.term()?);
        }
        Ok(match parts.len() {
            0 => Expression::Empty,
            1 => parts.pop().unwrap_or(Expression::Empty),
            _ => Expression::Concat(parts),
        })
    }

    fn term(&mut self) -> Result<Expression, String> {
        let atom = match self.rest.next() {
            Some('^') => return Ok(Expression::Assert(Assertion::Start)),
            Some('$') => return Ok(Expression::Assert(Assertion::End)),
            Some('(') => self.group()?,
            Some('.') => self.class(Class::any_but_line_ends())?,
            Some('[') => {
                let class = self.brackets()?;
                self.class(class)?
            }
            Some('\\') => match self.rest.peek() {
                Some('b' | 'B') => {
                    let is_boundary = self.rest.next() == Some('b');
                    let assertion = if is_boundary { Assertion::Boundary } else { Assertion::NoBoundary };
                    return Ok(Expression::Assert(assertion));
                }
                _ => match self.escape()? {
                    Atom::Character(code) => self.class(Class::single(code))?,
                    Atom::Class(class) => self.class(class)?,
                },
            },
            Some('*' | '+' | '?') => {
                return Err(
                    "there is nothing to repeat before *, + or ?: write \\* for the character".to_owned()
                );
            }
            Some('{') => return Err("a { opens no count: write \\{ for the character".to_owned()),
            Some(lone @ (']' | '}')) if self.strictness == Strictness::Set => {
                return Err(format!("a {lone} closes nothing: write \\{lone} for the character"));
            }
            Some(character) => self.class(Class::single(u32::from(character)))?,
            None => Expression::Empty,
        };
        self.quantified(atom)
    }

    fn quantified(&mut self, atom: Expression) -> Result<Expression, String> {
        let (min, max) = match self.rest.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                self.rest.next();
                let (min, max) = self.counts()?;
                if max.is_some_and(|max| max < min) {
                    return Err("the counts in braces are out of order".to_owned());
                }
                // Lazy or not, the same texts match.
                self.eat('?');
                return Ok(Expression::Repeat { of: Box::new(atom), min, max });
            }
            _ => return Ok(atom),
        };
        self.rest.next();
        self.eat('?');
        Ok(Expression::Repeat { of: Box::new(atom), min, max })
    }

    /// `{2}`, `{2,}` or `{2,5}`, after the brace.
    fn counts(&mut self) -> Result<(u32, Option<u32>), String> {
        let wrong = || "a { opens no count: write \\{ for the character".to_owned();
        let min = self.number().ok_or_else(wrong)?;
        let max = if self.eat(',') { self.number() } else { Some(min) };
        if self.eat('}') { Ok((min, max)) } else { Err(wrong()) }
    }

    fn number(&mut self) -> Option<u32> {
        let mut number = None;
        while let Some(digit) = self.rest.peek().and_then(|next| next.to_digit(10)) {
            self.rest.next();
            number = Some(number.unwrap_or(0_u32).saturating_mul(10).saturating_add(digit));
        }
        number
    }

    fn group(&mut self) -> Result<Expression, String> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > GROUP_DEPTH_MAX {
            return Err(format!("groups nest deeper than {GROUP_DEPTH_MAX}"));
        }
        if self.eat('?') {
            self.group_kind()?;
        }
        let inside = self.alternation()?;
        self.depth = self.depth.saturating_sub(1);
        if self.eat(')') {
            Ok(inside)
        } else {
            Err("a group is not closed: write \\( for the character".to_owned())
        }
    }

    /// After `(?`.
    fn group_kind(&mut self) -> Result<(), String> {
        const LOOK_AROUND: &str = "look-around is not supported: linear-time patterns only";
        match self.rest.next() {
            Some(':') => Ok(()),
            Some('=' | '!') => Err(LOOK_AROUND.to_owned()),
            Some('<') if matches!(self.rest.peek(), Some('=' | '!')) => Err(LOOK_AROUND.to_owned()),
            Some('<') if self.strictness == Strictness::Set => self.group_name(),
            Some('<') => {
                let is_named = self.rest.by_ref().any(|character| character == '>');
                if is_named { Ok(()) } else { Err("the name of a group is not closed".to_owned()) }
            }
            _ => Err("flags are not supported: write (?:…) for a group without a name".to_owned()),
        }
    }

    /// A name and the `>` that follows it.
    fn group_name(&mut self) -> Result<(), String> {
        const WRONG: &str = "the name of a group is letters, digits, _ and $, and begins with no digit";
        let mut name = String::new();
        loop {
            let letter = match self.rest.next() {
                Some('>') if !name.is_empty() => break,
                Some('\\') if self.eat('u') => char::from_u32(self.unicode()?),
                Some(letter) => Some(letter),
                None => return Err("the name of a group is not closed".to_owned()),
            };
            let is_first = name.is_empty();
            name.push(letter.filter(|letter| self.names.has_letter(*letter, is_first)).ok_or(WRONG)?);
        }
        if self.names.take(name) {
            Ok(())
        } else {
            Err("two groups have the same name: give each its own".to_owned())
        }
    }

    /// A class in brackets, after the first one.
    fn brackets(&mut self) -> Result<Class, String> {
        let negated = self.eat('^');
        let mut ranges = Vec::new();
        loop {
            let Some(next) = self.rest.peek() else {
                return Err("a [ is not closed: write \\[ for the character".to_owned());
            };
            if *next == ']' {
                self.rest.next();
                break;
            }
            let first = self.class_atom()?;
            // A minus at the end of a class is literal.
            let mut ahead = self.rest.clone();
            let is_range = ahead.next() == Some('-') && ahead.peek().is_some_and(|next| *next != ']');
            if !is_range {
                match first {
                    Atom::Character(code) => ranges.push((code, code)),
                    Atom::Class(class) => {
                        self.count(class.ranges().len())?;
                        ranges.extend_from_slice(class.ranges());
                    }
                }
                continue;
            }
            self.rest.next();
            match (first, self.class_atom()?) {
                (Atom::Character(start), Atom::Character(end)) if start <= end => ranges.push((start, end)),
                (Atom::Character(_), Atom::Character(_)) => {
                    return Err("a range in brackets is out of order".to_owned());
                }
                _ => {
                    return Err("a range in brackets needs a character at both ends: write \\- for a minus"
                        .to_owned());
                }
            }
        }
        let class = Class::of(ranges);
        Ok(if negated { class.negated() } else { class })
    }

    fn class_atom(&mut self) -> Result<Atom, String> {
        match self.rest.next() {
            Some('\\') if self.eat('b') => Ok(Atom::Character(0x08)),
            Some('\\') if self.eat('-') => Ok(Atom::Character(u32::from('-'))),
            Some('\\') => self.escape(),
            Some(character) => Ok(Atom::Character(u32::from(character))),
            None => Err("a [ is not closed: write \\[ for the character".to_owned()),
        }
    }

    /// After a backslash.
    fn escape(&mut self) -> Result<Atom, String> {
        let Some(letter) = self.rest.next() else { return Err("it ends in a backslash".to_owned()) };
        let code = match letter {
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                return Class::of_escape(letter).map(Atom::Class).ok_or_else(|| no_escape(letter));
            }
            'p' | 'P' => return self.property(letter == 'P').map(Atom::Class),
            't' => 0x09,
            'n' => 0x0A,
            'v' => 0x0B,
            'f' => 0x0C,
            'r' => 0x0D,
            '0' if !self.rest.peek().is_some_and(char::is_ascii_digit) => 0,
            'c' => match self.rest.next() {
                Some(control) if control.is_ascii_alphabetic() => u32::from(control) & 0x1F,
                _ => return Err("\\c needs a letter".to_owned()),
            },
            'x' => self.hex(2).ok_or("\\x needs two hexadecimal digits")?,
            'u' => self.unicode()?,
            '1'..='9' | 'k' => {
                return Err("back-references are not supported: patterns run in linear time".to_owned());
            }
            _ if "^$\\.*+?()[]{}|/".contains(letter) => u32::from(letter),
            _ if self.strictness == Strictness::Stored && is_escaped_elsewhere(letter) => u32::from(letter),
            _ => return Err(no_escape(letter)),
        };
        Ok(Atom::Character(code))
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        (0..digits).try_fold(0_u32, |code, _| {
            let digit = self.rest.next()?.to_digit(16)?;
            Some(code << 4 | digit)
        })
    }

    /// `\u00e9`, a pair of surrogates, or `\u{1F600}`, after the `u`.
    fn unicode(&mut self) -> Result<u32, String> {
        const WRONG: &str = "\\u needs four hexadecimal digits, or some in braces";
        if self.eat('{') {
            let mut code = 0_u32;
            let mut digits = 0_usize;
            while let Some(digit) = self.rest.peek().and_then(|next| next.to_digit(16)) {
                self.rest.next();
                code = code.saturating_mul(16).saturating_add(digit);
                digits = digits.saturating_add(1);
            }
            if code > u32::from(char::MAX) {
                return Err("what \\u{…} names is no character".to_owned());
            }
            return if digits > 0 && self.eat('}') { Ok(code) } else { Err(WRONG.to_owned()) };
        }
        let high = self.hex(4).ok_or(WRONG)?;
        if !(0xD800..0xDC00).contains(&high) {
            return Ok(high);
        }
        let ahead = self.rest.clone();
        let low = if self.eat('\\') && self.eat('u') { self.hex(4) } else { None };
        match low.filter(|low| (0xDC00..0xE000).contains(low)) {
            Some(low) => {
                let high = high.saturating_sub(0xD800) << 10;
                Ok(high.saturating_add(low.saturating_sub(0xDC00)).saturating_add(0x1_0000))
            }
            // A lone surrogate matches itself, which no text has.
            None => {
                self.rest = ahead;
                Ok(high)
            }
        }
    }

    /// `{L}` or `{Script=Greek}`, after the `p`.
    fn property(&mut self, negated: bool) -> Result<Class, String> {
        if !self.eat('{') {
            return Err("\\p needs a property in braces, such as \\p{L}".to_owned());
        }
        const NAME_CHARS_MAX: usize = 64;
        let name: String = self.rest.by_ref().take_while(|next| *next != '}').take(NAME_CHARS_MAX).collect();
        let class = match self.properties.get(&name) {
            Some(class) => class.clone(),
            None => {
                self.count(PROPERTY_STATES.saturating_mul(RANGES_PER_STATE))?;
                let is_known = self.strictness == Strictness::Stored || properties::is_property(&name);
                let class = is_known.then(|| Class::of_property(&name)).flatten();
                let class = class.ok_or_else(|| no_property(&name))?;
                self.properties.insert(name, class.clone());
                class
            }
        };
        Ok(if negated { class.negated() } else { class })
    }
}

/// Characters that other engines allow after a backslash.
fn is_escaped_elsewhere(letter: char) -> bool {
    letter.is_ascii_punctuation() || letter == ' '
}

fn no_property(name: &str) -> String {
    format!(
        "\\p{{{name}}} is no property of ECMA-262: write it exactly, such as \\p{{L}} or \\p{{Script=Greek}}"
    )
}

fn no_escape(letter: char) -> String {
    format!("\\{letter} is no escape: leave the backslash out")
}
