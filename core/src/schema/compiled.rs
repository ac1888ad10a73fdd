//! A compiled schema: validation, defaults and annotations.

use super::graph::Graph;
use super::refs::Whole;
use super::validate::Validator;
use super::values;
use super::{budget, defaults, subschema};
use crate::budget::Budget;
use crate::error::{Error, VIOLATIONS_MAX, Violation};
use crate::json::diff::bounded_diff;
use crate::json::draft::Draft;
use crate::json::node::Node;
use crate::json::parse::parse;
use crate::json::pointer::Pointer;
use crate::json::to_text;
use crate::json::tree::Tree;
use crate::limits::Limits;
use crate::schema::annotations::rules::Rules;
use crate::schema::source::{
    MESSAGE_CHARS_MAX, POINTER_CHARS_MAX, SCHEMA_DEPTH_MAX, Strictness, root_patterns, shortened, ttl_ms,
    value_of,
};
use crate::schema::validate::report::Report;
use crate::state::document::Document;
use crate::state::version::SchemaRef;
use std::collections::HashSet;

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

/// How often unknown members are searched in the result.
const DROPS_MAX: usize = 128;
/// The work budget for validating the defaults of lapsing members when a schema is compiled.
const DEFAULTS_COST_MAX: u64 = 5_000_000;
/// The charge of a byte of JSON that becomes a tree and text again.
const TREE_BYTE_COST: usize = 12;

/// A checked and compiled schema.
#[derive(Debug)]
pub struct Schema {
    reference: SchemaRef,
    text: Box<str>,
    /// Why a stored schema is unusable: an earlier release accepted it.
    fault: Option<Box<str>>,
    initial: Tree<'static>,
    /// Whether there are defaults in objects that the initial document does not have.
    has_nested_defaults: bool,
    validator: Validator,
    rules: Rules,
    ttl_ms: Option<i64>,
    patterns: Vec<Box<str>>,
}

impl Schema {
    /// Checks and compiles a schema that is set.
    ///
    /// Errors: `BADJSON`; `BADSCHEMA` for an invalid JSON Schema 2020-12, an unknown keyword, a
    /// size above [`SCHEMA_BYTES_MAX`](super::SCHEMA_BYTES_MAX) or another limit, an external
    /// reference, or a validation that could take too long.
    pub fn compile(name: &str, revision: u64, json: &[u8]) -> Result<Schema, Error> {
        Schema::read(name, revision, &value_of(json, Strictness::Set)?, Strictness::Set)
    }

    /// Compiles a schema that is stored, or comes from a primary. If an earlier release accepted it
    /// and this one does not, its text is kept: every command that needs it returns `BADSCHEMA`,
    /// and a server with such a schema still starts.
    ///
    /// Errors: `BADJSON`, `BADSCHEMA` for a text that can't even be kept.
    pub fn stored(name: &str, revision: u64, json: &[u8]) -> Result<Schema, Error> {
        let value = value_of(json, Strictness::Stored)?;
        Ok(Schema::read(name, revision, &value, Strictness::Stored).unwrap_or_else(|error| {
            let (text, reference) = Schema::identity(name, revision, &value, true);
            Schema {
                reference,
                text,
                fault: Some(error.to_string().into()),
                initial: Tree::of_trusted("{}"),
                has_nested_defaults: false,
                validator: Validator::default(),
                rules: Rules::default(),
                ttl_ms: None,
                patterns: Vec::new(),
            }
        }))
    }

