//! Schemas: what a document must look like (JSON Schema 2020-12), and what a new one starts with.

mod bindings;
mod budget;
pub(crate) mod defaults;
mod parts;
pub(crate) mod refs;
mod registry;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft as Dialect, PatternOptions, ValidationError, Validator};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use crate::codec::NAME_BYTES_MAX;
use crate::document::Document;
use crate::error::{Error, Violation};
use crate::json::diff::diff_text;
use crate::json::draft::Draft;
use crate::json::node::Node;
use crate::json::parse::parse;
use crate::json::pointer::Pointer;
use crate::json::to_text;
use crate::json::tree::Tree;
use crate::json::validated::Text;
use crate::rules::Rules;
use parts::Parts;
use refs::Whole;

pub use bindings::{BINDINGS_MAX, Binding};
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
/// How often unknown members are looked for in what is left.
const DROPS_MAX: usize = 128;
/// No reply needs more violations; finding all of a hostile document's would take time and memory.
const VIOLATIONS_MAX: usize = 1000;

/// Which schema, at which revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaRef {
    /// The name it is kept by.
    pub name: Box<str>,
    /// 1 for the first text under a name, +1 for each other text set after it.
    pub revision: u64,
    /// xxh3 of its text: a name that was deleted and set again begins with revision 1 again.
    pub digest: u64,
    /// Whether it names secrets: while such a schema is gone, nobody can tell what to hide.
    pub has_secrets: bool,
}

/// A schema that has been checked and compiled.
#[derive(Debug)]
pub struct Schema {
    reference: SchemaRef,
    text: Box<str>,
    initial: Tree<'static>,
    validator: Validator<Text>,
    parts: Option<Parts>,
    rules: Rules,
    ttl_ms: Option<i64>,
    patterns: Vec<Box<str>>,
}

impl Schema {
    /// Checks and compiles a schema.
    ///
    /// Errors: `BADJSON`; `BADSCHEMA` when it is no JSON Schema 2020-12, is larger than
    /// [`SCHEMA_BYTES_MAX`] and its siblings allow, points outside itself, or could take too long to validate with.
    pub fn compile(name: &str, revision: u64, json: &[u8]) -> Result<Schema, Error> {
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
        let value = value.root().to_value();
        budget::check(&value)?;
        let ttl_ms = value.get("x-ttl").map(|ttl| ttl_ms(ttl, "/x-ttl")).transpose()?;
        let patterns = root_patterns(&value)?;
        // Cheapest first: a schema that is refused by its annotations is not compiled.
        let whole = Whole::new(&value);
        let initial = Tree::of_trusted(to_text(&defaults::initial(&whole)?));
        let rules = Rules::compile(&whole, &initial)?;
        whole.check_visits()?;
        let options = jsonschema::options_for::<Text>()
            .with_draft(Dialect::Draft202012)
            .offline()
            .should_validate_formats(false)
            .with_pattern_options(
                PatternOptions::regex().size_limit(REGEX_BYTES_MAX).dfa_size_limit(REGEX_BYTES_MAX),
            );
        let validator = options
            .build(&value)
            .map_err(|error| bad_schema(error.instance_path().as_str(), error.masked().to_string()))?;
        let parts = Parts::of(&value, &|part| options.build(part).ok());
        let text = to_text(&value).into_boxed_str();
        let digest = xxh3_64(text.as_bytes());
        let reference = SchemaRef { name: name.into(), revision, digest, has_secrets: rules.has_secrets() };
        Ok(Schema { reference, text, initial, validator, parts, rules, ttl_ms, patterns })
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

    /// The root `x-bind`: patterns of keys that must obey this schema.
    pub fn patterns(&self) -> &[Box<str>] {
        &self.patterns
    }

    /// A document as everybody may see it: secrets are `"***"`.
    pub fn masked(&self, document: &Document) -> Document {
        if !self.rules.has_secrets() {
            return document.clone();
        }
        let tree = document.tree();
        let mut value = Draft::Same(tree.root());
        self.rules.mask(&mut value);
        Document::of_object(&value)
    }

    /// The JSON patch between two documents as everybody may see it.
    pub fn masked_diff(&self, from: &Document, to: &Document) -> String {
        let (from, to) = (from.tree(), to.tree());
        if self.rules.are_passed_over(from.root(), to.root()) {
            return diff_text(from.root(), to.root());
        }
        let (mut from, mut to) = (Draft::Same(from.root()), Draft::Same(to.root()));
        self.rules.mask_pair(&mut from, &mut to);
        diff_text(from.into_tree().root(), to.into_tree().root())
    }

    /// Its annotations.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Whether a document passes.
    pub fn admits(&self, document: &Document) -> bool {
        self.validator.is_valid(document.tree().root())
    }

    /// Every violation of `value`, as an error. Where it was made of a value that has `passed` this schema, only what differs
    /// is looked at.
    pub(crate) fn check(&self, value: Node, passed: Option<Node>) -> Result<(), Error> {
        let admitted =
            self.parts.as_ref().zip(passed).is_some_and(|(parts, passed)| parts.admits(passed, value));
        // The common case answers without building a single message.
        if admitted || self.validator.is_valid(value) {
            return Ok(());
        }
        let violations = self.validator.iter_errors(value).take(VIOLATIONS_MAX);
        Err(Error::Invalid { violations: violations.map(|error| self.violation(&error)).collect() })
    }

    fn violation(&self, error: &ValidationError) -> Violation {
        let pointer = error.instance_path().as_str();
        // Names within a secret are a part of it.
        if let Some(pointer) = Pointer::parse(pointer).and_then(|pointer| self.rules.secret_at(&pointer)) {
            return Violation { pointer, message: "is not what the schema wants".to_owned() };
        }
        let pointer = if pointer.is_empty() { "/" } else { pointer }.to_owned();
        // Masked: a message never repeats a value, which may be long.
        Violation { pointer, message: shortened(&error.masked().to_string()) }
    }

    /// Fills what is absent with its default.
    pub(crate) fn fill_defaults(&self, value: Node) -> Result<Tree<'static>, Error> {
        // Schemas are trees, and so are their defaults.
        let schema = parse(self.text.as_bytes(), SCHEMA_DEPTH_MAX)?.root().to_value();
        let whole = Whole::new(&schema);
        let mut filled = value.to_value();
        defaults::fill(&whole, &whole.root(), &mut filled)?;
        Ok(Tree::of_trusted(to_text(&filled)))
    }

