//! Text on its way to C: one line, without NUL.

use std::ffi::CString;

/// The text without control characters, which would end a line early or colour a terminal.
pub fn one_line(text: &str) -> CString {
    c_string(&text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>())
}

/// For text that has no NUL in it; empty for one that has.
pub fn c_string(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}
