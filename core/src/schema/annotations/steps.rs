//! The steps of a document: the value of every member with `x-transitions`, for the entry of a
//! session's end.
//!
//! Only steps that the schema lists are named, as in rejections. A schema with transitions on a
//! secret is rejected.

use serde_json::{Map, Value};

use super::places::Place;
use super::rules::{Rules, pointer, within};
use crate::json::node::Node;

/// All pointers and steps together are at most this long, in bytes; the rest is left out.
const STEPS_BYTES_MAX: usize = 4096;

impl Rules {
    /// The steps of a document by the pointers of their members; members without a step are left
    /// out.
    pub fn steps(&self, document: Node) -> Map<String, Value> {
        let mut steps = Steps { found: Map::new(), bytes_left: STEPS_BYTES_MAX };
        if let Some(root) = self.root() {
            self.steps_at(root, &mut pointer(), document, &mut steps);
        }
        steps.found
    }

    fn steps_at(&self, place: &Place, pointer: &mut String, value: Node, steps: &mut Steps) {
        if let Some(step) = place.transitions.iter().find_map(|transitions| transitions.step_listed(value)) {
            steps.add(if pointer.is_empty() { "/" } else { pointer }, step);
        }
        for (name, below) in self.members(place, |marks| marks.steps) {
            if let Some(member) = value.member(name) {
                within(pointer, name, |pointer| self.steps_at(below, pointer, member, steps));
            }
        }
    }
}

struct Steps {
    found: Map<String, Value>,
    bytes_left: usize,
}

impl Steps {
    fn add(&mut self, pointer: &str, step: String) {
        if let Some(left) = self.bytes_left.checked_sub(pointer.len().saturating_add(step.len())) {
            self.bytes_left = left;
            self.found.insert(pointer.to_owned(), Value::from(step));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::json::parse::parse;
    use crate::json::to_text;
    use crate::schema::compiled::Schema;

    /// Two members with steps at several depths, one of them below itself.
    const SCHEMA: &str = r##"{
        "properties": {
            "current": {
                "type": "object",
                "x-transitions": {"by": ["path", "component"], "initial": ["login/Greeting"], "allow": {}},
                "properties": {"inner": {"$ref": "#/properties/current"}}
            },
            "stage": {"type": ["string", "null"], "x-transitions": {"initial": ["menu"], "allow": {"menu": ["form"]}}}
        }
    }"##;

    fn steps(document: &str) -> String {
        let schema = Schema::compile("vimbiso.steps", 1, SCHEMA.as_bytes()).expect("a schema");
        let value = parse(document.as_bytes(), 128).expect(document);
        to_text(&schema.rules().steps(value.root()).into())
    }

    #[test]
    fn each_member_tells_its_step() {
        for (document, expected) in [
            (r#"{"current":{"path":"login","component":"Greeting"}}"#, r#"{"/current":"login/Greeting"}"#),
            (r#"{"current":{"path":"login","component":"of a person"}}"#, r#"{"/current":"(unlisted)"}"#),
            (r#"{"current":{},"stage":null}"#, "{}"),
            (
                r#"{"current":{"inner":{"path":"login","component":"Greeting"}},"stage":"form"}"#,
                r#"{"/current/inner":"login/Greeting","/stage":"form"}"#,
            ),
            (r#"{"stage":7}"#, r#"{"/stage":"(unlisted)"}"#),
            ("{}", "{}"),
        ] {
            assert_eq!(steps(document), expected, "{document}");
        }
    }

    #[test]
    fn what_is_told_has_a_limit() {
        let schema = format!(
            r#"{{"properties":{{"a":{{"x-transitions":{{"initial":["{0}"],"allow":{{}}}}}},
            "b":{{"x-transitions":{{"initial":["x","{1}"],"allow":{{}}}}}}}}}}"#,
            "m".repeat(4000),
            "m".repeat(100)
        );
        let schema = Schema::compile("vimbiso.long", 1, schema.as_bytes()).expect("a schema");
        let shown = |stage: &str, of_b: &str| {
            let document = format!(r#"{{"a":"{stage}","b":"{of_b}"}}"#);
            let value = parse(document.as_bytes(), 128).expect("a document");
            schema.rules().steps(value.root()).keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(shown(&"m".repeat(4000), "x"), ["/a", "/b"]);
        assert_eq!(shown(&"m".repeat(4000), &"m".repeat(100)), ["/a"]);
    }
}
