//! What a schema may cost, decided before it is compiled.
//!
//! Two small subschemas that refer to each other through `allOf` can make one validation take years. So the schema
//! is read as a graph first: which subschemas apply to the same value, which to a value below it. The cost of a
//! schema is how many of its subschemas can be asked about one value and, in turn, about one of its members, down
//! to the deepest document there can be. References that lead back to the same value without going down never end,
//! and references out of the schema are never followed.

use std::collections::HashMap;

use serde_json::Value;

use super::bad_schema;
use crate::error::Error;
use crate::json::pointer::escaped;

/// A schema has at most this many subschemas.
pub const SUBSCHEMAS_MAX: usize = 1024;
/// A schema has at most this many regular expressions.
const PATTERNS_MAX: usize = 128;
/// How many subschemas may be asked along one path of the deepest document.
const COST_MAX: u64 = 4096;
/// The deepest document: the upper end of `state.max-depth`.
const LEVELS: usize = 128;
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Refuses what is too large, too costly, or looks outside.
pub fn check(schema: &Value) -> Result<(), Error> {
    let mut graph = Graph::default();
    graph.add(schema, String::new())?;
    graph.link()?;
    let order = graph.in_place_order()?;
    if graph.cost(&order) > COST_MAX {
        return Err(bad_schema(
            "",
            "its references multiply: one document could take too long to validate".into(),
        ));
    }
    Ok(())
}

#[derive(Default)]
struct Node {
    pointer: String,
    /// Subschemas that apply to the same value.
    in_place: Vec<usize>,
    /// Subschemas of members, when the value is an object.
    properties: Below,
    /// Subschemas of elements, when it is an array: no value is both.
    items: Below,
    reference: Option<String>,
}

#[derive(Default)]
struct Below {
    /// At most one of these applies to any one member.
    one: Vec<usize>,
    /// These may all apply to the same member.
    all: Vec<usize>,
}

impl Below {
    fn cost(&self, costs: &[u64]) -> u64 {
        let of = |number: &usize| costs.get(*number).copied().unwrap_or(0);
        let one = self.one.iter().map(of).max();
        self.all.iter().map(of).chain(one).fold(0, u64::saturating_add)
    }
}

#[derive(Default)]
struct Graph {
    nodes: Vec<Node>,
    /// Where a reference may lead: pointers and anchors, as they stand behind `#`.
    targets: HashMap<String, usize>,
    patterns: usize,
}

#[derive(Clone, Copy)]
enum Applies {
    InPlace,
    ToOneProperty,
    ToProperties,
    ToOneItem,
    ToItems,
    Nowhere,
}

impl Graph {
    /// Adds a subschema and everything in it; returns its number.
    fn add(&mut self, schema: &Value, pointer: String) -> Result<usize, Error> {
        let number = self.nodes.len();
        if number >= SUBSCHEMAS_MAX {
            return Err(bad_schema(&pointer, format!("more than {SUBSCHEMAS_MAX} subschemas")));
        }
        self.nodes.push(Node { pointer: pointer.clone(), ..Node::default() });
        self.targets.insert(pointer.clone(), number);
        let Value::Object(keywords) = schema else {
            return if schema.is_boolean() {
                Ok(number)
            } else {
                Err(bad_schema(&pointer, "is no schema".into()))
            };
        };
        for (keyword, value) in keywords {
            let at = format!("{pointer}/{}", escaped(keyword));
            self.keyword(number, keyword, value, at)?;
        }
        Ok(number)
    }

