//! A schema as a graph of its subschemas: one walk for all readers.
//!
//! The walk finds each subschema once, by the table in `keywords`, and resolves each reference. The
//! annotations, the defaults and the validator read this graph, so none of them can visit a
//! subschema that another one misses: an unknown keyword is rejected.
//!
//! References lead into the schema itself: a JSON pointer (RFC 6901, section 6), an anchor, or
//! either after the root's own `$id`. External references are rejected.

use std::collections::HashMap;

use serde_json::Value;

use super::keywords;
use super::keywords::{Applies, Shape};
use super::source::{Strictness, bad_schema};
use crate::error::Error;
use crate::json::pointer::{Pointer, escaped};

/// The most subschemas of a schema.
pub const SUBSCHEMAS_MAX: usize = 1024;
/// The most regular expressions of a schema.
pub const PATTERNS_MAX: usize = 128;
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The number of a subschema; the root's is 0.
pub(crate) type Number = usize;

/// Where a subschema is in a keyword's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'s> {
    /// The whole value.
    Whole,
    /// The member with this name.
    Name(&'s str),
    /// The element with this index.
    Index(usize),
}

/// From a subschema to one in it, or to the one it refers to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge<'s> {
    pub keyword: &'static str,
    pub token: Token<'s>,
    pub applies: Applies,
    pub to: Number,
}

#[derive(Debug)]
struct Vertex<'s> {
    schema: &'s Value,
    /// The subschema that contains it, and where.
    from: Option<(Number, &'static str, Token<'s>)>,
    edges: Vec<Edge<'s>>,
}

/// The graph of a schema.
#[derive(Debug)]
pub(crate) struct Graph<'s> {
    root: &'s Value,
    vertices: Vec<Vertex<'s>>,
}

impl<'s> Graph<'s> {
    /// Walks a schema.
    ///
    /// Errors: `BADSCHEMA` for an invalid schema, one beyond a limit, an unknown keyword, or a
    /// reference without a target.
    pub(crate) fn of(root: &'s Value, strictness: Strictness) -> Result<Graph<'s>, Error> {
        let mut walk = Walk {
            graph: Graph { root, vertices: Vec::new() },
            strictness,
            by_address: HashMap::new(),
            anchors: HashMap::new(),
            references: Vec::new(),
            patterns: 0,
        };
        walk.add(root, None)?;
        walk.resolve()?;
        Ok(walk.graph)
    }

    pub(crate) fn len(&self) -> usize {
        self.vertices.len()
    }

    /// The JSON of a subschema.
    pub(crate) fn schema(&self, number: Number) -> &'s Value {
        self.vertices.get(number).map_or(self.root, |vertex| vertex.schema)
    }

    /// The edges of a subschema, in the order of its keywords.
    pub(crate) fn edges(&self, number: Number) -> &[Edge<'s>] {
        self.vertices.get(number).map_or(&[], |vertex| &vertex.edges)
    }

    /// The subschema at a keyword of a subschema.
    pub(crate) fn below(&self, number: Number, keyword: &str, token: Token) -> Option<Number> {
        let mut edges = self.edges(number).iter();
        edges.find(|edge| edge.keyword == keyword && edge.token == token).map(|edge| edge.to)
    }

    /// The JSON pointer of a subschema.
    pub(crate) fn pointer(&self, number: Number) -> String {
        let mut steps = Vec::new();
        let mut next = self.vertices.get(number).and_then(|vertex| vertex.from);
        while let Some((parent, keyword, token)) = next {
            steps.push(match token {
                Token::Whole => format!("/{}", escaped(keyword)),
                Token::Name(name) => format!("/{}/{}", escaped(keyword), escaped(name)),
                Token::Index(index) => format!("/{}/{index}", escaped(keyword)),
            });
            next = self.vertices.get(parent).and_then(|vertex| vertex.from);
        }
        steps.into_iter().rev().collect()
    }

    /// The JSON pointer of a keyword of a subschema.
    pub(crate) fn pointer_of(&self, number: Number, keyword: &str) -> String {
        format!("{}/{}", self.pointer(number), escaped(keyword))
    }
}

