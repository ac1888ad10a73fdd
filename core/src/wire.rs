//! The primitives of the binary format: numbers, times, texts and flags, and a reader that trusts
//! no byte.

use thiserror::Error as ThisError;

use crate::limits::NAME_BYTES_MAX;

#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn with_capacity(bytes: usize) -> Writer {
        Writer { bytes: Vec::with_capacity(bytes) }
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(crate) fn fixed(&mut self, number: u64) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    pub(crate) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.byte(number as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }

    pub(crate) fn len(&mut self, len: usize) {
        self.number(len as u64);
    }

    /// Never negative: `check_invariants` and the clock guarantee it.
    pub(crate) fn time(&mut self, unix_ms: i64) {
        self.number(unix_ms.max(0) as u64);
    }

    /// The distance of a time from another one: short when they are near, in either direction.
    pub(crate) fn distance(&mut self, from_ms: i64, at_ms: i64) {
        let distance = at_ms.saturating_sub(from_ms);
        self.number(((distance << 1) ^ (distance >> 63)) as u64);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.len(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn optional_text(&mut self, text: Option<&str>) {
        self.byte(u8::from(text.is_some()));
        if let Some(text) = text {
            self.text(text);
        }
    }
}

/// Why a payload is corrupt: what the decoder expected, and at which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ThisError)]
#[error("corrupt payload at byte {offset}: expected {expected}")]
pub struct DecodeError {
    /// Where the unexpected bytes begin, counted from 0. For a rule that several fields must meet
    /// together it is where the first of them begins.
    pub offset: usize,
    /// What the format has there.
    pub expected: &'static str,
}

/// Reads a payload from front to back, and trusts no byte.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    /// Where the bytes end in the whole payload.
    end: usize,
}

