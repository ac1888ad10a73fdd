//! The text of a schema: its parsing, its root annotations, and errors that point into it.

use serde_json::Value;

use crate::error::{Error, shown_pointer};
use crate::json::parse::parse_finding_repeated;
use crate::limits::NAME_BYTES_MAX;

/// The longest text of a schema.
pub const SCHEMA_BYTES_MAX: usize = 64 * 1024;

/// The deepest nesting of a schema.
pub const SCHEMA_DEPTH_MAX: usize = 32;

/// Where the message of a violation is cut.
pub(super) const MESSAGE_CHARS_MAX: usize = 200;

/// Where the pointer of a violation is cut: a member's name can be as long as the document.
pub(super) const POINTER_CHARS_MAX: usize = 256;

/// How strictly a schema is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// One that is being set: every word must be known.
    Set,
    /// One that is stored: a word that an earlier release ignored is ignored still.
    Stored,
}

/// The JSON of a schema as a tree.
pub(super) fn value_of(json: &[u8], strictness: Strictness) -> Result<Value, Error> {
    if json.len() > SCHEMA_BYTES_MAX {
        let reason = format!("the schema is {} bytes, the limit is {SCHEMA_BYTES_MAX}", json.len());
        return Err(Error::BadSchema { reason });
    }
    let (tree, repeated) = parse_finding_repeated(json, SCHEMA_DEPTH_MAX).map_err(|error| match error {
        Error::TooDeep { .. } => {
            Error::BadSchema { reason: format!("the schema nests deeper than {SCHEMA_DEPTH_MAX}") }
        }
        error => error,
    })?;
    // The last one would win: `"x-secret":true` loses to a slip further down.
    if let Some((pointer, name)) = repeated.filter(|_| strictness == Strictness::Set) {
        return Err(bad_schema(&pointer, format!("has the member \"{name}\" more than once")));
    }
    Ok(tree.root().to_value())
}

/// The milliseconds of an `x-ttl` at the pointer `at`: seconds above zero, fractions allowed.
pub(crate) fn ttl_ms(ttl: &Value, at: &str) -> Result<i64, Error> {
    let ttl_ms = ttl.as_f64().map(|seconds| seconds * 1000.0);
    // A hundred years: a longer time is no expiry in practice, and the sum would leave the
    // calendar.
    match ttl_ms {
        Some(ms) if (1.0..=3.2e12).contains(&ms) => Ok(ms as i64),
        _ => Err(bad_schema(at, "must be a number of seconds above 0".to_owned())),
    }
}

/// The root annotation `x-bind`: patterns as in KEYS.
pub(super) fn root_patterns(schema: &Value) -> Result<Vec<Box<str>>, Error> {
    let wrong = || {
        bad_schema(
            "/x-bind",
            format!("must be an array of patterns of 1 to {NAME_BYTES_MAX} bytes without control characters"),
        )
    };
    let Some(patterns) = schema.get("x-bind") else { return Ok(Vec::new()) };
    let is_pattern = |pattern: &&str| {
        (1..=NAME_BYTES_MAX).contains(&pattern.len()) && !pattern.chars().any(char::is_control)
    };
    let patterns = patterns.as_array().ok_or_else(wrong)?.iter();
    patterns.map(|pattern| pattern.as_str().filter(is_pattern).map(Into::into).ok_or_else(wrong)).collect()
}

pub(crate) fn bad_schema(pointer: &str, reason: String) -> Error {
    let pointer = shortened(shown_pointer(pointer), POINTER_CHARS_MAX);
    Error::BadSchema { reason: format!("{pointer}: {}", shortened(&reason, MESSAGE_CHARS_MAX)) }
}

pub(super) fn shortened(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