    /// Drops the members that additionalProperties or unevaluatedProperties refuse; a wrong value never.
    pub(crate) fn drop_unknown(&self, mut tree: Tree<'static>) -> Tree<'static> {
        // Dropping one may make the schema see another: not more often than a document can nest.
        for _ in 0..DROPS_MAX {
            let errors = self.validator.iter_errors(tree.root()).take(VIOLATIONS_MAX);
            let unknown: Vec<(Pointer, String)> = errors.flat_map(|error| unknown_members(&error)).collect();
            let (mut dropped, mut value) = (false, Draft::Same(tree.root()));
            for (holder, name) in unknown {
                let members = value.find_mut(&holder).and_then(Draft::members_mut);
                dropped |= members.is_some_and(|members| members.remove(&name).is_some());
            }
            if !dropped {
                break;
            }
            tree = value.into_tree();
        }
        tree
    }

    /// What a new state starts with.
    pub(crate) fn initial(&self) -> Node<'_> {
        self.initial.root()
    }
}

/// The members that a violation is about, when it is that nobody knows them.
fn unknown_members(error: &ValidationError) -> Vec<(Pointer, String)> {
    let names = match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => unexpected,
        _ => return Vec::new(),
    };
    let Some(holder) = Pointer::parse(error.instance_path().as_str()) else { return Vec::new() };
    names.iter().map(|name| (holder.clone(), name.clone())).collect()
}

/// The milliseconds of an `x-ttl`, which stands at `at`: seconds above zero, fractions allowed.
pub(crate) fn ttl_ms(ttl: &Value, at: &str) -> Result<i64, Error> {
    let ttl_ms = ttl.as_f64().map(|seconds| seconds * 1000.0);
    // A hundred years: further away there might as well be no end, and the sum would leave the calendar.
    match ttl_ms {
        Some(ms) if (1.0..=3.2e12).contains(&ms) => Ok(ms as i64),
        _ => Err(bad_schema(at, "must be a number of seconds above 0".to_owned())),
    }
}

/// The root annotation `x-bind`: patterns as in KEYS.
fn root_patterns(schema: &Value) -> Result<Vec<Box<str>>, Error> {
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
        Schema::compile("vimbiso.channel", 1, text.as_bytes())
    }

    fn check(schema: &str, document: &str) -> String {
        let tree = parse(document.as_bytes(), 64).expect(document);
        compiled(schema)
            .expect(schema)
            .check(tree.root(), None)
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