impl<'a> Reader<'a> {
    /// Reads a whole payload.
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, end: bytes.len() }
    }

    /// Where the next byte is in the payload.
    pub(crate) fn offset(&self) -> usize {
        self.end.saturating_sub(self.bytes.len())
    }

    /// The error that the next byte is not what the format has there.
    pub(crate) fn unexpected(&self, expected: &'static str) -> DecodeError {
        DecodeError { offset: self.offset(), expected }
    }

    /// Reads by `read`, and reports what it does not accept at the byte where it began.
    pub(crate) fn expect<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Result<T, DecodeError> {
        let start = self.bytes.len();
        read(self).ok_or(DecodeError { offset: self.end.saturating_sub(start), expected })
    }

    pub(crate) fn at_end(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn len_left(&self) -> usize {
        self.bytes.len()
    }

    /// Checks that nothing follows.
    pub(crate) fn finish(&self) -> Result<(), DecodeError> {
        if self.at_end() { Ok(()) } else { Err(self.unexpected("the end of the payload")) }
    }

    /// All remaining bytes.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        let Some((byte, rest)) = self.bytes.split_first() else { return Err(self.unexpected("a byte")) };
        self.bytes = rest;
        Ok(*byte)
    }

    pub(crate) fn fixed(&mut self) -> Result<u64, DecodeError> {
        let Some((bytes, rest)) = self.bytes.split_first_chunk::<8>() else {
            return Err(self.unexpected("a number of 8 bytes"));
        };
        self.bytes = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    /// Each number has one encoding: a longer one is rejected, so that equal states have equal
    /// bytes.
    pub(crate) fn number(&mut self) -> Result<u64, DecodeError> {
        self.expect("a varint", |input| {
            let mut number = 0_u64;
            for shift in (0..64).step_by(7) {
                let (byte, rest) = input.bytes.split_first()?;
                input.bytes = rest;
                let part = u64::from(byte & 0x7f);
                let shifted = part << shift;
                if shifted >> shift != part || (*byte == 0 && shift > 0) {
                    return None;
                }
                number |= shifted;
                if byte & 0x80 == 0 {
                    return Some(number);
                }
            }
            None
        })
    }

    /// A number that is `max` at most.
    pub(crate) fn number_to(&mut self, max: usize, expected: &'static str) -> Result<usize, DecodeError> {
        self.expect(expected, |input| {
            usize::try_from(input.number().ok()?).ok().filter(|number| *number <= max)
        })
    }

    /// A count of items of at least one byte each: never more than the remaining bytes.
    pub(crate) fn len(&mut self, max: usize) -> Result<usize, DecodeError> {
        self.expect("a length within its limit and within the payload", |input| {
            let len = usize::try_from(input.number().ok()?).ok()?;
            (len <= max && len <= input.bytes.len()).then_some(len)
        })
    }

    pub(crate) fn time(&mut self) -> Result<i64, DecodeError> {
        self.expect("a time in milliseconds", |input| i64::try_from(input.number().ok()?).ok())
    }

    pub(crate) fn distance(&mut self, from_ms: i64) -> Result<i64, DecodeError> {
        self.expect("the distance of a time", |input| {
            let number = input.number().ok()?;
            from_ms.checked_add((number >> 1) as i64 ^ (number as i64 & 1).wrapping_neg())
        })
    }

    pub(crate) fn slice(&mut self, max: usize) -> Result<&'a [u8], DecodeError> {
        self.section(max).map(Reader::rest)
    }

    /// A length and as many bytes, as a reader of their own.
    pub(crate) fn section(&mut self, max: usize) -> Result<Reader<'a>, DecodeError> {
        let len = self.len(max)?;
        let Some((bytes, rest)) = self.bytes.split_at_checked(len) else {
            return Err(self.unexpected("as many bytes as the length says"));
        };
        self.bytes = rest;
        Ok(Reader { bytes, end: self.offset() })
    }

    pub(crate) fn text(&mut self, max: usize) -> Result<&'a str, DecodeError> {
        self.expect("a text in UTF-8 within its limit", |input| {
            std::str::from_utf8(input.slice(max).ok()?).ok()
        })
    }

    pub(crate) fn name(&mut self) -> Result<Box<str>, DecodeError> {
        self.expect("a name of 1 to 128 bytes of UTF-8", |input| {
            let name = input.text(NAME_BYTES_MAX).ok()?;
            (!name.is_empty()).then(|| name.into())
        })
    }

    pub(crate) fn optional_name(&mut self) -> Result<Option<Box<str>>, DecodeError> {
        if self.flag()? { self.name().map(Some) } else { Ok(None) }
    }

    pub(crate) fn optional_text(&mut self, max: usize) -> Result<Option<Box<str>>, DecodeError> {
        if self.flag()? { self.text(max).map(|text| Some(text.into())) } else { Ok(None) }
    }

    pub(crate) fn flag(&mut self) -> Result<bool, DecodeError> {
        self.expect("a flag, 0 or 1", |input| match input.byte().ok()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_has_the_offset_in_the_whole_payload() {
        let mut out = Writer::default();
        out.number(300);
        out.text("menu");
        out.len(3);
        out.bytes.extend([0xff, 0xff, 1]);
        let mut input = Reader::new(&out.bytes);
        assert_eq!((input.number(), input.name().as_deref(), input.offset()), (Ok(300), Ok("menu"), 7));
        let mut section = input.section(8).expect("three bytes");
        assert_eq!(section.offset(), 8);
        let error = section.flag().expect_err("no flag");
        assert_eq!(error.to_string(), "corrupt payload at byte 8: expected a flag, 0 or 1");
        assert_eq!(input.byte(), Err(DecodeError { offset: 11, expected: "a byte" }));
    }

    #[test]
    fn number_has_one_encoding() {
        for bytes in [&[0x80, 0][..], &[0xff; 10], &[0x80]] {
            assert_eq!(Reader::new(bytes).number(), Err(DecodeError { offset: 0, expected: "a varint" }));
        }
    }
}
