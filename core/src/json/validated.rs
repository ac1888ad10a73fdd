//! Canonical text as the validator sees JSON, so that it needs no tree of values.

use std::borrow::Cow;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, JsonNumber, NodeIdentity, Object, cmp};
use serde_json::{Number, Value};

use super::node::{Children, Kind, Node};
use super::strings::raw;
use super::tree::Tree;

/// JSON as canonical text.
#[derive(Debug)]
pub(crate) struct Text;

impl Json for Text {
    type Node<'a> = Node<'a>;
    /// As it is written.
    type PreparedKey = Box<str>;
    type StringBuffer = Tree<'static>;

    /// A look-up goes through the members, so one pass over few members replaces it.
    const KEYS_PER_LOOKUP: usize = 4;

    fn prepare_key(key: &str) -> Box<str> {
        raw(key).into()
    }

    fn with_string_node<T>(buffer: &mut Tree<'static>, string: &str, f: impl FnOnce(Node<'_>) -> T) -> T {
        buffer.set_string(string);
        f(buffer.root())
    }
}

impl<'a> jsonschema::json::Node<'a, Text> for Node<'a> {
    type Object = Members<'a>;
    type Array = Elements<'a>;
    type Number = Literal<'a>;

    fn as_object(&self) -> Option<Members<'a>> {
        self.is_object().then_some(Members(*self))
    }

    fn as_array(&self) -> Option<Elements<'a>> {
        (self.kind() == Kind::Array).then_some(Elements(*self))
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        self.as_str()
    }

    fn as_number(&self) -> Option<Literal<'a>> {
        (self.kind() == Kind::Number).then_some(Literal(self.text()))
    }

    fn as_boolean(&self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.text() == "true")
    }

    fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    fn is_number(&self) -> bool {
        self.kind() == Kind::Number
    }

    fn json_type(&self) -> JsonType {
        match self.kind() {
            Kind::Null => JsonType::Null,
            Kind::Bool => JsonType::Boolean,
            Kind::Number => JsonType::Number,
            Kind::String => JsonType::String,
            Kind::Array => JsonType::Array,
            Kind::Object => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &Value) -> bool {
        match (self.kind(), expected) {
            (Kind::String, Value::String(expected)) => self.as_str().is_some_and(|text| text == *expected),
            (Kind::Null, Value::Null) => true,
            (Kind::Bool, Value::Bool(expected)) => (self.text() == "true") == *expected,
            (Kind::Number, Value::Number(_))
            | (Kind::Array, Value::Array(_))
            | (Kind::Object, Value::Object(_)) => cmp::equal(&Node::to_value(*self), expected),
            _ => false,
        }
    }

    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(Node::to_value(*self))
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::new(self.address()))
    }
}

/// The members of an object.
pub(crate) struct Members<'a>(Node<'a>);

impl<'a> Object<'a, Text> for Members<'a> {
    type Node = Node<'a>;
    type MemberName = Cow<'a, str>;
    type MembersIter = Named<'a>;

    fn len(&self) -> usize {
        self.0.children().len()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn get(&self, key: &Box<str>) -> Option<Node<'a>> {
        self.0.get_raw(key)
    }

    fn members(&self) -> Named<'a> {
        Named(self.0.children())
    }
}

/// Members with their names.
pub(crate) struct Named<'a>(Children<'a>);

impl<'a> Iterator for Named<'a> {
    type Item = (Cow<'a, str>, Node<'a>);

    fn next(&mut self) -> Option<(Cow<'a, str>, Node<'a>)> {
        self.0.next().map(|member| (member.name(), member))
    }
}

/// The elements of an array.
pub(crate) struct Elements<'a>(Node<'a>);

impl<'a> Array<'a, Text> for Elements<'a> {
    type Node = Node<'a>;
    type ElementsIter = Children<'a>;

    fn len(&self) -> usize {
        self.0.children().len()
    }

    fn elements(&self) -> Children<'a> {
        self.0.children()
    }
}

/// A number as it is written.
pub(crate) struct Literal<'a>(&'a str);

impl JsonNumber for Literal<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok().filter(|number: &f64| number.is_finite())
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn to_number(&self) -> Cow<'_, Number> {
        Cow::Owned(Number::from_string_unchecked(self.0.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::oracle;

    /// What a schema can look at, each kind of it in one of these.
    const SCHEMAS: [&str; 8] = [
        r#"{"type":["object","string"],"required":["a","b","c","d/e"],"additionalProperties":{"type":["integer","array","object","boolean"]}}"#,
        r#"{"properties":{"a":{"const":1},"\"":{"enum":[null,"zoe",2.5,[],{}]},"":{"minLength":2,"maxLength":3}},"additionalProperties":false}"#,
        r#"{"propertyNames":{"pattern":"^[a-m]","maxLength":2},"minProperties":1,"maxProperties":3}"#,
        r##"{"$ref":"#/$defs/node","$defs":{"node":{"additionalProperties":{"$ref":"#/$defs/node"},"items":{"$ref":"#/$defs/node"},"not":{"const":"***"},"uniqueItems":true}}}"##,
        r#"{"additionalProperties":{"minimum":1,"exclusiveMaximum":12345678901234567890123.10,"multipleOf":0.5,"maxItems":2,"minItems":1}}"#,
        r#"{"unevaluatedProperties":false,"allOf":[{"properties":{"a":true}},{"if":{"required":["b"]},"then":{"properties":{"b":{"type":"object"}}},"else":{"required":["c"]}}]}"#,
        r#"{"patternProperties":{"^a|é$":{"contains":{"type":"null"},"items":{"pattern":"\n"}}},"dependentRequired":{"a":["b"]}}"#,
        r#"{"anyOf":[{"properties":{"a":{"type":"array","prefixItems":[{"type":"string"}],"unevaluatedItems":false}}},{"oneOf":[{"required":["a"]},{"required":["b"]}]}]}"#,
    ];

    fn violations<'v>(
        errors: impl Iterator<Item = jsonschema::ValidationError<'v>>,
    ) -> Vec<(String, String)> {
        errors.map(|error| (error.instance_path().to_string(), error.masked().to_string())).collect()
    }

    proptest::proptest! {
        #![proptest_config(oracle::config())]

        #[test]
        fn the_same_violations_are_found_as_in_a_tree(value in oracle::any_value(), which in 0..SCHEMAS.len()) {
            thread_local! {
                static VALIDATORS: Vec<(jsonschema::Validator, jsonschema::Validator<Text>)> = SCHEMAS
                    .iter()
                    .map(|schema| {
                        let schema: Value = serde_json::from_str(schema).expect("a schema");
                        let of_tree = jsonschema::options().build(&schema).expect("a schema");
                        (of_tree, jsonschema::options_for::<Text>().build(&schema).expect("a schema"))
                    })
                    .collect();
            }
            let tree = Tree::of_trusted(value.to_string());
            VALIDATORS.with(|validators| {
                let (of_tree, of_text) = &validators[which];
                proptest::prop_assert_eq!(of_text.is_valid(tree.root()), of_tree.is_valid(&value));
                let ours = violations(of_text.iter_errors(tree.root()));
                proptest::prop_assert_eq!(ours, violations(of_tree.iter_errors(&value)));
                Ok(())
            })?;
        }
    }

    #[test]
    fn the_validator_finds_what_it_relies_on() {
        let document = Tree::of_trusted(jsonschema::json::conformance::document().to_string());
        jsonschema::json::conformance::assert_conformance::<Text>(&document.root());
    }
}
