//! Single words of a command line: numbers, names, texts, pointers. Words are bytes until they are proven to be text.

use redis_state_core::{Error as CoreError, POINTER_BYTES_MAX, Pointer, codec::NAME_BYTES_MAX};

use crate::error::Error;

/// A NOTE is at most this long.
const TEXT_BYTES_MAX: usize = 1024;
/// A command names at most this many pointers.
const POINTERS_MAX: usize = 64;

/// A name: 1 to 128 bytes of text without control characters.
pub fn name<'a>(what: &'static str, word: &'a [u8]) -> Result<&'a str, Error> {
    let name = text(what, word, "the limit", NAME_BYTES_MAX)?;
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(Error::syntax(format!(
            "{what} must be 1 to {NAME_BYTES_MAX} bytes without control characters"
        )));
    }
    Ok(name)
}

/// Free text of at most 1 KiB.
pub fn note<'a>(what: &'static str, word: &'a [u8]) -> Result<&'a str, Error> {
    let note = text(what, word, "the limit", TEXT_BYTES_MAX)?;
    if note.is_empty() { Err(Error::syntax(format!("{what} must not be empty"))) } else { Ok(note) }
}

fn text<'a>(
    what: &'static str,
    word: &'a [u8],
    limit_name: &'static str,
    bytes_max: usize,
) -> Result<&'a str, Error> {
    not_reserved(what, word)?;
    if word.len() > bytes_max {
        return Err(CoreError::TooBig { what, bytes: word.len(), limit_name, limit: bytes_max }.into());
    }
    std::str::from_utf8(word).map_err(|_| Error::syntax(format!("{what} must be UTF-8 text")))
}

/// The server looks for the first word that equals AUDIT or ALIGN, compared up to a NUL, to find the keys of a command. A
/// text that equals one would make it see other keys than we do, and ACL check none.
pub fn not_reserved(what: &'static str, word: &[u8]) -> Result<(), Error> {
    let seen = word.split(|byte| *byte == 0).next().unwrap_or_default();
    if [&b"ALIGN"[..], b"AUDIT"].iter().any(|reserved| seen.eq_ignore_ascii_case(reserved)) {
        return Err(Error::syntax(format!("{what} may not be the word ALIGN or AUDIT")));
    }
    Ok(())
}

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
    fn a_text_can_not_be_taken_for_a_keyword_that_finds_keys() {
        for word in [&b"AUDIT"[..], b"audit", b"Align", b"AUDIT\0more", b"align\0"] {
            assert!(matches!(name("the name", word), Err(Error::Syntax(_))), "{word:?}");
            assert!(matches!(note("NOTE", word), Err(Error::Syntax(_))), "{word:?}");
        }
        assert!(name("the name", b"audits").is_ok());
    }

    #[test]
    fn numbers_are_read_as_the_server_reads_them() {
        assert_eq!(integer(b"-12").ok(), Some(-12));
        for word in [&b"+1"[..], b"01", b"", b"1 ", b"9223372036854775808", b"1.0", b"\xff"] {
            assert!(matches!(integer(word), Err(Error::NotInteger)), "{word:?}");
        }
    }

    #[test]
    fn names_have_a_limit() {
        assert!(name("the name", &[b'x'; 128]).is_ok());
        assert!(matches!(name("the name", &[b'x'; 129]), Err(Error::Core(CoreError::TooBig { .. }))));
        assert!(matches!(name("the name", b""), Err(Error::Syntax(_))));
        assert!(matches!(name("the name", b"a\nb"), Err(Error::Syntax(_))));
        assert!(matches!(name("the name", b"\xff"), Err(Error::Syntax(_))));
        assert!(matches!(note("NOTE", b""), Err(Error::Syntax(_))));
        assert!(note("NOTE", &[b'x'; 1024]).is_ok());
        assert!(matches!(note("NOTE", &[b'x'; 1025]), Err(Error::Core(CoreError::TooBig { .. }))));
    }
}
