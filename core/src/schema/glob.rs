//! Patterns as in KEYS, matched in one pass over a key.
//!
//! The text before the first `*` and after the last one is compared in place. The pieces between
//! are searched from the left, each once, with a bit for each part of the pattern (Shift-And): one
//! step a byte of the key, whatever the pattern. A pattern has at most 128 bytes, so 128 bits are
//! enough. Not backtracking as in KEYS: it takes the product of both lengths.

/// A parsed pattern.
#[derive(Debug)]
pub(super) struct Glob {
    /// The literal prefix, for the index.
    literal: Vec<u8>,
    /// Up to the first `*`.
    head: Vec<Bytes>,
    /// After the last `*`; `None` for a pattern without one.
    tail: Option<Vec<Bytes>>,
    /// Between two of them; `None` where there is nothing.
    middle: Option<Box<Middle>>,
}

/// The bytes that one part of a pattern admits.
#[derive(Debug)]
enum Bytes {
    One(u8),
    Any,
    Among(Box<[bool; 256]>),
}

/// Pieces to find one after another.
#[derive(Debug)]
struct Middle {
    /// The parts that admit each byte.
    masks: [u128; 256],
    /// The bits of the first and the last part of each piece.
    pieces: Vec<(u128, u128)>,
    /// The number of parts of all pieces.
    parts: usize,
}

impl Bytes {
    fn of(part: Part) -> Bytes {
        match part {
            Part::Byte(byte) => Bytes::One(byte),
            Part::Any | Part::Star => Bytes::Any,
            Part::Class(_) => {
                let mut among = Box::new([false; 256]);
                among.iter_mut().zip(0..=u8::MAX).for_each(|(admitted, byte)| *admitted = part.admits(byte));
                Bytes::Among(among)
            }
        }
    }

    fn admits(&self, byte: u8) -> bool {
        match self {
            Bytes::One(wanted) => *wanted == byte,
            Bytes::Any => true,
            Bytes::Among(among) => among.get(usize::from(byte)).is_some_and(|admitted| *admitted),
        }
    }
}

impl Glob {
    pub(super) fn parse(pattern: &[u8]) -> Glob {
        // The text between stars; several stars are one.
        let mut pieces: Vec<Vec<Part>> = vec![Vec::new()];
        let mut rest = pattern;
        while let Some((part, next)) = Part::first(rest) {
            match (part, pieces.last_mut()) {
                (Part::Star, _) => pieces.push(Vec::new()),
                (part, Some(piece)) => piece.push(part),
                (_, None) => {}
            }
            rest = next;
        }
        let bytes = |piece: &[Part]| piece.iter().map(|part| Bytes::of(*part)).collect::<Vec<_>>();
        let tail = if pieces.len() > 1 { pieces.pop() } else { None };
        let mut pieces = pieces.into_iter();
        let head = bytes(&pieces.next().unwrap_or_default());
        let literal =
            head.iter().map_while(|part| if let Bytes::One(byte) = part { Some(*byte) } else { None });
        let literal = literal.collect();
        Glob { literal, head, tail: tail.map(|tail| bytes(&tail)), middle: Middle::of(pieces) }
    }

    /// The literal prefix of every matching key.
    pub(super) fn literal(&self) -> &[u8] {
        &self.literal
    }

    /// Whether a key matches, as in KEYS.
    pub(super) fn matches(&self, key: &[u8]) -> bool {
        let admits =
            |parts: &[Bytes], key: &[u8]| parts.iter().zip(key).all(|(part, byte)| part.admits(*byte));
        let Some(tail) = &self.tail else { return key.len() == self.head.len() && admits(&self.head, key) };
        let Some((head, rest)) = key.split_at_checked(self.head.len()) else { return false };
        let Some(middle_len) = rest.len().checked_sub(tail.len()) else { return false };
        let Some((between, end)) = rest.split_at_checked(middle_len) else { return false };
        // The end first: patterns with the same prefix usually differ there.
        admits(tail, end)
            && admits(&self.head, head)
            && self.middle.as_ref().is_none_or(|middle| middle.is_in(between))
    }
}