struct Walk<'s> {
    graph: Graph<'s>,
    strictness: Strictness,
    /// Subschemas by their value, to resolve pointers.
    by_address: HashMap<usize, Number>,
    anchors: HashMap<&'s str, Number>,
    references: Vec<(Number, &'s str)>,
    patterns: usize,
}

impl<'s> Walk<'s> {
    /// Adds a subschema and everything in it; returns its number.
    fn add(
        &mut self,
        schema: &'s Value,
        from: Option<(Number, &'static str, Token<'s>)>,
    ) -> Result<Number, Error> {
        let number = self.graph.len();
        self.graph.vertices.push(Vertex { schema, from, edges: Vec::new() });
        if number >= SUBSCHEMAS_MAX {
            return Err(self.wrong(number, format!("more than {SUBSCHEMAS_MAX} subschemas")));
        }
        self.by_address.insert(address(schema), number);
        let Value::Object(keywords) = schema else {
            return match schema {
                Value::Bool(_) => Ok(number),
                _ => Err(self.wrong(number, "is no schema: write an object, true or false".to_owned())),
            };
        };
        for (keyword, value) in keywords {
            self.check_word(number, keyword)?;
            self.keyword(number, keyword, value)?;
        }
        Ok(number)
    }

    fn wrong(&self, number: Number, reason: String) -> Error {
        bad_schema(&self.graph.pointer(number), reason)
    }

    fn wrong_at(&self, number: Number, keyword: &str, reason: impl Into<String>) -> Error {
        bad_schema(&self.graph.pointer_of(number, keyword), reason.into())
    }

    fn check_word(&self, number: Number, keyword: &str) -> Result<(), Error> {
        if self.strictness == Strictness::Stored && !keywords::is_unsupported(keyword) {
            return Ok(());
        }
        if keyword == "x-bind" && number > 0 {
            let reason = "binds nothing here: it may only stand at the root of the schema";
            return Err(self.wrong_at(number, keyword, reason));
        }
        match keywords::rejected(keyword) {
            Some(reason) => Err(self.wrong_at(number, keyword, reason)),
            None => Ok(()),
        }
    }

    fn keyword(&mut self, number: Number, keyword: &'s str, value: &'s Value) -> Result<(), Error> {
        match keyword {
            "$ref" => {
                let Some(target) = value.as_str() else {
                    return Err(self.wrong_at(number, keyword, "must be a string"));
                };
                self.references.push((number, target));
            }
            "$anchor" => self.anchor(number, value)?,
            "$schema" if value.as_str().map(|uri| uri.trim_end_matches('#')) != Some(DRAFT) => {
                return Err(self.wrong_at(number, keyword, format!("must be {DRAFT}")));
            }
            "$id" if number > 0 => {
                return Err(self.wrong_at(
                    number,
                    keyword,
                    "may only stand at the root: use $anchor or $defs",
                ));
            }
            "pattern" => self.pattern(number, keyword)?,
            "patternProperties" => {
                for _ in value.as_object().into_iter().flatten() {
                    self.pattern(number, keyword)?;
                }
            }
            _ => {}
        }
        let Some(applicator) = keywords::applicator_of(keyword) else { return Ok(()) };
        let (name, applies) = (applicator.name, applicator.applies);
        match (applicator.shape, value) {
            (Shape::One, schema) => self.edge(number, name, Token::Whole, applies, schema),
            (Shape::List, Value::Array(schemas)) => {
                if schemas.is_empty() {
                    return Err(self.wrong_at(number, name, "must name at least one schema"));
                }
                let mut schemas = schemas.iter().enumerate();
                schemas.try_for_each(|(index, schema)| {
                    self.edge(number, name, Token::Index(index), applies, schema)
                })
            }
            (Shape::List, _) => Err(self.wrong_at(number, name, "must be an array of schemas")),
            (Shape::Map | Shape::MapOrNames, Value::Object(schemas)) => {
                let is_schema = |value: &Value| applicator.shape == Shape::Map || !value.is_array();
                let mut schemas = schemas.iter().filter(|(_, value)| is_schema(value));
                schemas.try_for_each(|(member, schema)| {
                    self.edge(number, name, Token::Name(member), applies, schema)
                })
            }
            (Shape::Map | Shape::MapOrNames, _) => {
                Err(self.wrong_at(number, name, "must be an object of schemas"))
            }
        }
    }

