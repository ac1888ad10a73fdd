//! Validating only the members that have changed.
//!
//! Why that is sound. Let `before` have passed a schema S, and let S be split into S', which is S with `true` in the place of
//! every schema under its `properties`, and those schemas P(name).
//!
//! 1. A value passes S exactly when it passes S' and each of its members that `properties` names passes its P(name): keywords
//!    that stand side by side must all hold, and `properties` is one of them. No other keyword of S depends on what the P are:
//!    `additionalProperties` and `unevaluatedProperties` go by the names that `properties` has, which S' has too, and a
//!    reference that could lead into one is not there, since S is split only when no `$ref` stands in what is left in S'.
//! 2. P(name) compiled by itself says what it says within S, since it is taken only when it has no `$ref` in it either; the
//!    budget refuses every other keyword that leads or names a place elsewhere (`$dynamicRef`, an `$id` below the root).
//! 3. So S' is asked about `after`, and P(name) about each member of `after` whose text is not what it was. A member with the
//!    same text is the same value, and has passed P(name) as a part of `before`, by 1.
//! 4. A member that was an object and still is one may be split in the same way: it has passed P(name), and 1 to 3 hold for
//!    that schema as they do for S.
//!
//! That `before` has passed S is for who asks to know: the state was validated here, by this very text of the schema, and
//! nothing has changed it since without being validated (see `State::has_passed`). Where a part can't be told by itself, or
//! one does not pass, the whole is validated, which is also what finds the words of an error. Following a change further
//! down into arrays or conditions was left out: what holds there depends on more than one value.

use std::collections::HashMap;

use jsonschema::Validator;
use serde_json::{Map, Value};

use crate::json::lookup::Lookup;
use crate::json::node::Node;
use crate::json::strings::raw;
use crate::json::validated::Text;

/// A schema is split so many levels down.
const LEVELS_MAX: usize = 4;
/// And into so many parts: each is compiled.
const PARTS_MAX: usize = 128;

/// A schema for objects, split by its `properties`.
#[derive(Debug)]
pub(super) struct Parts {
    /// What is left when everything is allowed for each of the properties.
    own: Validator<Text>,
    /// By the names as they are written; `None` for what can't be told by itself.
    properties: HashMap<Box<str>, Option<Part>>,
}

#[derive(Debug)]
struct Part {
    whole: Validator<Text>,
    parts: Option<Parts>,
}

impl Parts {
    /// Splits a schema, if it can be; `build` compiles a part of it.
    pub(super) fn of(schema: &Value, build: &dyn Fn(&Value) -> Option<Validator<Text>>) -> Option<Parts> {
        Parts::split(schema, build, LEVELS_MAX, &mut PARTS_MAX.clone())
    }

    fn split(
        schema: &Value,
        build: &dyn Fn(&Value) -> Option<Validator<Text>>,
        levels_left: usize,
        parts_left: &mut usize,
    ) -> Option<Parts> {
        let (keywords, properties) = (schema.as_object()?, schema.get("properties")?.as_object()?);
        let stays = |name: &str| name != "properties" && name != "$defs" && name != "definitions";
        let left = || keywords.iter().filter(|(keyword, _)| stays(keyword));
        *parts_left = parts_left.checked_sub(properties.len().saturating_add(1))?;
        if levels_left == 0 || keywords.contains_key("$ref") || left().any(|(_, value)| has_reference(value))
        {
            return None;
        }
        let anything: Map<String, Value> =
            properties.keys().map(|name| (name.clone(), Value::Bool(true))).collect();
        let own = left().map(|(keyword, value)| (keyword.clone(), value.clone()));
        let own = own.chain([("properties".to_owned(), Value::Object(anything))]).collect();
        let mut part = |schema: &Value| {
            let whole = if has_reference(schema) { None } else { build(schema) };
            let parts = Parts::split(schema, build, levels_left.saturating_sub(1), parts_left);
            whole.map(|whole| Part { whole, parts })
        };
        let properties = properties.iter().map(|(name, schema)| (raw(name).into(), part(schema))).collect();
        Some(Parts { own: build(&Value::Object(own))?, properties })
    }

    /// Whether `after` passes for certain, given that `before` has; if not, the whole has to be asked.
    pub(super) fn admits(&self, before: Node, after: Node) -> bool {
        let mut olds = Lookup::new(before);
        self.own.is_valid(after)
            && after.children().all(|member| {
                let old = olds.get_raw(member.raw_name());
                old.is_some_and(|old| old.text() == member.text()) || self.admits_member(old, member)
            })
    }

