//! Bindings: which keys must obey which schema, by patterns as in KEYS.
//!
//! Several patterns may match one key. The most specific wins: the one with the most bytes that must be there literally; of
//! those the one with the fewest `*`, then the fewest `?`, then the first by its bytes. The glob crate was not taken: its
//! patterns are about file names, where `*` stops at a slash and names are text.

use std::cmp::Reverse;

use crate::error::Error;

/// A server keeps at most this many bindings.
pub const BINDINGS_MAX: usize = 1024;

/// One pattern and the schema it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// As in KEYS: `*`, `?`, `[abc]`, `[^a]`, `[a-z]`, and `\` before a character that stands for itself.
    pub pattern: Box<str>,
    /// The schema's name.
    pub schema: Box<str>,
}

/// All bindings, most specific first.
#[derive(Debug, Default)]
pub struct Bindings {
    sorted: Vec<Binding>,
}

impl Bindings {
    pub const fn new() -> Bindings {
        Bindings { sorted: Vec::new() }
    }

    /// The schema that the most specific matching pattern names.
    pub fn of(&self, key: &[u8]) -> Option<&str> {
        self.sorted
            .iter()
            .find(|binding| matches(binding.pattern.as_bytes(), key))
            .map(|binding| &*binding.schema)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Binding> {
        self.sorted.iter()
    }

    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// What a pattern is bound to.
    pub fn get(&self, pattern: &str) -> Option<&str> {
        self.sorted.iter().find(|binding| &*binding.pattern == pattern).map(|binding| &*binding.schema)
    }

    /// Refuses more bindings than there may be.
    pub fn check_room(&self, patterns: &[Box<str>]) -> Result<(), Error> {
        let new = patterns.iter().filter(|pattern| self.get(pattern).is_none()).count();
        if self.len().saturating_add(new) > BINDINGS_MAX {
            return Err(Error::BadSchema { reason: format!("{BINDINGS_MAX} bindings are kept at most") });
        }
        Ok(())
    }

    /// Binds a pattern; one that was bound to something else is bound to this now.
    pub fn bind(&mut self, binding: Binding) {
        self.unbind(&binding.pattern);
        let rank = rank(&binding.pattern);
        let place = self.sorted.partition_point(|other| self::rank(&other.pattern) < rank);
        self.sorted.insert(place, binding);
    }

    /// Whether there was such a binding.
    pub fn unbind(&mut self, pattern: &str) -> bool {
        let before = self.sorted.len();
        self.sorted.retain(|binding| &*binding.pattern != pattern);
        self.sorted.len() < before
    }
}

/// How specific a pattern is: less is more specific.
fn rank(pattern: &str) -> (Reverse<usize>, usize, usize, &str) {
    let (mut literal, mut stars, mut any) = (0_usize, 0_usize, 0_usize);
    let mut rest = pattern.as_bytes();
    while let Some((part, next)) = Part::first(rest) {
        match part {
            Part::Byte(_) => literal = literal.saturating_add(1),
            Part::Star => stars = stars.saturating_add(1),
            Part::Any => any = any.saturating_add(1),
            Part::Class(_) => {}
        }
        rest = next;
    }
    (Reverse(literal), stars, any, pattern)
}

/// One part of a pattern.
enum Part<'p> {
    Byte(u8),
    Any,
    Star,
    /// What stands between the brackets.
    Class(&'p [u8]),
}

impl<'p> Part<'p> {
    fn first(pattern: &'p [u8]) -> Option<(Part<'p>, &'p [u8])> {
        let (first, rest) = pattern.split_first()?;
        Some(match (first, rest) {
            (b'*', rest) => (Part::Star, rest),
            (b'?', rest) => (Part::Any, rest),
            (b'[', rest) => {
                let end = class_end(rest);
                let (class, rest) = rest.split_at_checked(end).unwrap_or((rest, &[]));
                // A class that is never closed ends with the pattern, as in KEYS.
                (Part::Class(class), rest.get(1..).unwrap_or_default())
            }
            (b'\\', [escaped, rest @ ..]) => (Part::Byte(*escaped), rest),
            (byte, rest) => (Part::Byte(*byte), rest),
        })
    }

