//! Strings of untrusted JSON: decodes escapes, rejects control characters and lone surrogates, and
//! writes the canonical form.

use super::Parser;
use crate::error::Error;
use crate::json::strings::{first_escaped, push_char};

impl Parser<'_> {
    /// Parses a string and writes its canonical form, with the quotes.
    pub(super) fn string(&mut self) -> Result<(), Error> {
        self.advance(1);
        loop {
            self.advance(first_escaped(self.rest()));
            match self.peek() {
                Some(b'"') => {
                    self.advance(1);
                    return Ok(());
                }
                Some(b'\\') => {
                    self.take_over();
                    let character = self.escape()?;
                    push_char(&mut self.out, character);
                    self.taken = self.at;
                }
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

    /// `\uXXXX` after the `u`; a pair of surrogates is one character, a lone one is invalid (RFC
    /// 8259, 8.2).
    fn unicode_escape(&mut self) -> Result<char, Error> {
        let start = self.at;
        let high = self.hex4()?;
        let code = match high {
            0xd800..=0xdbff if self.take(b'\\') && self.take(b'u') => match self.hex4()? {
                low @ 0xdc00..=0xdfff => {
                    let (high, low) = (high & 0x3ff, low & 0x3ff);
                    0x10000_u32.saturating_add(high << 10 | low)
                }
                // No low surrogate follows, so the high one is alone, and no character.
                _ => high,
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
