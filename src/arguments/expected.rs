//! The argument `expected`, and what to say when it or another one is missing.

use redis_state_core::Expected;

use crate::error::Error;
use crate::server::commands::table::Command;
use crate::server::ffi::string::RedisStr;

const NAME: &str = "expected";

/// The word that says which state the caller has read.
pub fn expected(command: &Command, word: &[u8]) -> Result<Expected, Error> {
    Expected::parse(word).ok_or_else(|| {
        let begins = word.iter().find(|byte| !byte.is_ascii_whitespace());
        // The next argument in its place.
        if matches!(begins, Some(b'{' | b'[')) || command.has_keyword(&word.to_ascii_uppercase()) {
            return are_missing(command, &[NAME]);
        }
        Error::syntax("expected is an etag, a version, 0 (no state exists) or * (any state, or none)")
    })
}

/// What to say of a command line with fewer words than it needs.
pub fn missing(command: &Command, args: &[RedisStr]) -> Error {
    let names: Vec<&str> = command.required().collect();
    let given = args.len().saturating_sub(1);
    let at = names.iter().position(|name| *name == NAME);
    // Another word at its place stands one place too early.
    let is_left_out = at.and_then(|at| args.get(at + 1)).is_some_and(|word| Expected::parse(word).is_none());
    let mut missing = if is_left_out { vec![NAME] } else { Vec::new() };
    missing.extend(names.iter().skip(given + missing.len()));
    are_missing(command, &missing)
}

fn are_missing(command: &Command, names: &[&str]) -> Error {
    let verb = if names.len() == 1 { "is" } else { "are" };
    let names = names.join(" and ");
    Error::syntax(format!("{names} {verb} missing, as in {} {}", command.shown_name(), command.example))
}
