//! JSON as this crate needs it: exact text in, exact text out, and the edits a client can ask for.
//!
//! The tree is serde_json's `Value` (with arbitrary precision and kept member order). Its parser is not used: it
//! writes `1e400` as `1e+400`, takes an object whose first name is serde_json's private number token for a number,
//! and reports neither the depth nor the byte of an error in a way we can promise. json-patch is not used
//! to apply patches either: it removes members by swapping the last one into the gap, which reorders the document,
//! and its `test` tells 1.0 from 1. Both stand as oracles in the tests.

pub mod change;
pub mod diff;
pub mod equal;
pub mod merge;
pub mod parse;
pub mod patch;
pub mod pointer;
pub(crate) mod written;

/// The canonical text of a value: no insignificant space, strings as RFC 8785 writes them, number literals as they are.
pub fn to_text(value: &serde_json::Value) -> String {
    // Display of a Value can't fail: its maps have string names and its numbers are literals.
    value.to_string()
}

/// The length in bytes of [`to_text`] without building it.
pub fn text_len_bytes(value: &serde_json::Value) -> usize {
    struct Count(usize);
    impl std::fmt::Write for Count {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0 = self.0.saturating_add(text.len());
            Ok(())
        }
    }
    let mut count = Count(0);
    let _never_fails = std::fmt::Write::write_fmt(&mut count, format_args!("{value}"));
    count.0
}