    fn read(name: &str, revision: u64, value: &Value, strictness: Strictness) -> Result<Schema, Error> {
        let graph = Graph::of(value, strictness)?;
        budget::check(&graph, strictness)?;
        let ttl_ms = value.get("x-ttl").map(|ttl| ttl_ms(ttl, "/x-ttl")).transpose()?;
        let patterns = root_patterns(value)?;
        let whole = Whole::new(&graph);
        let initial = defaults::initial(&whole)?;
        let has_nested_defaults = defaults::are_nested(&whole, &initial);
        let initial = Tree::of_trusted(to_text(&initial));
        let mut rules = Rules::compile(&whole, &initial, strictness)?;
        whole.check_visits()?;
        let validator = Validator { subschemas: subschema::compile(&graph, strictness)? };
        let budget = Budget::of(DEFAULTS_COST_MAX);
        rules.look_at_lapses(|number, value| validator.admits(number, value, &budget).unwrap_or(false));
        let (text, reference) = Schema::identity(name, revision, value, rules.has_secrets());
        let fault = None;
        Ok(Schema {
            reference,
            text,
            fault,
            initial,
            has_nested_defaults,
            validator,
            rules,
            ttl_ms,
            patterns,
        })
    }

    fn identity(name: &str, revision: u64, value: &Value, has_secrets: bool) -> (Box<str>, SchemaRef) {
        let text = to_text(value).into_boxed_str();
        let digest = xxh3_64(text.as_bytes());
        let reference = SchemaRef { name: name.into(), revision, digest, has_secrets };
        (text, reference)
    }

    /// Rejects an unusable schema.
    pub(crate) fn usable(&self) -> Result<(), Error> {
        let Some(fault) = &self.fault else { return Ok(()) };
        let name = &self.reference.name;
        let reason = format!("the stored schema {name} can't be used: {fault}; set it anew");
        Err(Error::BadSchema { reason })
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

    /// The root `x-bind`: patterns of keys to bind to this schema.
    pub fn patterns(&self) -> &[Box<str>] {
        &self.patterns
    }

    /// A document with its secrets masked as `"***"`.
    pub fn masked(&self, document: &Document) -> Document {
        if !self.rules.has_secrets() {
            return document.clone();
        }
        Document::of_shown(self.rules.masked(document.tree().root()))
    }

    /// Returns the length of the masked text.
    ///
    /// Errors: `TOOCOSTLY`.
    pub fn masked_len(&self, document: &Document, budget: &Budget) -> Result<usize, Error> {
        self.rules.masked_len(document.tree().root(), budget)
    }

    /// The JSON Patch between two documents with their secrets masked; one longer than
    /// `state.max-bytes` replaces the whole document.
    pub fn masked_diff(&self, from: &Document, to: &Document, limits: &Limits) -> String {
        let (from, to) = (from.tree(), to.tree());
        if self.rules.are_passed_over(from.root(), to.root()) {
            return bounded_diff(from.root(), to.root(), limits);
        }
        let (from, to) = self.rules.masked_pair(from.root(), to.root());
        bounded_diff(from.root(), to.root(), limits)
    }

    /// The pointers of members with a deadline that the schema requires of some documents: a lapse
    /// resets these documents.
    pub fn demanded_lapses(&self) -> Vec<String> {
        if !self.rules.may_lapse_into_violations() {
            return Vec::new();
        }
        let Ok(schema) = parse(self.text.as_bytes(), SCHEMA_DEPTH_MAX) else { return Vec::new() };
        let schema = schema.root().to_value();
        let found = Graph::of(&schema, Strictness::Stored)
            .map(|graph| self.rules.demanded_lapses(&Whole::new(&graph)));
        found.unwrap_or_default().into_iter().collect()
    }

    /// Its annotations.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Whether a value is valid.
    ///
    /// Errors: `TOOCOSTLY`.
    pub(crate) fn admits(&self, value: Node, budget: &Budget) -> Result<bool, Error> {
        self.validator.check(value, None, &mut Report::Silent, budget)
    }

    /// Rejects an invalid value, with up to [`VIOLATIONS_MAX`] violations. For a value that was
    /// made from one that has `passed` this schema, only the differences are validated.
    ///
    /// Errors: `INVALID`, `TOOCOSTLY`.
    pub(crate) fn check(&self, value: Node, passed: Option<Node>, budget: &Budget) -> Result<(), Error> {
        let mut found = Vec::new();
        let mut report = Report::Violations { found: &mut found, max: VIOLATIONS_MAX };
        if self.validator.check(value, passed, &mut report, budget)? {
            return Ok(());
        }
        let violations = found.into_iter().map(|(pointer, message)| self.violation(value, pointer, message));
        Err(Error::Invalid { violations: violations.collect() })
    }

    fn violation(&self, value: Node, pointer: String, message: String) -> Violation {
        let parsed = Pointer::parse(&pointer);
        let is_null = parsed.as_ref().and_then(|parsed| parsed.find(value)).is_some_and(Node::is_null);
        match parsed.and_then(|parsed| self.rules.secret_at(&parsed)) {
            // A type is no secret.
            Some(secret) if is_null && secret == pointer => {
                Violation { pointer: secret, message: "must not be null".to_owned() }
            }
            // Names within a secret are part of it.
            Some(secret) => Violation { pointer: secret, message: "is not what the schema wants".to_owned() },
            None => Violation {
                pointer: shortened(&pointer, POINTER_CHARS_MAX),
                message: shortened(&message, MESSAGE_CHARS_MAX) + if is_null { ", not null" } else { "" },
            },
        }
    }

    /// Fills absent members with their defaults.
    ///
    /// Errors: `TOOCOSTLY`.
    pub(crate) fn fill_defaults(&self, value: Node, budget: &Budget) -> Result<Tree<'static>, Error> {
        if self.initial.root().is_empty() && !self.has_nested_defaults {
            return Ok(Draft::Same(value).into_tree());
        }
        self.filled(value, budget, |whole, value| defaults::fill(whole, &whole.root(), value))
    }

