//! Strings as canonical text writes them: the way of RFC 8785, which is the only one.

use std::borrow::Cow;

/// A string as it is written between its quotes.
pub(crate) fn raw(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut written = String::with_capacity(text.len().saturating_add(8));
    text.chars().for_each(|character| push_char(&mut written, character));
    Cow::Owned(written)
}

/// Whether a byte has to be written as an escape.
pub(crate) fn is_escaped(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..=0x1f)
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

/// Writes a string with its quotes.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    out.push_str(&raw(text));
    out.push('"');
}

/// The string that is written so between its quotes.
pub(crate) fn unescaped(raw: &str) -> Cow<'_, str> {
    let Some((plain, mut rest)) = raw.split_once('\\') else { return Cow::Borrowed(raw) };
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
                let (digits, behind) = after.as_str().split_at_checked(4).unwrap_or_default();
                after = behind.chars();
                u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).unwrap_or_default()
            }
            Some(character) => character,
            None => return Cow::Owned(text),
        });
        match after.as_str().split_once('\\') {
            Some((plain, behind)) => {
                text.push_str(plain);
                rest = behind;
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
            let mut written = String::new();
            push_string(&mut written, &text);
            proptest::prop_assert_eq!(&written, &serde_json::Value::from(text.as_str()).to_string());
            proptest::prop_assert_eq!(unescaped(&written[1..written.len() - 1]), text);
        }
    }
}
