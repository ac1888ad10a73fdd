//! Compares the validator with jsonschema on random schemas and documents: which subschemas it
//! visits, and the verdict of each keyword.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use crate::budget::Budget;
use crate::json::oracle;
use crate::json::tree::Tree;
use crate::limits::Limits;
use crate::schema::compiled::Schema;

const NAMES: [&str; 6] = ["a", "b", "c", "d/e", "", "é"];

fn name() -> impl Strategy<Value = String> {
    select(NAMES.to_vec()).prop_map(str::to_owned)
}

fn names() -> impl Strategy<Value = Value> {
    prop::collection::btree_set(name(), 0..3).prop_map(|names| json!(names))
}

fn literal(texts: &'static [&'static str]) -> impl Strategy<Value = Value> {
    select(texts.to_vec()).prop_map(|text| serde_json::from_str(text).expect("json"))
}

type Fragment = (&'static str, Value);

/// A keyword without subschemas.
fn assertion() -> impl Strategy<Value = Fragment> {
    let count = || (0..4_u8).prop_map(|count| json!(count));
    let types = select(vec!["null", "boolean", "object", "array", "number", "string", "integer"]);
    let numbers = &["0", "1", "1.0", "2.5", "1e400", "-3", "12345678901234567890123.10"];
    prop_oneof![
        prop::collection::btree_set(types, 1..4).prop_map(|types| ("type", json!(types))),
        prop::collection::vec(oracle::any_value(), 1..4).prop_map(|values| ("enum", json!(values))),
        oracle::any_value().prop_map(|value| ("const", value)),
        // A whole divisor makes jsonschema round the number to a double first.
        literal(&["0.5", "0.01", "0.3", "2.50"]).prop_map(|value| ("multipleOf", value)),
        (select(vec!["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]), literal(numbers)),
        (
            select(vec!["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"]),
            count()
        ),
        names().prop_map(|names| ("required", names)),
        (name(), names()).prop_map(|(name, names)| ("dependentRequired", json!({ name: names }))),
        (name(), names()).prop_map(|(name, names)| ("dependencies", json!({ name: names }))),
        any::<bool>().prop_map(|on| ("uniqueItems", json!(on))),
        literal(&[r#""^[a-m]""#, r#""é$""#, r#""z|b""#, r#""^.{0,2}$""#])
            .prop_map(|value| ("pattern", value)),
        select(vec!["#/$defs/one", "#/$defs/t%77o", "#three"]).prop_map(|target| ("$ref", json!(target))),
    ]
}

fn schema_of(fragments: Vec<Vec<Fragment>>) -> Value {
    Value::Object(
        fragments.into_iter().flatten().map(|(keyword, value)| (keyword.to_owned(), value)).collect(),
    )
}

fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => any::<bool>().prop_map(Value::Bool),
        6 => prop::collection::vec(assertion().prop_map(|fragment| vec![fragment]), 0..3).prop_map(schema_of),
    ];
    leaf.prop_recursive(3, 24, 3, |inner| {
        let one = inner.clone();
        let list = || prop::collection::vec(inner.clone(), 1..4).prop_map(Value::Array);
        let map = || prop::collection::btree_map(name(), inner.clone(), 1..3).prop_map(|map| json!(map));
        let applicator = prop_oneof![
            4 => map().prop_map(|map| vec![("properties", map)]),
            1 => map().prop_map(|map| vec![("dependentSchemas", map)]),
            1 => map().prop_map(|map| vec![("dependencies", map)]),
            2 => (select(vec!["^[ab]", "é|c", "^$"]), inner.clone())
                .prop_map(|(pattern, schema)| vec![("patternProperties", json!({ pattern: schema }))]),
            2 => inner.clone().prop_map(|schema| vec![("additionalProperties", schema)]),
            2 => inner.clone().prop_map(|schema| vec![("unevaluatedProperties", schema)]),
            1 => inner.clone().prop_map(|schema| vec![("propertyNames", schema)]),
            2 => inner.clone().prop_map(|schema| vec![("items", schema)]),
            1 => list().prop_map(|list| vec![("prefixItems", list)]),
            2 => inner.clone().prop_map(|schema| vec![("unevaluatedItems", schema)]),
            2 => (inner.clone(), 0..3_u8, prop::option::of(0..3_u8)).prop_map(|(schema, min, max)| {
                let max = max.map(|max| ("maxContains", json!(max)));
                [("contains", schema), ("minContains", json!(min))].into_iter().chain(max).collect()
            }),
            4 => (select(vec!["allOf", "anyOf", "oneOf"]), list()).prop_map(|fragment| vec![fragment]),
            1 => inner.clone().prop_map(|schema| vec![("not", schema)]),
            2 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(condition, then, otherwise)| {
                vec![("if", condition), ("then", then), ("else", otherwise)]
            }),
            3 => assertion().prop_map(|fragment| vec![fragment]),
        ];
        prop_oneof![1 => one, 8 => prop::collection::vec(applicator, 1..4).prop_map(schema_of)]
    })
}

/// A schema with the targets of its references, which have no reference in place of their own.
fn whole_schema() -> impl Strategy<Value = Value> {
    let plain = |schema: &Value| match schema {
        Value::Object(keywords) => {
            let keywords: Map<String, Value> = keywords
                .iter()
                .filter(|(_, value)| !value.to_string().contains("$ref"))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect();
            let keywords = keywords.into_iter().filter(|(keyword, _)| keyword != "$ref");
            Value::Object(keywords.collect())
        }
        other => other.clone(),
    };
    (schema(), schema(), schema()).prop_map(move |(root, one, two)| {
        let mut root = match root {
            Value::Object(keywords) => keywords,
            other => Map::from_iter([("not".to_owned(), json!({ "not": other }))]),
        };
        let below = json!({"$anchor": "three", "additionalProperties": {"$ref": "#/$defs/one"}, "items": {"$ref": "#three"}});
        root.insert("$defs".to_owned(), json!({"one": plain(&one), "two": plain(&two), "three": below}));
        Value::Object(root)
    })
}

fn config() -> ProptestConfig {
    let config = oracle::config();
    ProptestConfig { cases: config.cases / 5, max_global_rejects: config.cases, ..config }
}

fn passes(schema: &Schema, value: &Value, passed: Option<&Value>) -> bool {
    let tree = Tree::of_trusted(value.to_string());
    let passed = passed.map(|passed| Tree::of_trusted(passed.to_string()));
    let budget = Budget::new(&Limits { cost_max: u64::MAX, ..Limits::default() });
    schema.check(tree.root(), passed.as_ref().map(Tree::root), &budget).is_ok()
}

fn compiled(schema: &Value) -> Option<Schema> {
    Schema::compile("vimbiso.oracle", 1, schema.to_string().as_bytes()).ok()
}

proptest::proptest! {
    #![proptest_config(config())]

    #[test]
    fn values_pass_as_in_jsonschema(schema in whole_schema(), values in prop::collection::vec(oracle::any_value(), 4)) {
        // A schema beyond the budget has no verdict.
        let Some(ours) = compiled(&schema) else { return Err(TestCaseError::reject("budget")) };
        let theirs = jsonschema::options().with_draft(jsonschema::Draft::Draft202012).build(&schema).expect("a schema");
        for value in &values {
            prop_assert_eq!(passes(&ours, value, None), theirs.is_valid(value), "{} under {}", value, schema);
        }
    }

    #[test]
    fn what_differs_alone_decides_where_the_rest_has_passed(schema in whole_schema(), pair in oracle::similar_pair()) {
        let Some(schema) = compiled(&schema) else { return Err(TestCaseError::reject("budget")) };
        let (before, after) = &pair;
        if passes(&schema, before, None) {
            prop_assert_eq!(passes(&schema, after, Some(before)), passes(&schema, after, None));
        }
    }
}
