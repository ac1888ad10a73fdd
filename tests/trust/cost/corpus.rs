//! The seeds of climbs: inputs that were once too expensive, and every command. Each has a name,
//! and the allowed replies of its last command. It is built when it is played, since all seeds
//! together take a gigabyte.

use serde_json::{Value, json};

use super::script::Script;
use super::{corpus_commands, corpus_memory, corpus_numbers, corpus_schemas, corpus_wide};

pub struct Seed {
    pub name: String,
    /// First words of errors; `OK` stands for any other reply.
    pub right: &'static [&'static str],
    make: Box<dyn Fn() -> Script>,
}

impl Seed {
    pub fn script(&self) -> Script {
        (self.make)()
    }
}

/// A reply, unless it is too much work.
pub const ANSWERED: &[&str] = &["OK", "TOOCOSTLY"];
/// A violation is reported, unless finding it is too much work.
pub const INVALID: &[&str] = &["INVALID", "TOOCOSTLY"];
/// The schema is rejected, or the budget ends the work, or there is little work.
pub const CHECKED: &[&str] = &["NOSCHEMA", "TOOCOSTLY", "OK", "INVALID"];

pub fn corpus() -> Vec<Seed> {
    let parts = [
        corpus_memory::seeds(),
        corpus_numbers::seeds(),
        corpus_schemas::seeds(),
        corpus_commands::seeds(),
        corpus_wide::seeds(),
    ];
    parts.into_iter().flatten().collect()
}

pub fn seed(
    name: impl Into<String>,
    right: &'static [&'static str],
    make: impl Fn() -> Script + 'static,
) -> Seed {
    Seed { name: name.into(), right, make: Box::new(make) }
}

/// A document is validated against a schema.
pub fn checked(
    name: impl Into<String>,
    right: &'static [&'static str],
    make: impl Fn() -> (Value, Value) + 'static,
) -> Seed {
    seed(name, right, move || {
        let (schema, document) = make();
        Script::new().schema(schema).validate(document)
    })
}

/// JSON with its number literals.
pub fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON of the corpus")
}

/// An array of `count` equal items.
pub fn many(count: usize, item: &Value) -> Value {
    Value::Array(vec![item.clone(); count])
}

/// `{"v":[…]}` with number literals as written.
pub fn numbers(count: usize, literal: impl Fn(usize) -> String) -> Value {
    let literals: Vec<String> = (0..count).map(literal).collect();
    parsed(&format!(r#"{{"v":[{}]}}"#, literals.join(",")))
}

/// A schema for the elements of `v`.
pub fn of_elements(schema: Value) -> Value {
    json!({"properties": {"v": {"items": schema}}})
}

/// `{"m0":…,"m1":…}`
pub fn members(count: usize, value: impl Fn(usize) -> Value) -> Value {
    Value::Object((0..count).map(|n| (format!("m{n}"), value(n))).collect())
}
