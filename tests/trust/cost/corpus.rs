//! Where climbs begin: inputs that were once too expensive, and each command there is. Each has the name by which a find is told,
//! and the answers that its last command may get. It is made when it is played: all of them at once are a gigabyte.

use serde_json::{Value, json};

use super::script::Script;
use super::{corpus_commands, corpus_memory, corpus_numbers, corpus_schemas, corpus_wide};

pub struct Seed {
    pub name: String,
    /// First words of errors; `OK` stands for each reply that is none.
    pub right: &'static [&'static str],
    make: Box<dyn Fn() -> Script>,
}

impl Seed {
    pub fn script(&self) -> Script {
        (self.make)()
    }
}

/// It is answered, unless that is too much work.
pub const ANSWERED: &[&str] = &["OK", "TOOCOSTLY"];
/// What is wrong with it is said, unless finding it is too much work.
pub const INVALID: &[&str] = &["INVALID", "TOOCOSTLY"];
/// The schema is refused, or the budget ends the work, or it is no work.
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

/// A document is validated with a schema.
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

/// JSON as it is written: numbers too.
pub fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON of the corpus")
}

/// An array of `count` times the same.
pub fn many(count: usize, item: &Value) -> Value {
    Value::Array(vec![item.clone(); count])
}

/// `{"v":[…]}` of numbers as they are written.
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
