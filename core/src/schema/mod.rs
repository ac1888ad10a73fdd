//! Schemas: what a document must look like (JSON Schema 2020-12), and what a new one starts with.

mod budget;
mod defaults;
mod registry;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

use crate::document::Document;
use crate::error::{Error, Violation};
use crate::json::parse::parse;
use crate::json::to_text;

pub use budget::SUBSCHEMAS_MAX;
pub use registry::{Registry, SCHEMAS_MAX};

/// A schema's text is at most this long.
pub const SCHEMA_BYTES_MAX: usize = 64 * 1024;
/// A schema nests at most this deep.
pub const SCHEMA_DEPTH_MAX: usize = 32;
/// A compiled regular expression takes at most this much memory.
const REGEX_BYTES_MAX: usize = 256 * 1024;
/// The message of a violation is cut here: a member name in it can be as long as the document.
const MESSAGE_CHARS_MAX: usize = 200;
/// No reply needs more violations; finding all of a hostile document's would take time and memory.
const VIOLATIONS_MAX: usize = 1000;

/// Which schema, at which revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaRef {
    /// The name it is kept by.
    pub name: Box<str>,
    /// 1 for the first text under a name, +1 for each other text set after it.
    pub revision: u64,
}

/// A schema that has been checked and compiled.
#[derive(Debug)]
pub struct Schema {
    reference: SchemaRef,
    text: Box<str>,
    initial: Value,
    validator: Validator,
    ttl_ms: Option<i64>,
}

impl Schema {
    /// Checks and compiles a schema.
    ///
    /// Errors: `BADJSON`; `BADSCHEMA` when it is no JSON Schema 2020-12, is larger than
    /// [`SCHEMA_BYTES_MAX`] and its siblings allow, points outside itself, or could take too long to validate with.
    pub fn compile(reference: SchemaRef, json: &[u8]) -> Result<Schema, Error> {
        if json.len() > SCHEMA_BYTES_MAX {
            let reason = format!("the schema is {} bytes, the limit is {SCHEMA_BYTES_MAX}", json.len());
            return Err(Error::BadSchema { reason });
        }
        let value = parse(json, SCHEMA_DEPTH_MAX).map_err(|error| match error {
            Error::TooDeep { .. } => {
                Error::BadSchema { reason: format!("the schema nests deeper than {SCHEMA_DEPTH_MAX}") }
            }
            error => error,
        })?;
        budget::check(&value)?;
        let ttl_ms = root_ttl_ms(&value)?;
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .offline()
            .should_validate_formats(false)
            .with_pattern_options(
                PatternOptions::regex().size_limit(REGEX_BYTES_MAX).dfa_size_limit(REGEX_BYTES_MAX),
            )
            .build(&value)
            .map_err(|error| bad_schema(error.instance_path().as_str(), error.masked().to_string()))?;
        let initial = defaults::initial(&value)?;
        Ok(Schema { reference, text: to_text(&value).into(), initial, validator, ttl_ms })
    }

    /// Its name and revision.
    pub fn reference(&self) -> &SchemaRef {
        &self.reference
    }

    /// The canonical text it was compiled from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The root `x-ttl`, in milliseconds.
    pub fn ttl_ms(&self) -> Option<i64> {
        self.ttl_ms
    }

    /// Whether a document passes.
    pub fn admits(&self, document: &Document) -> bool {
        self.validator.is_valid(&document.value())
    }

    /// Every violation of `value`, as an error.
    pub(crate) fn check(&self, value: &Value) -> Result<(), Error> {
        // The common case answers without building a single message.
        if self.validator.is_valid(value) {
            return Ok(());
        }
        let violations = self.validator.iter_errors(value).take(VIOLATIONS_MAX).map(|error| {
            let pointer = error.instance_path().as_str();
            // Masked: a message never repeats a value, which may be long, or a secret.
            let message = shortened(&error.masked().to_string());
            Violation {
                pointer: if pointer.is_empty() { "/".to_owned() } else { pointer.to_owned() },
                message,
            }
        });
        Err(Error::Invalid { violations: violations.collect() })
    }

    /// What a new state starts with.
    pub(crate) fn initial(&self) -> &Value {
        &self.initial
    }
}

