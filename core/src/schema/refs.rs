//! Walking a schema: which subschemas hold for the same value, and where each of them stands.
//!
//! Only what holds whatever the value is counts as in place: `$ref` and `allOf`. References lead into the schema itself;
//! the budget has refused all others before anybody walks. A walk is bounded: a schema of 64 KiB can name the same few
//! subschemas so often that looking at each would hold up the server.

use std::cell::Cell;
use std::collections::HashMap;

use serde_json::Value;

use super::bad_schema;
use crate::error::Error;
use crate::json::pointer::{Pointer, escaped};

/// How many subschemas one schema's walks may visit, all together.
const VISITS_MAX: usize = 10_000;

/// Keywords with one subschema, a list or a map of them, which hold or not depending on the document.
const CONDITIONAL_ONE: [&str; 11] = [
    "not",
    "if",
    "then",
    "else",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "items",
    "unevaluatedItems",
    "contains",
    "contentSchema",
];
const CONDITIONAL_LIST: [&str; 3] = ["anyOf", "oneOf", "prefixItems"];
const CONDITIONAL_MAP: [&str; 2] = ["dependentSchemas", "patternProperties"];

/// A whole schema, ready to be walked.
pub struct Whole<'s> {
    schema: &'s Value,
    anchors: HashMap<&'s str, Spot<'s>>,
    visits: Cell<usize>,
}

/// A subschema and the JSON pointer of the place where it is written.
#[derive(Clone, Debug)]
pub struct Spot<'s> {
    pub schema: &'s Value,
    pub pointer: String,
}

impl<'s> Spot<'s> {
    /// A keyword's value.
    pub fn get(&self, keyword: &str) -> Option<&'s Value> {
        self.schema.get(keyword)
    }

    /// The pointer of a keyword.
    pub fn at(&self, keyword: &str) -> String {
        format!("{}/{}", self.pointer, escaped(keyword))
    }

    fn below(&self, schema: &'s Value, tokens: &[&str]) -> Spot<'s> {
        let path: String = tokens.iter().map(|token| format!("/{}", escaped(token))).collect();
        Spot { schema, pointer: format!("{}{path}", self.pointer) }
    }
}

impl<'s> Whole<'s> {
    pub fn new(schema: &'s Value) -> Whole<'s> {
        let mut anchors = HashMap::new();
        find_anchors(&Spot { schema, pointer: String::new() }, &mut anchors);
        Whole { schema, anchors, visits: Cell::new(0) }
    }

    /// The schema itself.
    pub fn root(&self) -> Spot<'s> {
        Spot { schema: self.schema, pointer: String::new() }
    }

    /// Refuses a schema whose walks were cut short.
    pub fn check_visits(&self) -> Result<(), Error> {
        if self.visits.get() > VISITS_MAX {
            return Err(bad_schema("", "its references lead to too many subschemas".into()));
        }
        Ok(())
    }

    /// Counts a visit; false once there were too many.
    fn visit(&self) -> bool {
        self.visits.set(self.visits.get().saturating_add(1));
        self.visits.get() <= VISITS_MAX
    }

    /// The subschemas of `properties`, by name.
    pub fn properties(&self, spot: &Spot<'s>) -> Vec<(&'s str, Spot<'s>)> {
        let properties = spot.get("properties").and_then(Value::as_object).into_iter().flatten();
        let properties = properties.take_while(|_| self.visit());
        properties.map(|(name, schema)| (name.as_str(), spot.below(schema, &["properties", name]))).collect()
    }

    /// The subschemas that hold for the same value whatever it is: what `$ref` names, and the parts of `allOf`.
    pub fn in_place(&self, spot: &Spot<'s>) -> Vec<Spot<'s>> {
        let referred = self.referred(spot);
        let parts = spot.get("allOf").and_then(Value::as_array).into_iter().flatten().enumerate();
        let parts = parts.map(|(index, part)| spot.below(part, &["allOf", &index.to_string()]));
        referred.into_iter().chain(parts).take_while(|_| self.visit()).collect()
    }

    /// Every other subschema, with the keyword that makes it depend on the document whether it holds.
    pub fn conditional(&self, spot: &Spot<'s>) -> Vec<(&'static str, Spot<'s>)> {
        let mut found = Vec::new();
        for keyword in CONDITIONAL_ONE {
            found.extend(spot.get(keyword).map(|schema| (keyword, spot.below(schema, &[keyword]))));
        }
        for keyword in CONDITIONAL_LIST {
            for (index, schema) in
                spot.get(keyword).and_then(Value::as_array).into_iter().flatten().enumerate()
            {
                found.push((keyword, spot.below(schema, &[keyword, &index.to_string()])));
            }
        }
        for keyword in CONDITIONAL_MAP {
            for (name, schema) in spot.get(keyword).and_then(Value::as_object).into_iter().flatten() {
                found.push((keyword, spot.below(schema, &[keyword, name])));
            }
        }
        found.into_iter().take_while(|_| self.visit()).collect()
    }

    /// What `$ref` names.
    fn referred(&self, spot: &Spot<'s>) -> Option<Spot<'s>> {
        let target = spot.get("$ref")?.as_str()?.strip_prefix('#')?;
        match Pointer::parse(target) {
            Some(pointer) => {
                let schema = self.schema.pointer(target)?;
                Some(Spot { schema, pointer: pointer.to_string() })
            }
            None => self.anchors.get(target).cloned(),
        }
    }
}

fn find_anchors<'s>(spot: &Spot<'s>, anchors: &mut HashMap<&'s str, Spot<'s>>) {
    if let Some(anchor) = spot.get("$anchor").and_then(Value::as_str) {
        anchors.entry(anchor).or_insert_with(|| spot.clone());
    }
    match spot.schema {
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| find_anchors(&spot.below(member, &[name]), anchors));
        }
        Value::Array(elements) => {
            let elements = elements.iter().enumerate();
            elements.for_each(|(index, element)| {
                find_anchors(&spot.below(element, &[&index.to_string()]), anchors);
            });
        }
        _ => {}
    }
}
