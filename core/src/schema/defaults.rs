//! The document a state starts with: the `default`s of its schema.
//!
//! A default fills a member that is absent where the object that holds it is there: from the schema's own default
//! (or `{}`), down through `properties`, `$ref` and `allOf`. Of two defaults for one member the first met counts.

use serde_json::{Map, Value};

use super::bad_schema;
use super::refs::{Spot, Whole};
use crate::error::Error;

/// Defaults fill at most this many members: a schema that refers to itself could go on for ever.
const MEMBERS_MAX: usize = 4096;
/// And nest at most this deep.
const DEPTH_MAX: usize = 32;

/// What a new state starts with.
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

/// Fills what is absent from a value that `spot` describes.
pub fn fill(whole: &Whole, spot: &Spot, value: &mut Value) -> Result<(), Error> {
    Filler { whole, members: 0 }.fill(spot, value, 0)
}

struct Filler<'w, 's> {
    whole: &'w Whole<'s>,
    members: usize,
}

impl<'s> Filler<'_, 's> {
    fn fill(&mut self, spot: &Spot<'s>, value: &mut Value, depth: usize) -> Result<(), Error> {
        if depth > DEPTH_MAX || self.members > MEMBERS_MAX {
            return Err(bad_schema("", "its defaults go on without end".into()));
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
            // In place, which comes to an end: only what goes down could go on.
            self.fill(&part, value, depth)?;
        }
        Ok(())
    }
}

/// The `default` beside a schema's other keywords, or that of what it refers to.
fn default_of<'s>(whole: &Whole<'s>, spot: &Spot<'s>) -> Option<&'s Value> {
    let below = || whole.in_place(spot).iter().find_map(|part| default_of(whole, part));
    spot.get("default").or_else(below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{parse::parse, to_text};
    use crate::schema::graph::{Graph, Strictness};

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

    /// Each level of references is in place: only what goes down can go on without end.
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
    fn endless_defaults_are_refused() {
        let endless = r##"{"properties":{"next":{"$ref":"#","default":{}}}}"##;
        assert!(initial_of(endless).starts_with("BADSCHEMA (root): its defaults go on"));
    }
}
