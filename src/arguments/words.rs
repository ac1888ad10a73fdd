//! Single words of a command line: numbers, names, texts, pointers. Words are bytes until they are
//! proven to be text.

use redis_state_core::{POINTER_BYTES_MAX, Pointer};

use crate::error::Error;
use crate::server::ffi::stream::StreamId;

/// A command names at most this many pointers.
const POINTERS_MAX: usize = 64;

/// A signed number in decimal, as Redis reads them: no plus sign, no leading zero.
pub fn integer(word: &[u8]) -> Result<i64, Error> {
    let text = std::str::from_utf8(word).map_err(|_| Error::NotInteger)?;
    let number: i64 = text.parse().map_err(|_| Error::NotInteger)?;
    if itoa::Buffer::new().format(number) == text { Ok(number) } else { Err(Error::NotInteger) }
}

/// A number above zero, such as a version or a count.
pub fn positive(what: &'static str, word: &[u8]) -> Result<u64, Error> {
    match integer(word)? {
        number @ 1.. => Ok(number.unsigned_abs()),
        _ => Err(Error::syntax(format!("{what} must be above 0"))),
    }
}

/// The ID of a stream's entry, as `feed_from` in the reply of PURGE.
pub fn stream_id(word: &[u8]) -> Result<StreamId, Error> {
    let wrong = || Error::syntax("FEEDFROM needs the ID of an entry, such as 1795246954433-0");
    let (ms, seq) = std::str::from_utf8(word).ok().and_then(|id| id.split_once('-')).ok_or_else(wrong)?;
    let number = |text: &str| text.parse().map_err(|_| wrong());
    Ok(StreamId { ms: number(ms)?, seq: number(seq)? })
}

/// A JSON pointer (RFC 6901).
pub fn pointer(word: &[u8]) -> Result<Pointer, Error> {
    let short = word.len() <= POINTER_BYTES_MAX;
    let text = std::str::from_utf8(word).ok().filter(|_| short);
    text.and_then(Pointer::parse).ok_or_else(|| {
        Error::syntax(format!(
            "a pointer begins with / as in /current/data, has ~ only as ~0 or ~1, and at most {POINTER_BYTES_MAX} bytes"
        ))
    })
}

/// Several pointers.
pub fn pointers<T: std::ops::Deref<Target = [u8]>>(words: &[T]) -> Result<Vec<Pointer>, Error> {
    if words.len() > POINTERS_MAX {
        return Err(Error::syntax(format!("at most {POINTERS_MAX} pointers at once")));
    }
    words.iter().map(|word| pointer(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_server_reads_them() {
        assert_eq!(integer(b"-12").ok(), Some(-12));
        for word in [&b"+1"[..], b"01", b"", b"1 ", b"9223372036854775808", b"1.0", b"\xff"] {
            assert!(matches!(integer(word), Err(Error::NotInteger)), "{word:?}");
        }
    }
}