    /// Fills absent members in the objects that a new document has beyond the initial one; `None`
    /// for a schema without such defaults.
    ///
    /// Errors: `TOOCOSTLY`.
    pub(crate) fn fill_added(&self, value: Node, budget: &Budget) -> Result<Option<Tree<'static>>, Error> {
        if !self.has_nested_defaults {
            return Ok(None);
        }
        let initial = self.initial.root().to_value();
        self.filled(value, budget, |whole, value| defaults::fill_added(whole, value, &initial)).map(Some)
    }

    fn filled(
        &self,
        value: Node,
        budget: &Budget,
        fill: impl FnOnce(&Whole, &mut Value) -> Result<(), Error>,
    ) -> Result<Tree<'static>, Error> {
        // Defaults are read from the tree of the schema.
        budget.charge(self.text.len().saturating_add(value.text().len()).saturating_mul(TREE_BYTE_COST))?;
        values::charge_inner(value.text(), budget)?;
        let schema = parse(self.text.as_bytes(), SCHEMA_DEPTH_MAX)?.root().to_value();
        let graph = Graph::of(&schema, Strictness::Stored)?;
        let mut filled = value.to_value();
        fill(&Whole::new(&graph), &mut filled)?;
        Ok(Tree::of_trusted(to_text(&filled)))
    }

    /// Drops the members that additionalProperties or unevaluatedProperties reject; never a wrong
    /// value.
    ///
    /// Errors: `TOOCOSTLY`.
    pub(crate) fn drop_unknown(
        &self,
        mut tree: Tree<'static>,
        budget: &Budget,
    ) -> Result<Tree<'static>, Error> {
        // Dropping one member may make another one unknown: at most as often as a document nests.
        for _ in 0..DROPS_MAX {
            let mut unknown = Vec::new();
            self.validator.check(tree.root(), None, &mut Report::Unknown(&mut unknown), budget)?;
            budget.charge(tree.text().len())?;
            let (mut dropped, mut value) = (false, Draft::Same(tree.root()));
            for (holder, names) in by_holder(unknown) {
                let Some(members) = value.find_mut(&holder).and_then(Draft::members_mut) else { continue };
                let before = members.len();
                members.retain(|raw| !names.contains(raw));
                dropped |= members.len() < before;
            }
            if !dropped {
                break;
            }
            tree = value.into_tree();
        }
        Ok(tree)
    }

    /// The document of a new state.
    pub(crate) fn initial(&self) -> Node<'_> {
        self.initial.root()
    }
}