    fn keyword(&mut self, number: usize, keyword: &str, value: &Value, at: String) -> Result<(), Error> {
        match keyword {
            "$ref" => {
                let local = value.as_str().and_then(|target| target.strip_prefix('#'));
                let target = local.ok_or_else(|| {
                    bad_schema(
                        &at,
                        "only references into the schema itself are followed: #/$defs/name".into(),
                    )
                })?;
                if let Some(node) = self.nodes.get_mut(number) {
                    node.reference = Some(target.to_owned());
                }
            }
            "$anchor" => {
                if let Some(anchor) = value.as_str() {
                    self.targets.insert(anchor.to_owned(), number);
                }
            }
            "$schema" if value.as_str().map(|uri| uri.trim_end_matches('#')) != Some(DRAFT) => {
                return Err(bad_schema(&at, format!("must be {DRAFT}")));
            }
            "$id" if number > 0 => return Err(bad_schema(&at, "may only stand at the root".into())),
            "$dynamicRef" | "$dynamicAnchor" | "$recursiveRef" | "$vocabulary" => {
                return Err(bad_schema(&at, "is not supported: use $ref and $defs".into()));
            }
            "pattern" => self.pattern(&at)?,
            "not" | "if" | "then" | "else" => self.one(number, value, at, Applies::InPlace)?,
            "allOf" | "anyOf" | "oneOf" => self.list(number, value, &at, Applies::InPlace)?,
            "dependentSchemas" => self.map(number, value, &at, Applies::InPlace)?,
            "properties" => self.map(number, value, &at, Applies::ToOneProperty)?,
            "additionalProperties" => self.one(number, value, at, Applies::ToOneProperty)?,
            "unevaluatedProperties" | "propertyNames" => {
                self.one(number, value, at, Applies::ToProperties)?
            }
            "prefixItems" => self.list(number, value, &at, Applies::ToOneItem)?,
            "items" => self.one(number, value, at, Applies::ToOneItem)?,
            "unevaluatedItems" | "contains" => self.one(number, value, at, Applies::ToItems)?,
            "patternProperties" => {
                for _ in value.as_object().into_iter().flatten() {
                    self.pattern(&at)?;
                }
                self.map(number, value, &at, Applies::ToProperties)?;
            }
            "$defs" | "definitions" => self.map(number, value, &at, Applies::Nowhere)?,
            "contentSchema" => self.one(number, value, at, Applies::Nowhere)?,
            _ => {}
        }
        Ok(())
    }

    fn pattern(&mut self, at: &str) -> Result<(), Error> {
        self.patterns = self.patterns.saturating_add(1);
        if self.patterns > PATTERNS_MAX {
            return Err(bad_schema(at, format!("more than {PATTERNS_MAX} regular expressions")));
        }
        Ok(())
    }

    fn one(&mut self, number: usize, value: &Value, at: String, applies: Applies) -> Result<(), Error> {
        let child = self.add(value, at)?;
        let Some(node) = self.nodes.get_mut(number) else { return Ok(()) };
        match applies {
            Applies::InPlace => node.in_place.push(child),
            Applies::ToOneProperty => node.properties.one.push(child),
            Applies::ToProperties => node.properties.all.push(child),
            Applies::ToOneItem => node.items.one.push(child),
            Applies::ToItems => node.items.all.push(child),
            Applies::Nowhere => {}
        }
        Ok(())
    }

    fn list(&mut self, number: usize, value: &Value, at: &str, applies: Applies) -> Result<(), Error> {
        let items = value.as_array().into_iter().flatten().enumerate();
        items
            .into_iter()
            .try_for_each(|(index, item)| self.one(number, item, format!("{at}/{index}"), applies))
    }

    fn map(&mut self, number: usize, value: &Value, at: &str, applies: Applies) -> Result<(), Error> {
        let members = value.as_object().into_iter().flatten();
        members.into_iter().try_for_each(|(name, schema)| {
            self.one(number, schema, format!("{at}/{}", escaped(name)), applies)
        })
    }

    /// Turns references into edges.
    fn link(&mut self) -> Result<(), Error> {
        for node in &mut self.nodes {
            let Some(reference) = &node.reference else { continue };
            let target = self.targets.get(reference).ok_or_else(|| {
                bad_schema(&format!("{}/$ref", node.pointer), format!("there is no schema at #{reference}"))
            })?;
            node.in_place.push(*target);
        }
        Ok(())
    }

    /// The nodes in an order in which each comes after all that apply in place to the same value.
    fn in_place_order(&self) -> Result<Vec<usize>, Error> {
        #[derive(Clone, Copy, PartialEq)]
        enum Seen {
            No,
            Open,
            Done,
        }
        let mut seen = vec![Seen::No; self.nodes.len()];
        let mut order = Vec::with_capacity(self.nodes.len());
        for root in 0..self.nodes.len() {
            // An explicit stack: a chain of a thousand references must not take a thousand stack frames.
            let mut stack = vec![(root, 0_usize)];
            while let Some((number, next)) = stack.pop() {
                let (Some(node), Some(mark)) = (self.nodes.get(number), seen.get_mut(number)) else {
                    continue;
                };
                match *mark {
                    Seen::Done => continue,
                    Seen::Open if next == 0 => {
                        return Err(bad_schema(
                            &node.pointer,
                            "refers to itself without going down into a member".into(),
                        ));
                    }
                    _ => *mark = Seen::Open,
                }
                match node.in_place.get(next) {
                    Some(child) => stack.extend([(number, next.saturating_add(1)), (*child, 0)]),
                    None => {
                        *mark = Seen::Done;
                        order.push(number);
                    }
                }
            }
        }
        Ok(order)
    }

