//! The alphabet of the format: numbers, times, texts and flags, and how each of them is read from bytes that nobody vouches for.

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

    /// Times are never negative: `check_invariants` and the clock see to that.
    pub(crate) fn time(&mut self, unix_ms: i64) {
        self.number(unix_ms.max(0) as u64);
    }

    /// How far a time is from another one: short where they are near, whichever comes first.
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

pub(crate) struct Reader<'a> {
    pub(crate) bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn at_end(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*byte)
    }

    pub(crate) fn fixed(&mut self) -> Option<u64> {
        let (bytes, rest) = self.bytes.split_first_chunk::<8>()?;
        self.bytes = rest;
        Some(u64::from_le_bytes(*bytes))
    }

    /// One encoding a number: a longer one than needed is refused, so that equal states have equal bytes.
    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            let shifted = part << shift;
            if shifted >> shift != part || (byte == 0 && shift > 0) {
                return None;
            }
            number |= shifted;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// A count of things of at least one byte each: never more than there are bytes left.
    pub(crate) fn len(&mut self, max: usize) -> Option<usize> {
        let len = usize::try_from(self.number()?).ok()?;
        (len <= max && len <= self.bytes.len()).then_some(len)
    }

    pub(crate) fn time(&mut self) -> Option<i64> {
        i64::try_from(self.number()?).ok()
    }

    pub(crate) fn distance(&mut self, from_ms: i64) -> Option<i64> {
        let number = self.number()?;
        from_ms.checked_add((number >> 1) as i64 ^ (number as i64 & 1).wrapping_neg())
    }

    pub(crate) fn slice(&mut self, max: usize) -> Option<&'a [u8]> {
        let len = self.len(max)?;
        let (slice, rest) = self.bytes.split_at_checked(len)?;
        self.bytes = rest;
        Some(slice)
    }

    pub(crate) fn name(&mut self) -> Option<Box<str>> {
        let name = std::str::from_utf8(self.slice(NAME_BYTES_MAX)?).ok()?;
        (!name.is_empty()).then(|| name.into())
    }

    pub(crate) fn optional_name(&mut self) -> Option<Option<Box<str>>> {
        if self.flag()? { self.name().map(Some) } else { Some(None) }
    }

    pub(crate) fn optional_text(&mut self, max: usize) -> Option<Option<Box<str>>> {
        if !self.flag()? {
            return Some(None);
        }
        let text = std::str::from_utf8(self.slice(max)?).ok()?;
        Some(Some(text.into()))
    }

    pub(crate) fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}