    fn admits(&self, byte: u8) -> bool {
        match self {
            Part::Byte(wanted) => *wanted == byte,
            Part::Any | Part::Star => true,
            Part::Class(class) => in_class(class, byte),
        }
    }
}

/// Where the closing bracket is.
fn class_end(class: &[u8]) -> usize {
    let mut is_escaped = false;
    let closing = class.iter().position(|byte| {
        let closes = *byte == b']' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        closes
    });
    closing.unwrap_or(class.len())
}

fn in_class(class: &[u8], byte: u8) -> bool {
    let (negated, mut rest) = match class {
        [b'^', rest @ ..] => (true, rest),
        class => (false, class),
    };
    let mut found = false;
    while let [first, others @ ..] = rest {
        rest = match (first, others) {
            (b'\\', [escaped, rest @ ..]) => {
                found |= *escaped == byte;
                rest
            }
            (from, [b'-', to, rest @ ..]) => {
                found |= (*from.min(to)..=*from.max(to)).contains(&byte);
                rest
            }
            (single, rest) => {
                found |= *single == byte;
                rest
            }
        };
    }
    found != negated
}

/// Whether a key matches, as KEYS would say. Only the last `*` is ever tried again, so the cost is at most the product of
/// both lengths.
fn matches(pattern: &[u8], key: &[u8]) -> bool {
    let (mut pattern, mut key) = (pattern, key);
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match (Part::first(pattern), key.split_first()) {
            (Some((Part::Star, after)), _) => {
                if after.is_empty() {
                    return true;
                }
                retry = Some((after, key));
                pattern = after;
            }
            (Some((part, after)), Some((byte, rest))) if part.admits(*byte) => {
                (pattern, key) = (after, rest);
            }
            (None, None) => return true,
            _ => match retry {
                Some((after, [_, rest @ ..])) => {
                    retry = Some((after, rest));
                    (pattern, key) = (after, rest);
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_match_as_in_keys() {
        for (pattern, key) in [
            ("channel:*", "channel:+263771234567"),
            ("*", ""),
            ("*:state", "user:{263771234567}:state"),
            ("user:?", "user:7"),
            ("user:[a-c7]", "user:7"),
            ("user:[^a-c]", "user:7"),
            ("user:[c-a]", "user:b"),
            (r"user:\*", "user:*"),
            (r"user:[\]x]", "user:]"),
            ("user:[ab", "user:b"),
            ("*a*b*c", "xxaxxbxxbxc"),
            (r"a\", r"a\"),
        ] {
            assert!(matches(pattern.as_bytes(), key.as_bytes()), "{pattern} {key}");
        }
        for (pattern, key) in [
            ("channel:*", "channe:1"),
            ("channel:?", "channel:12"),
            ("user:[^a-c]", "user:b"),
            (r"user:\*", "user:7"),
            ("", "a"),
            ("*a*b", "xbxa"),
            ("user:[]", "user:]"),
        ] {
            assert!(!matches(pattern.as_bytes(), key.as_bytes()), "{pattern} {key}");
        }
    }

    #[test]
    fn the_most_specific_pattern_wins() {
        let mut bindings = Bindings::new();
        for pattern in [
            "*",
            "channel:*",
            "channel:+263*",
            "channel:+2637712345??",
            "channel:+26377123456[0-9]",
            "*:+263771234567",
        ] {
            bindings.bind(Binding { pattern: pattern.into(), schema: pattern.into() });
        }
        let of = |key: &str| bindings.of(key.as_bytes()).unwrap_or("none").to_owned();
        assert_eq!(of("channel:+263771234567"), "channel:+26377123456[0-9]");
        assert_eq!(of("channel:+263771234577"), "channel:+2637712345??");
        assert_eq!(of("channel:+263880000000"), "channel:+263*");
        assert_eq!(of("channel:+27820000000"), "channel:*");
        assert_eq!(of("state:+263771234567"), "*:+263771234567");
        assert_eq!(of("session:1"), "*");
    }

    #[test]
    fn of_two_as_literal_the_one_with_fewer_stars_wins() {
        let mut bindings = Bindings::new();
        for pattern in ["user:*", "*user:*", "user:?", "user:[0-9]"] {
            bindings.bind(Binding { pattern: pattern.into(), schema: pattern.into() });
        }
        let order: Vec<&str> = bindings.iter().map(|binding| &*binding.pattern).collect();
        assert_eq!(order, ["user:[0-9]", "user:?", "user:*", "*user:*"]);
    }

    #[test]
    fn a_pattern_is_bound_once() {
        let mut bindings = Bindings::new();
        for schema in ["vimbiso.flow", "vimbiso.channel"] {
            bindings.bind(Binding { pattern: "channel:*".into(), schema: schema.into() });
        }
        assert_eq!((bindings.len(), bindings.get("channel:*")), (1, Some("vimbiso.channel")));
        assert!(bindings.unbind("channel:*") && !bindings.unbind("channel:*"));
    }
}