    /// The most subschemas that can be asked along one path of a document of [`LEVELS`].
    fn cost(&self, order: &[usize]) -> u64 {
        let mut below = vec![0_u64; self.nodes.len()];
        for _ in 0..LEVELS {
            let mut here = vec![0_u64; self.nodes.len()];
            for number in order {
                let Some(node) = self.nodes.get(*number) else { continue };
                let in_place = node.in_place.iter().map(|child| here.get(*child).copied().unwrap_or(0));
                let deeper = node.properties.cost(&below).max(node.items.cost(&below));
                let cost = in_place.chain([deeper]).fold(1_u64, u64::saturating_add);
                if let Some(place) = here.get_mut(*number) {
                    *place = cost;
                }
            }
            below = here;
        }
        below.first().copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse::parse;

    fn checked(text: &str) -> String {
        let schema = parse(text.as_bytes(), 160).expect(text);
        check(&schema.root().to_value()).map_or_else(|error| error.to_string(), |()| "OK".to_owned())
    }

    #[test]
    fn ordinary_schemas_pass_recursive_ones_too() {
        for text in [
            "true",
            r##"{"$ref":"#/$defs/a","$defs":{"a":{"type":"object"}}}"##,
            r##"{"properties":{"left":{"$ref":"#"},"right":{"$ref":"#"}}}"##,
            r##"{"additionalProperties":{"$ref":"#"},"items":{"$ref":"#"}}"##,
            r##"{"$ref":"#step","$defs":{"s":{"$anchor":"step","items":{"$ref":"#/$defs/s"}}}}"##,
        ] {
            assert_eq!(checked(text), "OK", "{text}");
        }
    }

    #[test]
    fn nothing_outside_is_followed() {
        for target in
            ["https://json-schema.org/draft/2020-12/schema", "file:///etc/passwd", "other.json", "#/$defs/no"]
        {
            let report = checked(&format!(r#"{{"properties":{{"a":{{"$ref":"{target}"}}}}}}"#));
            assert!(report.starts_with("BADSCHEMA /properties/a/$ref: "), "{report}");
        }
    }

    #[test]
    fn multiplying_references_are_refused() {
        let level = |n: usize| {
            format!(
                r##""d{n}":{{"allOf":[{{"$ref":"#/$defs/d{m}"}},{{"$ref":"#/$defs/d{m}"}}]}}"##,
                m = n + 1
            )
        };
        let levels: Vec<String> = (0..26).map(level).collect();
        let doubling = format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d26":{{}}}}}}"##, levels.join(","));
        assert!(checked(&doubling).starts_with("BADSCHEMA /: its references multiply"));
        let by_depth = r##"{"properties":{"a":{"allOf":[{"$ref":"#"},{"$ref":"#"}]}}}"##;
        assert!(checked(by_depth).starts_with("BADSCHEMA /: its references multiply"));
        let twice = r##"{"patternProperties":{"a":{"$ref":"#"}},"additionalProperties":true,"unevaluatedProperties":{"$ref":"#"}}"##;
        assert!(checked(twice).starts_with("BADSCHEMA /: its references multiply"));
        let in_place = r##"{"anyOf":[{"$ref":"#"},{"type":"object"}]}"##;
        assert!(checked(in_place).contains("refers to itself"));
    }

    #[test]
    fn subschemas_are_counted() {
        let of = |count: usize| {
            let members: Vec<String> = (0..count).map(|n| format!("\"m{n}\":true")).collect();
            checked(&format!(r#"{{"properties":{{{}}}}}"#, members.join(",")))
        };
        assert_eq!(of(SUBSCHEMAS_MAX - 1), "OK");
        assert!(of(SUBSCHEMAS_MAX).contains("more than 1024 subschemas"));
    }
}