/// Names, in canonical form, by the object that holds them, in the order of discovery.
fn by_holder(unknown: Vec<(Pointer, String)>) -> Vec<(Pointer, HashSet<String>)> {
    let mut holders: Vec<(Pointer, HashSet<String>)> = Vec::new();
    for (holder, name) in unknown {
        match holders.last_mut().filter(|(last, _)| *last == holder) {
            Some((_, names)) => {
                names.insert(name);
            }
            None => holders.push((holder, HashSet::from([name]))),
        }
    }
    holders
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::schema::source::SCHEMA_BYTES_MAX;

    fn compiled(text: &str) -> Result<Schema, Error> {
        Schema::compile("vimbiso.channel", 1, text.as_bytes())
    }

    fn check(schema: &str, document: &str) -> String {
        let tree = parse(document.as_bytes(), 64).expect(document);
        compiled(schema)
            .expect(schema)
            .check(tree.root(), None, &Budget::new(&Limits::default()))
            .map_or_else(|error| error.to_string(), |()| "OK".to_owned())
    }

    #[test]
    fn every_violation_is_reported_with_its_pointer_and_without_its_value() {
        let schema = r#"{"type":"object","required":["channel"],"additionalProperties":false,
            "properties":{"channel":{"type":"object"},"amount":{"type":"number","exclusiveMinimum":0}}}"#;
        let report = check(schema, r#"{"amount":"a secret","value":1}"#);
        assert!(report.starts_with("INVALID 3 violations: "), "{report}");
        assert!(report.contains("/amount: ") && report.contains("(root): "), "{report}");
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
            let rejected = compiled(&format!(r#"{{"x-ttl":{ttl}}}"#)).expect_err(ttl);
            assert!(rejected.to_string().starts_with("BADSCHEMA /x-ttl: "), "{rejected}");
        }
    }

    #[test]
    fn what_is_no_schema_is_rejected() {
        for text in [
            r#"{"type":"objekt"}"#,
            r#"{"properties":[]}"#,
            r#"{"pattern":"("}"#,
            r#"{"pattern":"(?=x)"}"#,
            "7",
            r#"{"pattern":"a{1000}{1000}{1000}"}"#,
            r#"{"minLength":-1}"#,
        ] {
            let rejected = compiled(text).expect_err(text).to_string();
            assert!(rejected.starts_with("BADSCHEMA "), "{text}: {rejected}");
        }
        let repeated = r#"{"properties":{"a/b":{"x-secret":true,"type":"string","x-secret":false}}}"#;
        let rejected = compiled(repeated).expect_err(repeated).to_string();
        assert_eq!(rejected, r#"BADSCHEMA /properties/a~1b: has the member "x-secret" more than once"#);
        let repeated = r#"{"enum":[1,{"a":1,"\u0061":2}]}"#;
        let rejected = compiled(repeated).expect_err(repeated).to_string();
        assert_eq!(rejected, r#"BADSCHEMA /enum/1: has the member "a" more than once"#);
        assert!(
            Schema::stored("vimbiso.channel", 1, repeated.as_bytes()).is_ok_and(|it| it.usable().is_ok())
        );
        assert!(matches!(compiled("{"), Err(Error::BadJson { .. })));
        let deep = format!("{}{}", r#"{"not":"#.repeat(32), "true") + &"}".repeat(32);
        assert!(compiled(&deep).is_ok());
        assert!(compiled(&format!(r#"{{"not":{deep}}}"#)).is_err());
        assert!(compiled(&format!(r#"{{"title":"{}"}}"#, "x".repeat(SCHEMA_BYTES_MAX))).is_err());
    }
}
