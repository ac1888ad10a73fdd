//! Whether a lapse can make a valid document invalid. Under most schemas none can, and then lapses
//! need no validation, neither when they are due nor when a commit is charged for them.
//!
//! A lapse removes a member, or sets it to its default, and keeps protected and immutable members
//! in it. Where the containers around it have no keyword that looks at more than one member (`if`,
//! `anyOf`, `minProperties` and the like), only the new value can be invalid: a default that its
//! own subschema rejects, or a container that requires more than what is kept.

use std::collections::HashSet;

use super::places::{Marks, Place};
use super::rules::Rules;
use crate::json::node::Node;
use crate::schema::graph::Number;

impl Rules {
    /// Whether a lapse may make a valid document invalid; true if in doubt.
    pub fn may_lapse_into_violations(&self) -> bool {
        self.may_lapse_into_violations
    }

    /// Finds out. `is_valid` validates a value against a subschema.
    pub fn look_at_lapses(&mut self, is_valid: impl Fn(Number, Node) -> bool) {
        self.may_lapse_into_violations = self.places.iter().any(|place| {
            let holds_a_lapsing = self.members(place, |marks| marks.lapses).next().is_some();
            (place.is_strict && holds_a_lapsing)
                || (place.lifetime.is_some()
                    && (has_invalid_default(place, &is_valid) || self.requires_more_than_kept(place)))
        });
    }

    /// Whether a container in which a lapse keeps members may miss what it does not keep.
    fn requires_more_than_kept(&self, place: &Place) -> bool {
        let is_kept = |marks: Marks| marks.protected || marks.immutable;
        let (mut seen, mut open) = (HashSet::new(), vec![place]);
        while let Some(holder) = open.pop() {
            let places = holder.members.iter();
            let places = places.filter_map(|(_, number)| Some((*number, self.places.get(*number)?)));
            let kept: Vec<(usize, &Place)> =
                places.filter(|(_, place)| is_kept(place.marks_within())).collect();
            if !kept.is_empty() && (holder.requires || holder.is_strict) {
                return true;
            }
            let holders = kept.into_iter().filter(|(_, place)| !is_kept(place.marks));
            open.extend(holders.filter(|(number, _)| seen.insert(*number)).map(|(_, place)| place));
        }
        false
    }
}

fn has_invalid_default(place: &Place, is_valid: &impl Fn(Number, Node) -> bool) -> bool {
    let default = place.default.as_ref();
    default.is_some_and(|default| !place.own.iter().all(|number| is_valid(*number, default.root())))
}

#[cfg(test)]
mod tests {
    use crate::schema::compiled::Schema;

    fn may_break(schema: &str) -> bool {
        let schema = Schema::compile("vimbiso.forms", 1, schema.as_bytes()).expect(schema);
        schema.rules().may_lapse_into_violations()
    }

    #[test]
    fn lapses_that_a_schema_must_validate_are_found() {
        for schema in [
            r#"{"properties":{"form":{"x-ttl":1}},"if":{"required":["paid"]},"then":{"required":["form"]}}"#,
            r#"{"properties":{"form":{"x-ttl":1}},"allOf":[{"anyOf":[{"required":["form"]}]}]}"#,
            r#"{"properties":{"a":{"properties":{"form":{"x-ttl":1}},"minProperties":1}}}"#,
            r#"{"properties":{"a":{"properties":{"form":{"x-ttl":1}}}},"enum":[{"a":{"form":1}}]}"#,
            r#"{"properties":{"form":{"x-ttl":1}},"dependentRequired":{"paid":["form"]}}"#,
            r#"{"properties":{"step":{"x-ttl":1,"type":"string","default":7}}}"#,
            r##"{"properties":{"step":{"x-ttl":1,"default":"","$ref":"#/$defs/s"}},"$defs":{"s":{"minLength":1}}}"##,
            r#"{"properties":{"form":{"x-ttl":1,"required":["amount"],"properties":{"id":{"x-protected":true}}}}}"#,
            r#"{"properties":{"form":{"x-ttl":1,"properties":{"a":{"required":["b"],"properties":{"id":{"x-immutable":true}}}}}}}"#,
            r#"{"properties":{"step":{"x-ttl":1,"default":"menu"}},"allOf":[{"additionalProperties":{"type":"null"}}]}"#,
        ] {
            assert!(may_break(schema), "{schema}");
        }
    }

    #[test]
    fn lapses_of_other_schemas_need_no_validation() {
        for schema in [
            r#"{"if":{"required":["paid"]},"then":{"required":["form"]}}"#,
            r#"{"properties":{"form":{"x-ttl":1}},"additionalProperties":false}"#,
            r#"{"properties":{"step":{"x-ttl":1,"type":"string","default":"menu"}},"required":["step"]}"#,
            r#"{"properties":{"form":{"x-ttl":1,"required":["amount"]}}}"#,
            r#"{"properties":{"form":{"x-ttl":1,"properties":{"id":{"x-protected":true,"required":["n"]}}}}}"#,
            r#"{"properties":{"form":{"x-ttl":1},"note":{"anyOf":[{"type":"string"},{"type":"null"}]}}}"#,
        ] {
            assert!(!may_break(schema), "{schema}");
        }
    }

    /// Every message is charged for the lapses of its document, so this is worth a test.
    #[test]
    fn lapses_of_the_channel_and_the_flow_need_no_validation() {
        for name in ["vimbiso.channel", "vimbiso.flow"] {
            let file = format!("{}/../schemas/{name}.json", env!("CARGO_MANIFEST_DIR"));
            assert!(!may_break(&std::fs::read_to_string(file).expect(name)), "{name}");
        }
    }
}