    fn anchor(&mut self, number: Number, value: &'s Value) -> Result<(), Error> {
        let anchor = value.as_str().filter(|anchor| !anchor.is_empty() && !anchor.starts_with('/'));
        let Some(anchor) = anchor else {
            return Err(self.wrong_at(number, "$anchor", "must be a name such as money"));
        };
        if self.anchors.insert(anchor, number).is_some() {
            return Err(self.wrong_at(number, "$anchor", "names another subschema already"));
        }
        Ok(())
    }

    fn pattern(&mut self, number: Number, keyword: &str) -> Result<(), Error> {
        self.patterns = self.patterns.saturating_add(1);
        if self.patterns > PATTERNS_MAX {
            return Err(self.wrong_at(
                number,
                keyword,
                format!("more than {PATTERNS_MAX} regular expressions"),
            ));
        }
        Ok(())
    }

    fn edge(
        &mut self,
        number: Number,
        keyword: &'static str,
        token: Token<'s>,
        applies: Applies,
        schema: &'s Value,
    ) -> Result<(), Error> {
        let to = self.add(schema, Some((number, keyword, token)))?;
        self.push_edge(number, Edge { keyword, token, applies, to });
        Ok(())
    }

    fn push_edge(&mut self, number: Number, edge: Edge<'s>) {
        if let Some(vertex) = self.graph.vertices.get_mut(number) {
            vertex.edges.push(edge);
        }
    }

    /// Turns references into edges.
    fn resolve(&mut self) -> Result<(), Error> {
        for (number, reference) in std::mem::take(&mut self.references) {
            let Some(fragment) = self.fragment(reference) else {
                let reason = "only references into the schema itself are followed: #/$defs/name";
                return Err(self.wrong_at(number, "$ref", reason));
            };
            let Some(to) = self.target(fragment) else {
                return Err(self.wrong_at(number, "$ref", format!("there is no schema at #{fragment}")));
            };
            self.push_edge(
                number,
                Edge { keyword: "$ref", token: Token::Whole, applies: Applies::InPlace, to },
            );
        }
        Ok(())
    }

