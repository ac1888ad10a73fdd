//! Numbers that many validators expand to large integers, or compare as doubles first.

use serde_json::{Value, json};

use super::corpus::{ANSWERED, INVALID, Seed, checked, many, numbers, of_elements, parsed, seed};
use super::script::{KEY, Script};

pub fn seeds() -> Vec<Seed> {
    [uniques(), near_zero(), lists()].into_iter().flatten().collect()
}

fn unique() -> Value {
    json!({"properties": {"v": {"uniqueItems": true}}})
}

/// All of them are infinite as doubles.
fn huge(count: usize) -> Value {
    numbers(count, |n| format!("1e{}", 400 + n))
}

/// All of them are the same double.
fn alike(count: usize) -> Value {
    numbers(count, |n| format!("0.1234567890123456789{n:05}"))
}

fn uniques() -> Vec<Seed> {
    let offers =
        || (0..20_000).map(|n| json!({"offer": {"amount": n, "handle": "tariro"}})).collect::<Vec<_>>();
    vec![
        checked("1,000 unique numbers above all doubles", ANSWERED, || (unique(), huge(1_000))),
        checked("2,000 unique numbers above all doubles", ANSWERED, || (unique(), huge(2_000))),
        checked("600 unique numbers that share a double", ANSWERED, || (unique(), alike(600))),
        checked("4,000 unique numbers that share a double", ANSWERED, || (unique(), alike(4_000))),
        checked("unique small integers", ANSWERED, || (unique(), numbers(150_000, |n| n.to_string()))),
        checked("unique objects", ANSWERED, move || (unique(), json!({"v": offers()}))),
        checked("unique numbers behind maxItems", INVALID, || {
            (json!({"properties": {"v": {"maxItems": 5, "uniqueItems": true}}}), huge(2_000))
        }),
        seed("stored numbers that share a double", ANSWERED, || {
            let script =
                Script::new().schema(unique()).update("0", alike(600), "REPLACE SCHEMA vimbiso.cost");
            script.then(&format!("STATE.META {KEY}"))
        }),
    ]
}

fn near_zero() -> Vec<Seed> {
    let tiny = || numbers(100, |n| format!("{}e-9000", n % 9 + 1));
    vec![
        checked("integers near zero", INVALID, move || (of_elements(json!({"type": "integer"})), tiny())),
        checked("numbers near zero and minimum", INVALID, move || {
            (of_elements(json!({"minimum": 0.5})), tiny())
        }),
        checked("numbers near zero and enum", INVALID, move || {
            (of_elements(json!({"enum": [0.1, 0.25, 7]})), tiny())
        }),
        checked("numbers near zero and multipleOf", INVALID, move || {
            (of_elements(json!({"multipleOf": 0.01})), tiny())
        }),
        checked("numbers near zero and const", INVALID, move || (of_elements(json!({"const": 0.1})), tiny())),
        checked("a price near zero", INVALID, || {
            let price = json!({"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.01});
            (json!({"properties": {"price": price}}), parsed(r#"{"price":7e-9000}"#))
        }),
    ]
}

fn lists() -> Vec<Seed> {
    vec![
        checked("multipleOf on 140,000 large numbers", ANSWERED, || {
            (of_elements(json!({"multipleOf": 0.01})), numbers(140_000, |_| "1e400".to_owned()))
        }),
        checked("a number of a million digits", ANSWERED, || {
            let schema = json!({"type": "integer", "multipleOf": 7, "minimum": 3});
            (of_elements(schema), numbers(1, |_| "7".repeat(1_000_000)))
        }),
        checked("enum of 100 decimals", INVALID, || {
            let listed: Vec<f64> = (0..100_u8).map(|n| f64::from(n) + 0.25).collect();
            (of_elements(json!({"enum": listed})), numbers(2_000, |n| format!("{n}.75")))
        }),
        checked("enum of 500 objects", INVALID, || {
            let listed: Vec<Value> = (0..500).map(|n| json!({"offer": n})).collect();
            (of_elements(json!({"enum": listed})), json!({"v": many(70_000, &json!({"offer": -1}))}))
        }),
    ]
}
