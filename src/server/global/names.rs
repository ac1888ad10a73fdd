//! Names and free texts: their limits, and the words that they may not be.

use redis_state_core::{Error as CoreError, codec::NAME_BYTES_MAX};

use crate::error::Error;

/// A NOTE is at most this long.
const TEXT_BYTES_MAX: usize = 1024;

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

/// The server looks for the first word that equals AUDIT or ALIGN, compared up to a NUL, to find
/// the keys of a command. A text that equals one would make it see other keys than we do, and ACL
/// check none.
pub fn not_reserved(what: &'static str, word: &[u8]) -> Result<(), Error> {
    let seen = word.split(|byte| *byte == 0).next().unwrap_or_default();
    if [&b"ALIGN"[..], b"AUDIT"].iter().any(|reserved| seen.eq_ignore_ascii_case(reserved)) {
        return Err(Error::syntax(format!("{what} may not be the word ALIGN or AUDIT")));
    }
    Ok(())
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