    /// The fragment of a reference into this schema.
    fn fragment(&self, reference: &'s str) -> Option<&'s str> {
        let id = self.graph.root.get("$id").and_then(Value::as_str);
        let own = id.and_then(|id| reference.strip_prefix(id.trim_end_matches('#')));
        let rest = own.unwrap_or(reference);
        match rest.strip_prefix('#') {
            Some(fragment) => Some(fragment),
            None => own.filter(|rest| rest.is_empty()),
        }
    }

    fn target(&self, fragment: &str) -> Option<Number> {
        let fragment = percent_decoded(fragment)?;
        if let Some(pointer) = Pointer::parse(&fragment) {
            let found = pointer.tokens().iter().try_fold(self.graph.root, |value, token| match value {
                Value::Object(members) => members.get(token),
                Value::Array(elements) => elements.get(crate::json::pointer::array_index(token)?),
                _ => None,
            });
            return self.by_address.get(&address(found?)).copied();
        }
        self.anchors.get(fragment.as_str()).copied()
    }
}

fn address(value: &Value) -> usize {
    std::ptr::from_ref(value) as usize
}

/// A fragment of a URI without its percent-encoding (RFC 3986, section 2.1).
fn percent_decoded(fragment: &str) -> Option<String> {
    let mut parts = fragment.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        let code =
            u8::from_str_radix(code, 16).ok().filter(|_| code.bytes().all(|digit| digit.is_ascii_hexdigit()));
        bytes.push(code?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(schema: &str, strictness: Strictness) -> String {
        let value: Value = serde_json::from_str(schema).expect(schema);
        match Graph::of(&value, strictness) {
            Ok(graph) => (0..graph.len()).map(|number| graph.pointer(number)).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        }
    }

    fn set(schema: &str) -> String {
        walked(schema, Strictness::Set)
    }

    #[test]
    fn each_subschema_is_visited_once() {
        assert_eq!(
            set(r##"{"properties":{"a/b":{"items":true}},"allOf":[{"$ref":"#/$defs/x"}],"$defs":{"x":{}}}"##),
            " /properties/a~1b /properties/a~1b/items /allOf/0 /$defs/x"
        );
        assert_eq!(
            set(r#"{"dependencies":{"a":["b"],"c":{"not":{}}}}"#),
            " /dependencies/c /dependencies/c/not"
        );
        assert_eq!(set(r#"{"enum":[{"properties":{"a":7}}],"default":{"not":7}}"#), "");
    }

    #[test]
    fn references_are_resolved_as_fragments_of_a_uri() {
        for (reference, name) in [
            ("#/$defs/home%20address", "home address"),
            ("#/$defs/caf%C3%A9", "café"),
            ("#/$defs/%22quoted%22", "\\\"quoted\\\""),
            ("#/$defs/100%25", "100%"),
            ("#/$defs/a~1b", "a/b"),
            ("#/%24defs/%61", "a"),
        ] {
            let schema = format!(r#"{{"$ref":"{reference}","$defs":{{"{name}":{{}}}}}}"#);
            assert!(!set(&schema).starts_with("BADSCHEMA"), "{schema}: {}", set(&schema));
        }
        let decoy = r##"{"$ref":"#/$defs/%61","$defs":{"%61":{}}}"##;
        assert!(set(decoy).contains("there is no schema at"), "{}", set(decoy));
        let own = "https://vimbisopay.example/channel";
        for reference in [format!("{own}#/$defs/a"), own.to_owned(), format!("{own}#money")] {
            let schema = format!(
                r#"{{"$id":"{own}","properties":{{"x":{{"$ref":"{reference}"}}}},"$defs":{{"a":{{"$anchor":"money"}}}}}}"#
            );
            assert!(!set(&schema).starts_with("BADSCHEMA"), "{schema}: {}", set(&schema));
        }
    }

    #[test]
    fn nothing_outside_is_followed() {
        for target in [
            "https://json-schema.org/draft/2020-12/schema",
            "file:///etc/passwd",
            "other.json",
            "#/$defs/no",
            "#%zz",
        ] {
            let report = set(&format!(r#"{{"properties":{{"a":{{"$ref":"{target}"}}}}}}"#));
            assert!(report.starts_with("BADSCHEMA /properties/a/$ref: "), "{report}");
        }
    }

    #[test]
    fn a_word_that_is_not_known_is_rejected_unless_it_is_stored() {
        let schema = r#"{"properties":{"token":{"x-secrt":true}}}"#;
        assert!(set(schema).starts_with("BADSCHEMA /properties/token/x-secrt: "), "{}", set(schema));
        assert_eq!(walked(schema, Strictness::Stored), " /properties/token");
        let below = r##"{"$ref":"#/$defs/own","$defs":{"own":{"x-bind":["channel:*"]}}}"##;
        assert!(set(below).starts_with("BADSCHEMA /$defs/own/x-bind: binds nothing"), "{}", set(below));
        assert_eq!(walked(below, Strictness::Stored), " /$defs/own");
        assert_eq!(set(r#"{"x-bind":["channel:*"]}"#), "");
        let dynamic = r##"{"$dynamicRef":"#node"}"##;
        assert!(walked(dynamic, Strictness::Stored).starts_with("BADSCHEMA /$dynamicRef: "));
    }

    #[test]
    fn subschemas_and_patterns_are_counted() {
        let of = |count: usize| {
            let members: Vec<String> = (0..count).map(|n| format!("\"m{n}\":true")).collect();
            set(&format!(r#"{{"properties":{{{}}}}}"#, members.join(",")))
        };
        assert!(!of(SUBSCHEMAS_MAX - 1).starts_with("BADSCHEMA"));
        assert!(of(SUBSCHEMAS_MAX).contains("more than 1024 subschemas"));
        let of = |count: usize| {
            let names: Vec<String> = (0..count).map(|n| format!("\"^{n}\":true")).collect();
            set(&format!(r#"{{"patternProperties":{{{}}}}}"#, names.join(",")))
        };
        assert!(!of(PATTERNS_MAX).starts_with("BADSCHEMA"));
        assert!(of(PATTERNS_MAX + 1).contains("more than 128 regular expressions"));
    }
}