/// The root annotation `x-ttl`: seconds above zero, fractions allowed.
fn root_ttl_ms(schema: &Value) -> Result<Option<i64>, Error> {
    let Some(ttl) = schema.get("x-ttl") else { return Ok(None) };
    let ttl_ms = ttl.as_f64().map(|seconds| seconds * 1000.0);
    // A hundred years: further away the key might as well have no expiry, and the sum would leave the calendar.
    match ttl_ms {
        Some(ms) if (1.0..=3.2e12).contains(&ms) => Ok(Some(ms as i64)),
        _ => Err(bad_schema("/x-ttl", "must be a number of seconds above 0".to_owned())),
    }
}

fn bad_schema(pointer: &str, reason: String) -> Error {
    let pointer = if pointer.is_empty() { "/" } else { pointer };
    Error::BadSchema { reason: format!("{pointer}: {}", shortened(&reason)) }
}

fn shortened(message: &str) -> String {
    match message.char_indices().nth(MESSAGE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", message.get(..end).unwrap_or_default()),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(text: &str) -> Result<Schema, Error> {
        Schema::compile(SchemaRef { name: "vimbiso.channel".into(), revision: 1 }, text.as_bytes())
    }

    fn check(schema: &str, document: &str) -> String {
        let value = parse(document.as_bytes(), 64).expect(document);
        compiled(schema)
            .expect(schema)
            .check(&value)
            .map_or_else(|error| error.to_string(), |()| "OK".to_owned())
    }

    #[test]
    fn every_violation_is_reported_with_its_pointer_and_without_its_value() {
        let schema = r#"{"type":"object","required":["channel"],"additionalProperties":false,
            "properties":{"channel":{"type":"object"},"amount":{"type":"number","exclusiveMinimum":0}}}"#;
        let report = check(schema, r#"{"amount":"a secret","value":1}"#);
        assert!(report.starts_with("INVALID 3 violations: "), "{report}");
        assert!(report.contains("/amount: ") && report.contains("/: "), "{report}");
        assert!(!report.contains("a secret"), "{report}");
        assert_eq!(check(schema, r#"{"channel":{},"amount":0.01}"#), "OK");
    }

    #[test]
    fn numbers_are_compared_exactly() {
        let cents = r#"{"properties":{"amount":{"multipleOf":0.01,"maximum":12345678901234567890.01}}}"#;
        assert_eq!(check(cents, r#"{"amount":0.07}"#), "OK");
        assert_eq!(check(cents, r#"{"amount":12345678901234567890.01}"#), "OK");
        assert!(check(cents, r#"{"amount":12345678901234567890.02}"#).starts_with("INVALID 1"));
        assert!(check(cents, r#"{"amount":0.071}"#).starts_with("INVALID 1"));
        assert!(check(cents, r#"{"amount":1e400}"#).starts_with("INVALID 1"));
    }

    #[test]
    fn the_root_ttl_is_read_in_seconds() {
        assert_eq!(compiled(r#"{"x-ttl":300}"#).expect("a schema").ttl_ms(), Some(300_000));
        assert_eq!(compiled(r#"{"x-ttl":0.25}"#).expect("a schema").ttl_ms(), Some(250));
        for ttl in ["0", "-1", "\"300\"", "null", "1e400", "1e15"] {
            let refused = compiled(&format!(r#"{{"x-ttl":{ttl}}}"#)).expect_err(ttl);
            assert!(refused.to_string().starts_with("BADSCHEMA /x-ttl: "), "{refused}");
        }
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        for text in [
            r#"{"type":"objekt"}"#,
            r#"{"properties":[]}"#,
            r#"{"pattern":"("}"#,
            r#"{"pattern":"(?=x)"}"#,
            "7",
            r#"{"pattern":"a{1000}{1000}{1000}"}"#,
            r#"{"minLength":-1}"#,
        ] {
            let refused = compiled(text).expect_err(text).to_string();
            assert!(refused.starts_with("BADSCHEMA "), "{text}: {refused}");
        }
        assert!(matches!(compiled("{"), Err(Error::BadJson { .. })));
        let deep = format!("{}{}", r#"{"not":"#.repeat(32), "true") + &"}".repeat(32);
        assert!(compiled(&deep).is_ok());
        assert!(compiled(&format!(r#"{{"not":{deep}}}"#)).is_err());
        assert!(compiled(&format!(r#"{{"title":"{}"}}"#, "x".repeat(SCHEMA_BYTES_MAX))).is_err());
    }
}
