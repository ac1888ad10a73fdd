//! Sets of characters, as ranges of code points; no text has a lone surrogate.

use regex_syntax::hir::{Class as Found, HirKind};

const CODE_POINT_MAX: u32 = 0x10_FFFF;
/// ECMA-262, WhiteSpace and LineTerminator.
const SPACE: [(u32, u32); 10] = [
    (0x09, 0x0D),
    (0x20, 0x20),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
    (0xFEFF, 0xFEFF),
];
const DIGIT: [(u32, u32); 1] = [(0x30, 0x39)];
const WORD: [(u32, u32); 4] = [(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)];
/// ECMA-262, LineTerminator: what `.` does not match.
const LINE_END: [(u32, u32); 3] = [(0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029)];

/// A set of characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Class {
    /// Sorted and disjoint.
    ranges: Vec<(u32, u32)>,
    /// A bit for each of the first 128 characters.
    ascii: u128,
}

impl Class {
    pub(super) fn of(mut ranges: Vec<(u32, u32)>) -> Class {
        ranges.sort_unstable();
        let mut joined: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
        for (start, end) in ranges {
            match joined.last_mut() {
                Some(last) if start <= last.1.saturating_add(1) => last.1 = last.1.max(end),
                _ => joined.push((start, end)),
            }
        }
        let is_in = |code: &u32| joined.iter().any(|(start, end)| (start..=end).contains(&code));
        let ascii = (0..128_u32).filter(is_in).fold(0, |bits, code| bits | 1_u128 << code);
        Class { ranges: joined, ascii }
    }

    pub(super) fn single(code: u32) -> Class {
        Class::of(vec![(code, code)])
    }

    /// What `.` matches.
    pub(super) fn any_but_line_ends() -> Class {
        Class::of(LINE_END.to_vec()).negated()
    }

    /// The class of `\d`, `\s`, `\w`, and of their capitals, which are the complements.
    pub(super) fn of_escape(letter: char) -> Option<Class> {
        let ranges: &[(u32, u32)] = match letter.to_ascii_lowercase() {
            'd' => &DIGIT,
            's' => &SPACE,
            'w' => &WORD,
            _ => return None,
        };
        let class = Class::of(ranges.to_vec());
        Some(if letter.is_ascii_uppercase() { class.negated() } else { class })
    }

    /// The characters with a property of Unicode, such as `L` or `Script=Greek`.
    pub(super) fn of_property(name: &str) -> Option<Class> {
        // Only the name reaches that crate's syntax.
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'=');
        if name.is_empty() || !name.bytes().all(is_name) {
            return None;
        }
        let found = regex_syntax::Parser::new().parse(&format!(r"\p{{{name}}}")).ok()?;
        let ranges = match found.into_kind() {
            HirKind::Class(Found::Unicode(class)) => class
                .ranges()
                .iter()
                .map(|range| (u32::from(range.start()), u32::from(range.end())))
                .collect(),
            HirKind::Class(Found::Bytes(class)) => class
                .ranges()
                .iter()
                .map(|range| (u32::from(range.start()), u32::from(range.end())))
                .collect(),
            HirKind::Literal(literal) => {
                let text = std::str::from_utf8(&literal.0).ok()?;
                text.chars().map(|character| (u32::from(character), u32::from(character))).collect()
            }
            _ => Vec::new(),
        };
        Some(Class::of(ranges))
    }

    pub(super) fn negated(&self) -> Class {
        let mut ranges = Vec::with_capacity(self.ranges.len().saturating_add(1));
        let mut next = 0_u32;
        for (start, end) in &self.ranges {
            if *start > next {
                ranges.push((next, start.saturating_sub(1)));
            }
            next = end.saturating_add(1);
        }
        if next <= CODE_POINT_MAX {
            ranges.push((next, CODE_POINT_MAX));
        }
        Class::of(ranges)
    }

    pub(super) fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    pub(super) fn contains(&self, code: u32) -> bool {
        if code < 128 {
            return self.ascii >> code & 1 == 1;
        }
        let place = self.ranges.partition_point(|(_, end)| *end < code);
        self.ranges.get(place).is_some_and(|(start, _)| *start <= code)
    }
}

/// Whether a character is one of `\w`, for `\b`.
pub(super) fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}
