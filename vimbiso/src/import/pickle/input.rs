//! The bytes of a pickle, read from the front. No length is believed before it is compared with the
//! bytes that remain.

use super::fault::Fault;

pub(super) struct Input<'p> {
    bytes: &'p [u8],
    at: usize,
}

impl<'p> Input<'p> {
    pub(super) fn new(bytes: &'p [u8]) -> Input<'p> {
        Input { bytes, at: 0 }
    }

    /// How many bytes are read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    pub(super) fn broken(&self, what: &str) -> Fault {
        Fault::broken(self.at, what)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Fault> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (array, _) = self.rest().split_first_chunk().ok_or_else(|| self.ended())?;
        self.at += N;
        Ok(*array)
    }

    pub(super) fn take(&mut self, length: impl TryInto<usize>) -> Result<&'p [u8], Fault> {
        let taken = length.try_into().ok().and_then(|length: usize| self.rest().get(..length));
        let taken = taken.ok_or_else(|| self.ended())?;
        self.at += taken.len();
        Ok(taken)
    }

    /// The bytes before the next line feed, which is read too.
    pub(super) fn line(&mut self) -> Result<&'p [u8], Fault> {
        let length = self.rest().iter().position(|byte| *byte == b'\n').ok_or_else(|| self.ended())?;
        let line = self.take(length)?;
        self.at += 1;
        Ok(line)
    }

    /// The number in the next line. Python writes it in ASCII digits.
    pub(super) fn line_as<T: std::str::FromStr>(&mut self) -> Result<T, Fault> {
        let line = self.line()?;
        self.number(line)
    }

    pub(super) fn number<T: std::str::FromStr>(&self, text: &[u8]) -> Result<T, Fault> {
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
        number.ok_or_else(|| self.broken("no number that the importer reads"))
    }

    fn rest(&self) -> &'p [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn ended(&self) -> Fault {
        self.broken("it is shorter than it says")
    }
}