impl Middle {
    fn of<'p>(pieces: impl Iterator<Item = Vec<Part<'p>>>) -> Option<Box<Middle>> {
        let mut middle = Box::new(Middle { masks: [0; 256], pieces: Vec::new(), parts: 0 });
        for piece in pieces.filter(|piece| !piece.is_empty()) {
            let bit =
                |place: usize| 1_u128.checked_shl(u32::try_from(place).unwrap_or(u32::MAX)).unwrap_or(0);
            let first = middle.parts;
            for part in &piece {
                let own = bit(middle.parts);
                match part {
                    // By far the most are bytes: going through all 256 for each took 50 us a
                    // pattern.
                    Part::Byte(byte) => {
                        middle.masks.get_mut(usize::from(*byte)).into_iter().for_each(|mask| *mask |= own);
                    }
                    part => {
                        for (mask, byte) in middle.masks.iter_mut().zip(0..=u8::MAX) {
                            *mask |= if part.admits(byte) { own } else { 0 };
                        }
                    }
                }
                middle.parts = middle.parts.saturating_add(1);
            }
            middle.pieces.push((bit(first), bit(middle.parts.saturating_sub(1))));
        }
        (middle.parts > 0).then_some(middle)
    }

    /// Whether all pieces occur, in order.
    fn is_in(&self, key: &[u8]) -> bool {
        if key.len() < self.parts {
            return false;
        }
        let mut pieces = self.pieces.iter();
        let Some(&(mut first, mut last)) = pieces.next() else { return true };
        // The parts of the present piece that have matched up to here.
        let mut matched = 0_u128;
        for byte in key {
            matched = ((matched << 1) | first) & self.masks.get(usize::from(*byte)).copied().unwrap_or(0);
            if matched & last != 0 {
                let Some(next) = pieces.next() else { return true };
                ((first, last), matched) = (*next, 0);
            }
        }
        false
    }
}

/// One part of a pattern.
#[derive(Clone, Copy)]
pub(super) enum Part<'p> {
    Byte(u8),
    Any,
    Star,
    /// The content of the brackets.
    Class(&'p [u8]),
}

impl<'p> Part<'p> {
    pub(super) fn first(pattern: &'p [u8]) -> Option<(Part<'p>, &'p [u8])> {
        let (first, rest) = pattern.split_first()?;
        Some(match (first, rest) {
            (b'*', rest) => (Part::Star, rest),
            (b'?', rest) => (Part::Any, rest),
            (b'[', rest) => {
                let end = class_end(rest);
                let (class, rest) = rest.split_at_checked(end).unwrap_or((rest, &[]));
                // An unclosed class ends with the pattern, as in KEYS.
                (Part::Class(class), rest.get(1..).unwrap_or_default())
            }
            (b'\\', [escaped, rest @ ..]) => (Part::Byte(*escaped), rest),
            (byte, rest) => (Part::Byte(*byte), rest),
        })
    }

    pub(super) fn admits(&self, byte: u8) -> bool {
        match self {
            Part::Byte(wanted) => *wanted == byte,
            Part::Any | Part::Star => true,
            Part::Class(class) => in_class(class, byte),
        }
    }
}

/// The position of the closing bracket.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The same by backtracking to the last `*`.
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
            assert!(Glob::parse(pattern.as_bytes()).matches(key.as_bytes()), "{pattern} {key}");
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
            assert!(!Glob::parse(pattern.as_bytes()).matches(key.as_bytes()), "{pattern} {key}");
        }
    }

    #[test]
    fn stars_do_not_multiply_the_work() {
        let pattern = "*a".repeat(64);
        let glob = Glob::parse(pattern.as_bytes());
        assert!(glob.matches("a".repeat(512).as_bytes()));
        assert!(!glob.matches("a".repeat(63).as_bytes()));
        let long = format!("*{}b*", "a".repeat(125));
        assert_eq!(long.len(), crate::limits::NAME_BYTES_MAX);
        let glob = Glob::parse(long.as_bytes());
        assert!(!glob.matches("a".repeat(512).as_bytes()));
        assert!(glob.matches(format!("{}b", "a".repeat(511)).as_bytes()));
    }

    proptest::proptest! {
        #![proptest_config(crate::json::oracle::config())]

        #[test]
        fn matching_in_one_pass_agrees_with_trying_again(
            pattern in "[ab*?\\[\\]^\\\\-]{0,12}",
            keys in proptest::collection::vec("[ab*\\-\\]^]{0,12}", 8),
        ) {
            for key in keys {
                let (pattern, key) = (pattern.as_bytes(), key.as_bytes());
                proptest::prop_assert_eq!(Glob::parse(pattern).matches(key), matches(pattern, key));
            }
        }
    }
}
