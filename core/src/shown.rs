//! Texts of callers in error replies and audit entries, cut at a fixed length.
//!
//! A name or pointer can be as long as a document. Repeated in full it would make an error reply of
//! megabytes, and an audit entry of the same size.

use std::fmt;

/// A pointer, name or other text of a caller is shown up to this length, in bytes.
pub const TEXT_SHOWN_BYTES_MAX: usize = 256;

/// An error line is at most this long, in bytes.
pub const ERROR_LINE_BYTES_MAX: usize = 4096;

const ELLIPSIS: &str = "…";

/// The longest prefix of a text within this many bytes.
pub(crate) fn start_of(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    let end = (0..=bytes_max).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

/// A caller's text for display; `…` marks a cut.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'t>(pub &'t str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = start_of(self.0, TEXT_SHOWN_BYTES_MAX);
        f.write_str(start)?;
        if start.len() < self.0.len() { f.write_str(ELLIPSIS) } else { Ok(()) }
    }
}

/// An error line, cut at the longest line: a list of violations, for example.
pub fn error_line(mut line: String) -> String {
    if line.len() > ERROR_LINE_BYTES_MAX {
        line.truncate(start_of(&line, ERROR_LINE_BYTES_MAX.saturating_sub(ELLIPSIS.len())).len());
        line.push_str(ELLIPSIS);
        line.shrink_to_fit();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_on_a_character_boundary() {
        for len in [0, 1, 255, 256] {
            assert_eq!(Shown(&"x".repeat(len)).to_string(), "x".repeat(len));
        }
        assert_eq!(Shown(&"x".repeat(257)).to_string(), format!("{}…", "x".repeat(256)));
        let thumbs = "x".to_owned() + &"👍".repeat(100);
        assert_eq!(Shown(&thumbs).to_string(), format!("x{}…", "👍".repeat(63)));
    }

    #[test]
    fn a_line_has_a_length_that_it_never_exceeds() {
        for len in [4095, 4096] {
            assert_eq!(error_line("x".repeat(len)).len(), len);
        }
        for text in ["x", "é", "👍"] {
            let cut = error_line(text.repeat(1_000_000));
            assert!(cut.ends_with('…') && (4090..=4096).contains(&cut.len()), "{}", cut.len());
        }
    }
}
