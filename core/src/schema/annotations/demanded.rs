//! Members with a lifetime that only some documents require: a form, and the step that needs it.
//!
//! A schema that always requires such a member is rejected unless it has a default. One that
//! requires it under `then`, `anyOf` or the like is accepted: the lapse of the member resets the
//! document. The author of the schema may not have meant that, so setting it gives notice.

use std::collections::{BTreeSet, VecDeque};

use serde_json::Value;

use super::places::required;
use super::rules::Rules;
use crate::json::pointer::{Pointer, escaped};
use crate::schema::refs::{Spot, Whole};

/// Keywords under which a subschema may require what others do not.
const CONDITIONS: [&str; 6] = ["then", "else", "anyOf", "oneOf", "dependentSchemas", "dependencies"];
/// Members deeper than this are not found: a recursive schema goes on without end.
const DEPTH_MAX: usize = 32;

/// A subschema, and the member that it applies to.
struct Visit<'s> {
    spot: Spot<'s>,
    member: Vec<&'s str>,
    is_conditional: bool,
}

impl Rules {
    /// The pointers of lapsing members without a default that the schema requires of some
    /// documents. A schema with more subschemas than [`Whole`] visits is not searched to its end.
    pub(in crate::schema) fn demanded_lapses(&self, whole: &Whole) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let root = Visit { spot: whole.root(), member: Vec::new(), is_conditional: false };
        let mut open = VecDeque::from([root]);
        while let Some(Visit { spot, member, is_conditional }) = open.pop_front() {
            let dependent = dependent(&spot);
            let names = required(&spot).filter(|_| is_conditional).chain(dependent);
            found.extend(names.map(|name| pointer(&member, name)).filter(|text| self.lapses_for_good(text)));
            for (name, spot) in whole.properties(&spot) {
                if member.len() < DEPTH_MAX {
                    let member = member.iter().copied().chain([name]).collect();
                    open.push_back(Visit { spot, member, is_conditional });
                }
            }
            let in_place = whole.in_place(&spot).into_iter().map(|part| (is_conditional, part));
            let conditional = whole.conditional(&spot).into_iter();
            let conditional = conditional.filter(|(keyword, _)| CONDITIONS.contains(keyword));
            let parts = in_place.chain(conditional.map(|(_, part)| (true, part)));
            open.extend(parts.map(|(is_conditional, spot)| Visit {
                spot,
                member: member.clone(),
                is_conditional,
            }));
        }
        found
    }

    /// Whether the member lapses, and nothing takes its place.
    fn lapses_for_good(&self, pointer: &str) -> bool {
        let place = Pointer::parse(pointer).and_then(|pointer| self.place(&pointer));
        place.is_some_and(|place| place.lifetime.is_some() && place.default.is_none())
    }
}

/// The names that other members require.
fn dependent<'s>(spot: &Spot<'s>) -> impl Iterator<Item = &'s str> + use<'s> {
    let lists = ["dependentRequired", "dependencies"].into_iter().filter_map({
        let spot = *spot;
        move |keyword| spot.get(keyword).and_then(Value::as_object)
    });
    let names = lists.flat_map(|by_member| by_member.values()).filter_map(Value::as_array).flatten();
    names.filter_map(Value::as_str)
}

fn pointer(holder: &[&str], name: &str) -> String {
    holder.iter().chain([&name]).map(|token| format!("/{}", escaped(token))).collect()
}

#[cfg(test)]
mod tests {
    use crate::schema::compiled::Schema;

    fn demanded(schema: &str) -> Vec<String> {
        Schema::compile("vimbiso.forms", 1, schema.as_bytes()).expect(schema).demanded_lapses()
    }

    #[test]
    fn lapsing_members_that_some_documents_require_are_found() {
        for (schema, pointers) in [
            (
                r#"{"properties":{"form":{"x-ttl":1}},"if":{"required":["paid"]},"then":{"required":["form","paid"]}}"#,
                vec!["/form"],
            ),
            (
                r##"{"allOf":[{"$ref":"#/$defs/pay"}],"$defs":{"pay":{"anyOf":[{"properties":{"a":{"required":["b/c"]}}}]}},
                    "properties":{"a":{"properties":{"b/c":{"x-ttl":1}}}}}"##,
                vec!["/a/b~1c"],
            ),
            (
                r#"{"properties":{"form":{"x-ttl":1},"card":{"x-ttl":1}},"dependentRequired":{"paid":["form","card"]}}"#,
                vec!["/card", "/form"],
            ),
            (
                r#"{"properties":{"form":{"x-ttl":1,"default":{}}},"if":{"required":["paid"]},"then":{"required":["form"]}}"#,
                vec![],
            ),
            (
                r#"{"properties":{"form":{"x-ttl":1}},"if":{"required":["form"]},"then":{"required":["paid"]}}"#,
                vec![],
            ),
            (r#"{"properties":{"form":{}},"if":{"required":["paid"]},"then":{"required":["form"]}}"#, vec![]),
        ] {
            assert_eq!(demanded(schema), pointers, "{schema}");
        }
    }

    #[test]
    fn recursive_schema_is_searched_to_a_limit() {
        let schema = r##"{"properties":{"next":{"$ref":"#"},"form":{"x-ttl":1},"others":{"$ref":"#"}},
            "dependentRequired":{"paid":["form"]}}"##;
        let found = demanded(schema);
        assert!(found.contains(&"/next/others/form".to_owned()) && found.len() > 30, "{found:?}");
    }
}
