//! The document a state starts with: the `default`s of its schema.
//!
//! A default fills a member that is absent where the object that holds it is there: from the schema's own default
//! (or `{}`), down through `properties`, `$ref` and `allOf`. Of two defaults for one member the first met counts.

use serde_json::{Map, Value};

use super::bad_schema;
use crate::error::Error;
use crate::json::pointer::Pointer;

/// Defaults fill at most this many members: a schema that refers to itself could go on for ever.
const MEMBERS_MAX: usize = 4096;
/// And nest at most this deep.
const DEPTH_MAX: usize = 32;

/// What a new state starts with.
pub fn initial(schema: &Value) -> Result<Value, Error> {
    let mut filler = Filler { root: schema, members: 0 };
    let mut document = filler.default_of(schema, 0).cloned().unwrap_or_else(|| Value::Object(Map::new()));
    filler.fill(schema, &mut document, 0)?;
    Ok(document)
}

struct Filler<'s> {
    root: &'s Value,
    members: usize,
}

impl<'s> Filler<'s> {
    fn fill(&mut self, schema: &'s Value, value: &mut Value, depth: usize) -> Result<(), Error> {
        if depth > DEPTH_MAX || self.members > MEMBERS_MAX {
            return Err(bad_schema("", "its defaults go on without end".into()));
        }
        let Value::Object(members) = value else { return Ok(()) };
        for (name, subschema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if !members.contains_key(name) {
                let Some(default) = self.default_of(subschema, 0) else { continue };
                members.insert(name.clone(), default.clone());
                self.members = self.members.saturating_add(1);
            }
            if let Some(member) = members.get_mut(name) {
                self.fill(subschema, member, depth.saturating_add(1))?;
            }
        }
        for subschema in self.in_place(schema) {
            self.fill(subschema, value, depth.saturating_add(1))?;
        }
        Ok(())
    }

    /// The `default` beside a schema's other keywords, or that of what it refers to.
    fn default_of(&self, schema: &'s Value, depth: usize) -> Option<&'s Value> {
        if depth > DEPTH_MAX {
            return None;
        }
        let below = || self.in_place(schema).find_map(|part| self.default_of(part, depth.saturating_add(1)));
        schema.get("default").or_else(below)
    }

    /// The subschemas that hold for the same value whatever it is.
    fn in_place(&self, schema: &'s Value) -> impl Iterator<Item = &'s Value> + use<'s> {
        let referred = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
        let root = self.root;
        let referred = referred.and_then(|target| match Pointer::parse(target) {
            Some(pointer) => pointer.find(root),
            None => find_anchor(root, target),
        });
        referred.into_iter().chain(schema.get("allOf").and_then(Value::as_array).into_iter().flatten())
    }
}

fn find_anchor<'s>(schema: &'s Value, anchor: &str) -> Option<&'s Value> {
    if schema.get("$anchor").and_then(Value::as_str) == Some(anchor) {
        return Some(schema);
    }
    match schema {
        Value::Object(members) => members.values().find_map(|member| find_anchor(member, anchor)),
        Value::Array(elements) => elements.iter().find_map(|element| find_anchor(element, anchor)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{parse::parse, to_text};

    fn initial_of(schema: &str) -> String {
        let schema = parse(schema.as_bytes(), 64).expect(schema);
        initial(&schema).map_or_else(|error| error.to_string(), |value| to_text(&value))
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

    #[test]
    fn endless_defaults_are_refused() {
        let endless = r##"{"properties":{"next":{"$ref":"#","default":{}}}}"##;
        assert!(initial_of(endless).starts_with("BADSCHEMA /: its defaults go on"));
    }
}
