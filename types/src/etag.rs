//! Etags, by which a client names the version that it has read.

use std::fmt;
use std::ops::Deref;

/// No state goes beyond this version: replies give versions as signed 64-bit integers.
pub const VERSION_MAX: u64 = i64::MAX as u64;

/// A hyphen and sixteen hexadecimal digits.
const DIGEST_BYTES: usize = 17;
/// Twenty decimal digits and the digest.
const TEXT_BYTES_MAX: usize = 20 + DIGEST_BYTES;

/// A version and the digest of its document, printed `<version>-<16 hex digits>`.
///
/// The server keys the digest with random bits of the state. So an etag that was read before a
/// failover, an expiry or a re-creation matches no other document, and reveals nothing about a
/// secret in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Etag {
    /// 1 when created, +1 for each commit.
    pub version: u64,
    /// The keyed hash of the version and the document's text.
    pub digest: u64,
}

impl Etag {
    /// The etag as it is printed. Not by the formatting machinery of the standard library: every
    /// read replies an etag, and formatting would be a fifth of the read.
    pub fn bytes(self) -> EtagBytes {
        let mut bytes = [0; TEXT_BYTES_MAX];
        let mut start = TEXT_BYTES_MAX - DIGEST_BYTES;
        if let Some((hyphen, digits)) = bytes.get_mut(start..).and_then(<[u8]>::split_first_mut) {
            *hyphen = b'-';
            digits.copy_from_slice(&hex(self.digest));
        }
        let mut rest = self.version;
        for (at, place) in bytes.iter_mut().enumerate().take(start).rev() {
            *place = b'0' | (rest % 10) as u8;
            start = at;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        EtagBytes { bytes, start }
    }

    /// Reads an etag as it is printed; `None` for anything else.
    pub fn parse(text: &str) -> Option<Etag> {
        let (version, digest) = text.split_once('-')?;
        let lowercase_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if digest.len() != 16 || !digest.bytes().all(lowercase_hex) {
            return None;
        }
        Some(Etag { version: parse_version(version)?, digest: u64::from_str_radix(digest, 16).ok()? })
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.bytes().as_str())
    }
}

/// The printed form of an [`Etag`], without an allocation.
#[derive(Clone, Copy)]
pub struct EtagBytes {
    /// The text is at the end.
    bytes: [u8; TEXT_BYTES_MAX],
    start: usize,
}

impl EtagBytes {
    /// The same as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self).unwrap_or_default()
    }
}

impl Deref for EtagBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
}

impl fmt::Debug for EtagBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Sixteen hexadecimal digits, all at once: each half of the number is spread so that every byte
/// holds one digit, and a digit above nine skips the gap between `9` and `a`.
fn hex(number: u64) -> [u8; 16] {
    let spread = |half: u64| {
        let half = (half | half << 16) & 0x0000_ffff_0000_ffff;
        let half = (half | half << 8) & 0x00ff_00ff_00ff_00ff;
        let digits = (half | half << 4) & 0x0f0f_0f0f_0f0f_0f0f;
        let above_nine = digits.wrapping_add(0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
        let gap = u64::from(b'a' - b'9' - 1);
        digits.wrapping_add(0x3030_3030_3030_3030).wrapping_add(above_nine.wrapping_mul(gap))
    };
    let (high, low) = (spread(number >> 32), spread(number & 0xffff_ffff));
    (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
}

/// A version above 0 in decimal, without sign or leading zero.
fn parse_version(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if text.starts_with('0') || !digits { None } else { text.parse().ok() }
}

/// The version that a writing command expects to find (optimistic concurrency).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// `*`: any version, or no state.
    Any,
    /// `0`: no state yet.
    Absent,
    /// A bare version.
    Version(u64),
    /// An etag: the version and its document.
    Etag(Etag),
}

impl Expected {
    /// Reads the `expected` argument; `None` when it is none of the four forms.
    pub fn parse(bytes: &[u8]) -> Option<Expected> {
        match std::str::from_utf8(bytes).ok()? {
            "*" => Some(Expected::Any),
            "0" => Some(Expected::Absent),
            text => {
                Etag::parse(text).map(Expected::Etag).or_else(|| parse_version(text).map(Expected::Version))
            }
        }
    }

    /// Whether a state with this etag is the expected one.
    pub fn admits(self, current: Etag) -> bool {
        match self {
            Expected::Any => true,
            Expected::Absent => false,
            Expected::Version(version) => version == current.version,
            Expected::Etag(etag) => etag == current,
        }
    }
}

impl From<Etag> for Expected {
    fn from(etag: Etag) -> Expected {
        Expected::Etag(etag)
    }
}

/// As it stands in a command: 0 is no state yet.
impl From<u64> for Expected {
    fn from(version: u64) -> Expected {
        if version == 0 { Expected::Absent } else { Expected::Version(version) }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::Any => f.write_str("*"),
            Expected::Absent => f.write_str("0"),
            Expected::Version(version) => write!(f, "{version}"),
            Expected::Etag(etag) => write!(f, "{etag}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etag_prints_as_a_version_and_sixteen_hex_digits() {
        assert_eq!(Etag { version: 7, digest: 0x1f0c }.to_string(), "7-0000000000001f0c");
        let longest = Etag { version: u64::MAX, digest: u64::MAX }.to_string();
        assert_eq!(longest, "18446744073709551615-ffffffffffffffff");
        assert_eq!(Etag { version: 0, digest: 0 }.to_string(), "0-0000000000000000");
        for version in [9, 10, 99, 100, 1_234_567_890, VERSION_MAX] {
            let etag = Etag { version, digest: 0x1f0c };
            assert_eq!(etag.to_string(), format!("{version}-0000000000001f0c"));
            assert_eq!(&*etag.bytes(), etag.to_string().as_bytes());
        }
    }

    #[test]
    fn expected_parses_four_forms_and_nothing_else() {
        let etag = Etag { version: 7, digest: 0x1f0c };
        assert_eq!(Expected::parse(b"*"), Some(Expected::Any));
        assert_eq!(Expected::parse(b"0"), Some(Expected::Absent));
        assert_eq!(Expected::parse(b"7"), Some(Expected::Version(7)));
        assert_eq!(Expected::parse(etag.to_string().as_bytes()), Some(Expected::Etag(etag)));
        for text in [
            "",
            "-1",
            "+7",
            "07",
            "00",
            "7-",
            "7-1f0c",
            "7-00000000000000zz",
            "7-000000000000ABCD",
            "0-0000000000001f0c",
            "7 ",
            "**",
            "18446744073709551616",
            "7-0000000000001f0c0",
        ] {
            assert_eq!(Expected::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Expected::parse(b"7\xff"), None);
    }

    #[test]
    fn expected_of_a_version_or_an_etag_parses_as_itself() {
        let etag = Etag { version: 7, digest: 0x1f0c };
        for expected in [Expected::from(0), Expected::from(7), Expected::from(etag)] {
            assert_eq!(Expected::parse(expected.to_string().as_bytes()), Some(expected));
        }
    }
}
