//! Passes over values of canonical text: finds the end of a string, a number or a container.
//!
//! Most commands pass over most of a document, so a container is skipped 64 bytes at a time: quotes
//! and brackets of a block become bit masks, the quotes mask the brackets within strings, and the
//! others are counted. A search for one quote or bracket after the other takes four times as long.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "positions in a text that is shorter than 4 GiB: sums of two of them fit a usize of 64 bits"
)]

use wide::u8x16;

use super::strings::first_quote;

const BLOCK_BYTES: usize = 64;
type Block = [u8; BLOCK_BYTES];

/// Masks of the bytes of a block; the lowest bit is the first byte.
#[derive(Default)]
struct Masks {
    quotes: u64,
    backslashes: u64,
    /// Brackets of both kinds, and bytes that resemble one; those occur in strings only.
    brackets: u64,
}

/// `[`, `]`, `{` and `}` differ in these bits alone. So do `Y`, `_`, `y` and DEL, which canonical
/// text has in strings only.
const BRACKETS_DIFFER: u8 = 0x26;
/// Of these, a closing bracket has this bit.
const CLOSES: u8 = 0x04;

impl Masks {
    fn of(block: &Block) -> Masks {
        let mut masks = Masks::default();
        let mut has_backslash = u8x16::ZERO;
        for (part, bytes) in block.as_chunks::<16>().0.iter().enumerate() {
            let bytes = u8x16::new(*bytes);
            let bits = |found: u8x16| u64::from(found.to_bitmask()) << (part * 16);
            masks.quotes |= bits(bytes.simd_eq(u8x16::splat(b'"')));
            masks.brackets |=
                bits((bytes | u8x16::splat(BRACKETS_DIFFER)).simd_eq(u8x16::splat(b'{' | BRACKETS_DIFFER)));
            has_backslash |= bytes.simd_eq(u8x16::splat(b'\\'));
        }
        // Few blocks have a backslash.
        if has_backslash.to_bitmask() != 0 {
            for (place, byte) in block.iter().enumerate() {
                masks.backslashes |= u64::from(*byte == b'\\') << place;
            }
        }
        masks
    }
}

/// The state between two blocks.
#[derive(Default)]
struct Carried {
    /// All bits are set within a string.
    in_string: u64,
    /// The lowest bit is set when the next byte is escaped.
    escaped: u64,
}

impl Carried {
    /// Which bytes of the next block are within strings.
    fn strings(&mut self, masks: &Masks) -> u64 {
        let quotes = masks.quotes & !self.escaped(masks.backslashes);
        // Each bit becomes the parity of those up to it.
        let parity = [1, 2, 4, 8, 16, 32].into_iter().fold(quotes, |parity, by| parity ^ (parity << by));
        let strings = parity ^ self.in_string;
        self.in_string = if strings >> 63 == 1 { u64::MAX } else { 0 };
        strings
    }

    /// Which bytes of the next block follow a backslash that is not itself escaped.
    fn escaped(&mut self, backslashes: u64) -> u64 {
        let mut escaped = std::mem::take(&mut self.escaped);
        let mut left = backslashes & !escaped;
        while left != 0 {
            let place = left.trailing_zeros();
            let next = 1_u64.checked_shl(place + 1).unwrap_or(0);
            self.escaped |= u64::from(next == 0);
            escaped |= next;
            left &= !(next | 1 << place);
        }
        escaped
    }
}

/// The position after the container whose opening bracket is at `at`.
pub(super) fn container_end(bytes: &[u8], at: usize) -> usize {
    let (mut carried, mut depth, mut start) = (Carried::default(), 0_usize, at);
    while let Some(rest) = bytes.get(start..).filter(|rest| !rest.is_empty()) {
        let masks = match rest.first_chunk() {
            Some(block) => Masks::of(block),
            None => Masks::of(&padded(rest)),
        };
        let outside = !carried.strings(&masks);
        let mut brackets = masks.brackets & outside;
        while brackets != 0 {
            let place = start + brackets.trailing_zeros() as usize;
            brackets &= brackets - 1;
            // Canonical text has balanced brackets.
            let closes = bytes.get(place).is_some_and(|bracket| bracket & CLOSES != 0);
            depth = if closes { depth.saturating_sub(1) } else { depth + 1 };
            if depth == 0 {
                return place + 1;
            }
        }
        start += BLOCK_BYTES;
    }
    bytes.len()
}

/// The last bytes of a text as a block.
fn padded(rest: &[u8]) -> Block {
    let mut block = [b' '; BLOCK_BYTES];
    block.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    block
}

/// The position after the string whose opening quote is at `at`.
pub(super) fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    loop {
        end += first_quote(bytes.get(end..).unwrap_or_default());
        if bytes.get(end - 1) != Some(&b'\\') || end >= bytes.len() {
            return end + 1;
        }
        let before = bytes.get(at + 1..end).unwrap_or_default();
        let escapes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
        end += 1;
        // The backslash may itself be escaped.
        if escapes % 2 == 0 {
            return end;
        }
    }
}

/// The position after the number or word at `at`.
pub(super) fn scalar_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| matches!(byte, b',' | b'}' | b']')).unwrap_or(rest.len())
}

/// How deep containers nest in a value: 0 for a scalar, 1 for `{}`.
pub(super) fn depth(value: &[u8]) -> usize {
    let (mut at, mut depth, mut deepest) = (0, 0_usize, 0);
    while let Some(byte) = value.get(at) {
        match byte {
            b'"' => {
                at = string_end(value, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
        at += 1;
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::oracle;

    proptest::proptest! {
        #![proptest_config(oracle::config())]

        /// Each container of a document, at each offset in a block.
        #[test]
        fn containers_end_where_they_do(value in oracle::any_value(), before in 0..70_usize, after in 0..70_usize) {
            let text = value.to_string();
            let within = format!("{}{text}{}", "[".repeat(before), "]\",\\".repeat(after));
            if value.is_object() || value.is_array() {
                proptest::prop_assert_eq!(container_end(within.as_bytes(), before), before + text.len());
            }
        }

        #[test]
        fn strings_end_where_they_do(text in "[a\"\\\\é\u{1}]{0,80}", after in "[\",\\\\}]{0,9}") {
            let text = serde_json::Value::from(text).to_string();
            proptest::prop_assert_eq!(string_end(format!("{text}{after}").as_bytes(), 0), text.len());
        }

        #[test]
        fn depths_are_counted(value in oracle::any_value()) {
            fn depth_of(value: &serde_json::Value) -> usize {
                let children: Vec<&serde_json::Value> = match value {
                    serde_json::Value::Array(elements) => elements.iter().collect(),
                    serde_json::Value::Object(members) => members.values().collect(),
                    _ => return 0,
                };
                children.into_iter().map(depth_of).max().unwrap_or(0) + 1
            }
            proptest::prop_assert_eq!(depth(value.to_string().as_bytes()), depth_of(&value));
        }
    }
}
