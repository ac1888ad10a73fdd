//! The initial document of a state: the `default`s of its schema.
//!
//! A default fills an absent member of an existing object: from the member's own default (or `{}`),
//! down through `properties`, `$ref` and `allOf`. Of two defaults for one member, the first
//! applies.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::graph::Number;
use super::refs::{Spot, Whole};
use super::source::bad_schema;
use crate::error::Error;

/// The most members filled by defaults: a recursive schema could go on without end.
const MEMBERS_MAX: usize = 4096;
/// The deepest nesting of defaults.
const DEPTH_MAX: usize = 32;

/// The initial document.
pub fn initial(whole: &Whole) -> Result<Value, Error> {
    let root = whole.root();
    let mut document = default_of(whole, &root).cloned().unwrap_or_else(|| Value::Object(Map::new()));
    fill(whole, &root, &mut document)?;
    Ok(document)
}

/// The default of the member that `spot` describes, with the defaults below it.
pub fn member(whole: &Whole, spot: &Spot) -> Result<Option<Value>, Error> {
    let Some(mut value) = default_of(whole, spot).cloned() else { return Ok(None) };
    fill(whole, spot, &mut value)?;
    Ok(Some(value))
}

/// Fills absent members of a value that `spot` describes.
pub fn fill(whole: &Whole, spot: &Spot, value: &mut Value) -> Result<(), Error> {
    Filler { whole, members: 0 }.fill(spot, value, 0)
}

/// Fills absent members of the objects that a value has beyond the `initial` document: members
/// absent elsewhere were removed on purpose.
pub fn fill_added(whole: &Whole, value: &mut Value, initial: &Value) -> Result<(), Error> {
    Filler { whole, members: 0 }.fill_added(&whole.root(), value, initial, 0)
}

/// Whether a default is in an object that the initial document does not have.
pub fn are_nested(whole: &Whole, initial: &Value) -> bool {
    has_absent_default(whole, &whole.root(), Some(initial), &mut HashSet::new())
}

fn has_absent_default<'s>(
    whole: &Whole<'s>,
    spot: &Spot<'s>,
    initial: Option<&Value>,
    seen: &mut HashSet<Number>,
) -> bool {
    // Each spot below an absent object is visited once: references may lead back.
    if initial.is_none() && !seen.insert(spot.number) {
        return false;
    }
    let below = |(name, below): (&str, Spot<'s>)| {
        let member = initial.and_then(|initial| object_at(initial, name));
        (initial.is_none() && default_of(whole, &below).is_some())
            || has_absent_default(whole, &below, member, seen)
    };
    whole.properties(spot).into_iter().any(below)
        || whole.in_place(spot).iter().any(|part| has_absent_default(whole, part, initial, seen))
}

struct Filler<'w, 's> {
    whole: &'w Whole<'s>,
    members: usize,
}

impl<'s> Filler<'_, 's> {
    fn fill(&mut self, spot: &Spot<'s>, value: &mut Value, depth: usize) -> Result<(), Error> {
        if depth > DEPTH_MAX {
            let reason = format!("its defaults go on without end, or nest deeper than {DEPTH_MAX}");
            return Err(bad_schema("", reason));
        }
        if self.members > MEMBERS_MAX {
            return Err(bad_schema("", format!("its defaults fill more than {MEMBERS_MAX} members")));
        }
        let Value::Object(members) = value else { return Ok(()) };
        for (name, below) in self.whole.properties(spot) {
            if !members.contains_key(name) {
                let Some(default) = default_of(self.whole, &below) else { continue };
                members.insert(name.to_owned(), default.clone());
                self.members = self.members.saturating_add(1);
            }
            if let Some(member) = members.get_mut(name) {
                self.fill(&below, member, depth.saturating_add(1))?;
            }
        }
        for part in self.whole.in_place(spot) {
            // In place, which ends: only a descent could go on.
            self.fill(&part, value, depth)?;
        }
        Ok(())
    }

    fn fill_added(
        &mut self,
        spot: &Spot<'s>,
        value: &mut Value,
        initial: &Value,
        depth: usize,
    ) -> Result<(), Error> {
        let Value::Object(members) = value else { return Ok(()) };
        for (name, below) in self.whole.properties(spot) {
            let deeper = depth.saturating_add(1);
            match (members.get_mut(name), object_at(initial, name)) {
                (Some(member), None) => self.fill(&below, member, deeper)?,
                (Some(member), Some(initial)) => self.fill_added(&below, member, initial, deeper)?,
                (None, _) => {}
            }
        }
        for part in self.whole.in_place(spot) {
            self.fill_added(&part, value, initial, depth)?;
        }
        Ok(())
    }
}

/// A member that is an object.
fn object_at<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.get(name).filter(|member| member.is_object())
}

