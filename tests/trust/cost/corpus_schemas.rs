//! Schemas that multiply the work at each link, or that need much work for each byte.

use serde_json::{Value, json};

use super::corpus::{CHECKED, INVALID, Seed, checked, many, members, of_elements};

/// Links of a multiplying chain.
const LINKS: usize = 24;

pub fn seeds() -> Vec<Seed> {
    [links(), patterns(), wide()].into_iter().flatten().collect()
}

fn links() -> Vec<Seed> {
    let mut seeds = vec![
        checked("dependencies that double", CHECKED, || (chain(LINKS, dependencies), json!({"a": 1}))),
        checked("dependentSchemas that double", CHECKED, || (chain(9, dependent_schemas), json!({"a": 1}))),
        checked("percent-encoded references past a decoy", CHECKED, || {
            (chain(LINKS, percent_encoded), json!({"a": 1}))
        }),
    ];
    for keyword in ["anyOf", "oneOf", "allOf", "if"] {
        // A chain that is rejected for another reason is tried shorter too.
        for links in [15, LINKS] {
            seeds.push(checked(
                format!("unevaluatedProperties through {links} {keyword}"),
                CHECKED,
                move || (unevaluated(links, keyword, "unevaluatedProperties"), json!({"a": 1})),
            ));
            seeds.push(checked(format!("unevaluatedItems through {links} {keyword}"), CHECKED, move || {
                let mut schema = unevaluated(links, keyword, "unevaluatedItems");
                let first = schema["$ref"].take();
                schema["properties"] = json!({"v": {"$ref": first}});
                schema["$ref"] = json!("#/$defs/end");
                schema["$defs"]["end"] = json!({});
                (schema, json!({"v": [1]}))
            }));
        }
    }
    seeds
}

fn patterns() -> Vec<Seed> {
    vec![
        checked("1,400 patterns below dependencies", CHECKED, || {
            (json!({"dependencies": {"a": {"patternProperties": named(1_400)}}}), members(100, |n| json!(n)))
        }),
        checked("a pattern with many states", CHECKED, || {
            (text_pattern("[ab]*a[ab]{300}c"), json!({"v": of_a_and_b(1_000_000)}))
        }),
        checked("a hundred patterns with many states", CHECKED, || {
            let patterns = (0..100).map(|n| text_pattern(&format!("[ab]*a[ab]{{300}}c{n}")));
            (json!({"allOf": patterns.collect::<Vec<_>>()}), json!({"v": of_a_and_b(10_000)}))
        }),
        checked("a Unicode pattern on 1 MB", CHECKED, || {
            (text_pattern(r"^(\p{L}|\p{N}|-)*$"), json!({"v": "Harare-ä".repeat(100_000)}))
        }),
        checked("patternProperties on many names", CHECKED, || {
            (json!({"patternProperties": named(100)}), members(60_000, |n| json!(n)))
        }),
    ]
}

fn wide() -> Vec<Seed> {
    vec![
        checked("900 types for each element", CHECKED, || {
            let types = many(900, &json!({"type": "integer"}));
            (of_elements(json!({"allOf": types})), json!({"v": many(500_000, &json!(1))}))
        }),
        checked("contains on 1 MB", INVALID, || {
            let contains = json!({"contains": {"const": 7}, "minContains": 1, "maxContains": 3});
            (json!({"properties": {"v": contains}}), json!({"v": many(500_000, &json!(1))}))
        }),
    ]
}

/// A text without repetitions, so that caching in an engine does not help.
fn of_a_and_b(length: usize) -> String {
    let mut dice = fastrand::Rng::with_seed(7);
    (0..length).map(|_| if dice.bool() { 'a' } else { 'b' }).collect()
}

fn text_pattern(pattern: &str) -> Value {
    json!({"properties": {"v": {"pattern": pattern}}})
}

fn named(count: usize) -> Value {
    Value::Object((0..count).map(|n| (format!("^m[0-9]*{n}$"), json!({"type": "integer"}))).collect())
}

/// A subschema, and another one beside it with its name.
type Link = (Value, Option<(String, Value)>);

/// `$defs` of links, the last of which allows everything.
fn chain(links: usize, link: impl Fn(usize) -> Link) -> Value {
    let mut defs = serde_json::Map::new();
    for n in 0..links {
        let (schema, beside) = link(n + 1);
        defs.insert(format!("d{n}"), schema);
        defs.extend(beside);
    }
    defs.insert(format!("d{links}"), json!({}));
    json!({"$ref": "#/$defs/d0", "$defs": defs})
}

fn twice(reference: String) -> Value {
    many(2, &json!({"$ref": reference}))
}

fn dependencies(next: usize) -> Link {
    (json!({"dependencies": {"a": {"allOf": twice(format!("#/$defs/d{next}"))}}}), None)
}

fn dependent_schemas(next: usize) -> Link {
    (json!({"dependentSchemas": {"a": {"allOf": twice(format!("#/$defs/d{next}"))}}}), None)
}

/// Without decoding, the reference leads to the decoy.
fn percent_encoded(next: usize) -> Link {
    let decoy = (format!("%64{next}"), json!({}));
    (json!({"allOf": twice(format!("#/$defs/%64{next}"))}), Some(decoy))
}

/// A keyword that depends on what its neighbour has evaluated, which leads to such a pair itself.
fn unevaluated(links: usize, keyword: &str, looks: &str) -> Value {
    chain(links, |next| {
        let reference = json!({"$ref": format!("#/$defs/d{next}")});
        let inner = if keyword == "if" { reference } else { json!([reference]) };
        (json!({keyword: inner, looks: {"type": "integer"}}), None)
    })
}