    fn admits_member(&self, old: Option<Node>, member: Node) -> bool {
        match self.properties.get(member.raw_name()) {
            // What `properties` does not name, it says nothing about.
            None => true,
            Some(None) => false,
            Some(Some(part)) => match (&part.parts, old) {
                (Some(parts), Some(old)) if old.is_object() && member.is_object() => {
                    parts.admits(old, member)
                }
                _ => part.whole.is_valid(member),
            },
        }
    }
}

/// Whether a reference stands anywhere in it.
fn has_reference(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => members.iter().any(|(name, value)| name == "$ref" || has_reference(value)),
        Value::Array(elements) => elements.iter().any(has_reference),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::json::oracle;
    use crate::json::tree::Tree;
    use crate::schema::Schema;

    /// Local constraints, constraints that reach over members, and references, at several depths.
    const SCHEMAS: [&str; 7] = [
        r#"{"type":"object","properties":{"a":{"type":["object","array","null"],"properties":{"a":{"type":"string"},"b":{"maxProperties":2}}},"b":{"minLength":1},"c":false}}"#,
        r#"{"additionalProperties":{"type":["number","string"]},"properties":{"a":{"additionalProperties":false,"properties":{"a":true,"b":true,"c":{"required":["a"]}}},"d/e":{"enum":[null,1]}}}"#,
        r##"{"properties":{"a":{"$ref":"#/$defs/short"},"b":{"properties":{"a":{"type":"array"}}}},"$defs":{"short":{"maxLength":3,"maxItems":2}}}"##,
        r##"{"allOf":[{"$ref":"#/properties/a"}],"properties":{"a":{"type":"object","maxProperties":3}}}"##,
        r#"{"unevaluatedProperties":false,"anyOf":[{"properties":{"b":{"type":"object"}}},{"required":["c"]}],"properties":{"a":{"minItems":1},"c":{"properties":{"":{"const":""}}}}}"#,
        r#"{"if":{"properties":{"a":{"type":"object"}},"required":["a"]},"then":{"required":["b"]},"properties":{"b":{"not":{"type":"null"}},"a":{"uniqueItems":true,"maxProperties":1}}}"#,
        r#"{"dependentRequired":{"a":["b"]},"patternProperties":{"^[ab]$":{"type":["object","array","string"]}},"properties":{"a":{"minLength":2,"minProperties":1},"b":{"items":{"type":"number"}}}}"#,
    ];

    proptest::proptest! {
        #![proptest_config(oracle::config())]

        #[test]
        fn what_the_parts_admit_the_whole_admits(pair in oracle::similar_pair(), which in 0..SCHEMAS.len()) {
            thread_local! {
                static COMPILED: Vec<Schema> = SCHEMAS
                    .iter()
                    .map(|schema| Schema::compile("vimbiso.parts", 1, schema.as_bytes()).expect("a schema"))
                    .collect();
            }
            let (before, after) = (Tree::of_trusted(pair.0.to_string()), Tree::of_trusted(pair.1.to_string()));
            COMPILED.with(|schemas| {
                let schema = &schemas[which];
                if schema.check(before.root(), None).is_ok() {
                    let whole = schema.check(after.root(), None);
                    proptest::prop_assert_eq!(schema.check(after.root(), Some(before.root())), whole.clone());
                    if let Some(parts) = &schema.parts {
                        proptest::prop_assert!(whole.is_ok() || !parts.admits(before.root(), after.root()));
                    }
                }
                Ok(())
            })?;
        }
    }

    /// A test that admits nothing by parts would prove nothing.
    #[test]
    fn parts_are_asked_where_there_are_some() {
        let splits = SCHEMAS.map(|schema| {
            Schema::compile("vimbiso.parts", 1, schema.as_bytes()).expect("a schema").parts.is_some()
        });
        assert_eq!(splits, [true, true, true, false, true, true, true]);
        let schema = Schema::compile("vimbiso.parts", 1, SCHEMAS[0].as_bytes()).expect("a schema");
        let tree = |text: &str| Tree::of_trusted(text.to_owned());
        let (before, after) = (tree(r#"{"a":{"a":"x"},"b":""}"#), tree(r#"{"a":{"a":"y"},"b":""}"#));
        // It says nothing about `b`, which has not changed, and so is seen not to have been asked.
        assert!(schema.parts.as_ref().is_some_and(|parts| parts.admits(before.root(), after.root())));
        assert!(schema.check(after.root(), None).is_err());
    }
}