/// The `default` beside a schema's other keywords, or that of what it refers to.
fn default_of<'s>(whole: &Whole<'s>, spot: &Spot<'s>) -> Option<&'s Value> {
    let below = || whole.in_place(spot).iter().find_map(|part| default_of(whole, part));
    spot.get("default").or_else(below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse::parse;
    use crate::json::to_text;
    use crate::schema::graph::Graph;
    use crate::schema::source::Strictness;

    fn initial_of(schema: &str) -> String {
        let schema = parse(schema.as_bytes(), 64).expect(schema);
        let schema = schema.root().to_value();
        let graph = Graph::of(&schema, Strictness::Set).expect("a schema");
        initial(&Whole::new(&graph)).map_or_else(|error| error.to_string(), |value| to_text(&value))
    }

    #[test]
    fn defaults_fill_where_their_parent_is() {
        for (schema, document) in [
            ("{}", "{}"),
            (
                r#"{"properties":{"stage":{"default":"menu"},"option":{"default":null},"auth":{}}}"#,
                r#"{"stage":"menu","option":null}"#,
            ),
            (
                r#"{"properties":{"current":{"default":{"path":"login"},"properties":{"data":{"default":{}}}}}}"#,
                r#"{"current":{"path":"login","data":{}}}"#,
            ),
            (r#"{"properties":{"form":{"properties":{"amount":{"default":1}}}}}"#, "{}"),
            (r#"{"default":{"b":1},"properties":{"a":{"default":2},"b":{"default":3}}}"#, r#"{"b":1,"a":2}"#),
            (
                r##"{"properties":{"a":{"$ref":"#/$defs/a"}},"$defs":{"a":{"default":{},"properties":{"n":{"default":0}}}}}"##,
                r#"{"a":{"n":0}}"#,
            ),
            (
                r#"{"allOf":[{"properties":{"a":{"default":1}}},{"properties":{"a":{"default":2}}}]}"#,
                r#"{"a":1}"#,
            ),
        ] {
            assert_eq!(initial_of(schema), document, "{schema}");
        }
    }

    /// References in place: only a descent can go on without end.
    #[test]
    fn a_long_chain_of_references_is_no_endless_default() {
        let links: Vec<String> =
            (0..200).map(|n| format!(r##""d{n}":{{"$ref":"#/$defs/d{}"}}"##, n + 1)).collect();
        let chain = |last: &str| {
            format!(
                r##"{{"properties":{{"stage":{{"$ref":"#/$defs/d0"}}}},"$defs":{{{},"d200":{last}}}}}"##,
                links.join(",")
            )
        };
        assert_eq!(initial_of(&chain("{}")), "{}");
        assert_eq!(initial_of(&chain(r#"{"default":"menu"}"#)), r#"{"stage":"menu"}"#);
    }

    #[test]
    fn objects_that_a_change_brings_are_filled_and_others_are_not() {
        let schema = r##"{"properties":{"a":{"$ref":"#/$defs/a"},"b":{"default":{"x":1},"properties":{"y":{"default":2}}},
            "stage":{"default":"menu"}},"$defs":{"a":{"properties":{"b":{"default":0},"c":{"properties":{"d":{"default":1}}}}}}}"##;
        let schema = parse(schema.as_bytes(), 64).expect(schema).root().to_value();
        let graph = Graph::of(&schema, Strictness::Set).expect("a schema");
        let whole = Whole::new(&graph);
        let start = initial(&whole).expect("defaults");
        assert!(are_nested(&whole, &start));
        for (document, filled) in [
            (r#"{"a":{}}"#, r#"{"a":{"b":0}}"#),
            (r#"{"a":{"b":7,"c":{}}}"#, r#"{"a":{"b":7,"c":{"d":1}}}"#),
            (r#"{"b":{"x":1}}"#, r#"{"b":{"x":1}}"#),
            ("{}", "{}"),
        ] {
            let mut value = serde_json::from_str(document).expect(document);
            fill_added(&whole, &mut value, &start).expect("filled");
            assert_eq!(to_text(&value), filled, "{document}");
        }
        let flat = serde_json::json!({"properties": {"stage": {"default": "menu"}, "note": {"properties": {"text": {}}}}});
        let graph = Graph::of(&flat, Strictness::Set).expect("a schema");
        let whole = Whole::new(&graph);
        assert!(!are_nested(&whole, &initial(&whole).expect("defaults")));
    }

    #[test]
    fn too_many_defaults_are_rejected_with_their_limit() {
        let link = |n: usize| {
            let next = format!(r##"{{"default":{{}},"$ref":"#/$defs/d{}"}}"##, n + 1);
            format!(r#""d{n}":{{"properties":{{"a":{next},"b":{next}}}}}"#)
        };
        let links: Vec<String> = (0..24).map(link).collect();
        let doubled = format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d24":{{}}}}}}"##, links.join(","));
        let rejected = initial_of(&doubled);
        assert_eq!(rejected, "BADSCHEMA (root): its defaults fill more than 4096 members");
    }

    #[test]
    fn endless_defaults_are_rejected() {
        let endless = r##"{"properties":{"next":{"$ref":"#","default":{}}}}"##;
        assert!(initial_of(endless).starts_with("BADSCHEMA (root): its defaults go on"));
    }
}
