//! Strings in canonical form, as in RFC 8785.

#![allow(clippy::arithmetic_side_effects, reason = "places in a slice, and bytes of a word")]

use std::borrow::Cow;

/// The canonical form of a string, without the quotes.
pub(crate) fn raw(text: &str) -> Cow<'_, str> {
    if first_escaped(text.as_bytes()) == text.len() {
        return Cow::Borrowed(text);
    }
    let mut written = String::with_capacity(text.len().saturating_add(8));
    text.chars().for_each(|character| push_char(&mut written, character));
    Cow::Owned(written)
}

/// Whether two texts are equal. Most names are so short that comparing both ends as words costs
/// less than a call of memcmp.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    fn ends<const N: usize>(text: &[u8]) -> Option<[&[u8; N]; 2]> {
        Some([text.first_chunk()?, text.last_chunk()?])
    }
    if one.len() != other.len() {
        return false;
    }
    match one.len() {
        4..8 => ends::<4>(one) == ends::<4>(other),
        8..=16 => ends::<8>(one) == ends::<8>(other),
        _ => one == other,
    }
}

/// The position of the first byte that needs an escape, or the end.
pub(super) fn first_escaped(bytes: &[u8]) -> usize {
    let is_escaped = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    find(bytes, |word| equal_to(word, b'"') | equal_to(word, b'\\') | below(word, 0x20), is_escaped)
}

/// The position of the first quote, or the end.
pub(super) fn first_quote(bytes: &[u8]) -> usize {
    find(bytes, |word| equal_to(word, b'"'), |byte| *byte == b'"')
}

/// The position of the first backslash, or the end.
fn first_backslash(bytes: &[u8]) -> usize {
    find(bytes, |word| equal_to(word, b'\\'), |byte| *byte == b'\\')
}

/// Each byte is 1.
const ONES: u64 = u64::MAX / 0xff;
/// The highest bit of each byte.
const HIGHS: u64 = ONES << 7;

/// Sets the highest bit of each byte equal to this one. Above the first such byte it may be wrong.
fn equal_to(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * u64::from(byte)), 1)
}

/// Sets the highest bit of each byte less than this one, which is at most 0x80. Above the first
/// such byte it may be wrong.
fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGHS
}

/// Finds a byte, eight at a time: most strings are so short that calling a search over longer
/// blocks costs more than it saves. `in_word` sets the highest bit of the first wanted byte.
fn find(bytes: &[u8], in_word: impl Fn(u64) -> u64, is_wanted: impl Fn(&u8) -> bool) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (count, word) in words.iter().enumerate() {
        let found = in_word(u64::from_le_bytes(*word));
        if found != 0 {
            return count * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    if rest.is_empty() {
        return bytes.len();
    }
    // The rest is read with the bytes before it, none of which is wanted; in a shorter text, padded
    // with zeros.
    let (start, word) = match (bytes.last_chunk::<8>(), bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(word), ..) => (bytes.len() - 8, u64::from_le_bytes(*word)),
        (None, Some(first), Some(last)) => {
            let [first, last] = [first, last].map(|half| u64::from(u32::from_le_bytes(*half)));
            (0, first | last << ((bytes.len() - 4) * 8))
        }
        _ => return bytes.iter().position(is_wanted).unwrap_or(bytes.len()),
    };
    // If zeros are wanted, the first padding byte is at the end.
    match in_word(word) {
        0 => bytes.len(),
        found => start + found.trailing_zeros() as usize / 8,
    }
}

/// Writes one character of a string.
pub(crate) fn push_char(out: &mut String, character: char) {
    match character {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\0'..='\u{1f}' => {
            out.push_str("\\u00");
            let code = character as u32;
            out.extend([code >> 4, code & 0xf].into_iter().filter_map(|digit| char::from_digit(digit, 16)));
        }
        character => out.push(character),
    }
}

/// The string of a canonical form without the quotes.
pub(crate) fn unescaped(raw: &str) -> Cow<'_, str> {
    // Canonical text escapes only with a backslash.
    let Some((plain, mut rest)) = raw.split_at_checked(first_backslash(raw.as_bytes())) else {
        return Cow::Borrowed(raw);
    };
    let Some(escape) = rest.strip_prefix('\\') else { return Cow::Borrowed(raw) };
    rest = escape;
    let mut text = String::with_capacity(raw.len());
    text.push_str(plain);
    loop {
        let mut after = rest.chars();
        text.push(match after.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let (digits, tail) = after.as_str().split_at_checked(4).unwrap_or_default();
                after = tail.chars();
                u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).unwrap_or_default()
            }
            Some(character) => character,
            None => return Cow::Owned(text),
        });
        match after.as_str().split_once('\\') {
            Some((plain, escape)) => {
                text.push_str(plain);
                rest = escape;
            }
            None => {
                text.push_str(after.as_str());
                return Cow::Owned(text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn strings_are_written_as_serde_json_writes_them(text in "[a\"\\\\\u{0}-\u{1f}\u{7f}é🙂/]{0,12}") {
            let written = format!("\"{}\"", raw(&text));
            proptest::prop_assert_eq!(&written, &serde_json::Value::from(text.as_str()).to_string());
            proptest::prop_assert_eq!(unescaped(&written[1..written.len() - 1]), text);
        }

        /// At every position of two texts of the same length that mostly agree.
        #[test]
        fn texts_are_one_when_each_byte_is(one in proptest::collection::vec(97..99_u8, 0..24), at in 0..24_usize) {
            let mut other = one.clone();
            proptest::prop_assert!(same(&one, &other));
            match other.get_mut(at) {
                Some(byte) => *byte ^= 1,
                None => other.push(b'a'),
            }
            proptest::prop_assert!(!same(&one, &other), "{:?}", other);
        }

        /// At every position of a word, and after the last whole word.
        #[test]
        fn bytes_are_found_where_they_are(bytes in proptest::collection::vec(proptest::sample::select(
            b"aa\x7f\x80\xff !#[]\x20\x1f\x00\"\\".to_vec()), 0..40))
        {
            let first = |wanted: fn(u8) -> bool| bytes.iter().position(|byte| wanted(*byte)).unwrap_or(bytes.len());
            proptest::prop_assert_eq!(first_quote(&bytes), first(|byte| byte == b'"'));
            proptest::prop_assert_eq!(first_backslash(&bytes), first(|byte| byte == b'\\'));
            proptest::prop_assert_eq!(first_escaped(&bytes), first(|byte| byte < 0x20 || b"\"\\".contains(&byte)));
        }
    }
}
