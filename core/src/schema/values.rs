//! Sets of JSON values, for `enum`, `const` and `uniqueItems`.
//!
//! Every value has one canonical text: members sorted by name, numbers by value. Two values are
//! equal exactly when these texts are, so a look-up costs the length of the value, however large
//! the set. Not a comparison with each member: 500 objects against each of a hundred thousand
//! elements take minutes.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;

use crate::budget::Budget;
use crate::error::Error;
use crate::json::decimal::Decimal;
use crate::json::node::{Kind, Node};
use crate::json::to_text;
use crate::json::tree::Tree;

/// The charges of a byte that is made canonical and looked up.
const BYTE_COST: usize = 4;
/// The charges of a value, of one in a container, and of looking into a container.
const VALUE_COST: usize = 100;
const INNER_COST: usize = 60;
const CONTAINER_COST: usize = 300;

/// A set of values.
#[derive(Debug)]
pub(super) struct ValueSet {
    canonical: HashSet<Box<str>>,
    has_numbers: bool,
    has_containers: bool,
}

impl ValueSet {
    pub(super) fn of<'v>(values: impl Iterator<Item = &'v Value>) -> ValueSet {
        let mut set = ValueSet { canonical: HashSet::new(), has_numbers: false, has_containers: false };
        for value in values {
            set.has_numbers |= value.is_number();
            set.has_containers |= value.is_array() || value.is_object();
            let tree = Tree::of_trusted(to_text(value));
            let text = canonical(tree.root()).into_owned().into_boxed_str();
            set.canonical.insert(text);
        }
        set
    }

    pub(super) fn len(&self) -> usize {
        self.canonical.len()
    }

    /// Whether the set has a value.
    ///
    /// Errors: `TOOCOSTLY`.
    pub(super) fn contains(&self, value: Node, budget: &Budget) -> Result<bool, Error> {
        // A value that resembles none in the set need not be made canonical.
        match value.kind() {
            Kind::Number if !self.has_numbers => return Ok(false),
            Kind::Array | Kind::Object if !self.has_containers => return Ok(false),
            _ => {}
        }
        charge(value, budget)?;
        Ok(self.canonical.contains(&*canonical(value)))
    }
}

/// Whether all elements of an array differ.
///
/// Errors: `TOOCOSTLY`.
pub(super) fn are_unique(array: Node, budget: &Budget) -> Result<bool, Error> {
    let elements = array.children();
    let mut seen: HashSet<Cow<str>> = HashSet::with_capacity(elements.len());
    for element in elements {
        charge(element, budget)?;
        if !seen.insert(canonical(element)) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn charge(value: Node, budget: &Budget) -> Result<(), Error> {
    let text = value.text();
    budget.charge(text.len().saturating_mul(BYTE_COST).saturating_add(VALUE_COST))?;
    if !matches!(value.kind(), Kind::Array | Kind::Object) {
        return Ok(());
    }
    charge_inner(text, budget)
}

/// Charges the containers in a text and the values in these. Bytes in strings count too: that is
/// cheaper than telling them apart.
pub(super) fn charge_inner(text: &str, budget: &Budget) -> Result<(), Error> {
    let count = |wanted: fn(u8) -> bool| text.bytes().filter(|byte| wanted(*byte)).count();
    let containers = count(|byte| matches!(byte, b'[' | b'{'));
    let values = count(|byte| byte == b',');
    budget.charge(containers.saturating_mul(CONTAINER_COST).saturating_add(values.saturating_mul(INNER_COST)))
}

/// The canonical text of a value.
fn canonical<'v>(value: Node<'v>) -> Cow<'v, str> {
    match value.kind() {
        // Canonical JSON has one text for these.
        Kind::Null | Kind::Bool | Kind::String => Cow::Borrowed(value.text()),
        Kind::Number if Decimal::is_canonical(value.text()) => Cow::Borrowed(value.text()),
        _ => {
            let mut text = String::new();
            push_canonical(value, &mut text);
            Cow::Owned(text)
        }
    }
}

fn push_canonical(value: Node, out: &mut String) {
    match value.kind() {
        Kind::Null | Kind::Bool | Kind::String => out.push_str(value.text()),
        Kind::Number => Decimal::of(value.text()).push_canonical(out),
        Kind::Array => {
            out.push('[');
            for element in value.children() {
                push_canonical(element, out);
                out.push(',');
            }
            out.push(']');
        }
        Kind::Object => {
            let mut members: Vec<Node> = value.children().collect();
            members.sort_unstable_by_key(|member| member.raw_name());
            out.push('{');
            for member in members {
                out.push('"');
                out.push_str(member.raw_name());
                out.push_str("\":");
                push_canonical(member, out);
                out.push(',');
            }
            out.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::equal::equal;
    use crate::json::oracle;
    use crate::limits::Limits;

    fn contains(values: &str, value: &str) -> bool {
        let values: Vec<Value> = match serde_json::from_str(values).expect(values) {
            Value::Array(values) => values,
            other => panic!("{other}"),
        };
        let tree = Tree::of_trusted(value);
        let budget = Budget::new(&Limits::default());
        ValueSet::of(values.iter()).contains(tree.root(), &budget).expect("cheap")
    }

    #[test]
    fn values_are_found_however_they_are_written() {
        let values = r#"[null,"menu",1.50,{"a":[1,2],"b":true}]"#;
        for value in ["null", "\"menu\"", "1.5", "15e-1", r#"{"b":true,"a":[1.0,2]}"#] {
            assert!(contains(values, value), "{value}");
        }
        for value in ["false", "\"Menu\"", "1.51", r#"{"b":true,"a":[2,1]}"#, "[]", "\"1.5\""] {
            assert!(!contains(values, value), "{value}");
        }
    }

    proptest::proptest! {
        #![proptest_config(oracle::config())]

        #[test]
        fn canonical_texts_are_equal_when_values_are(pair in oracle::similar_pair()) {
            let (left, right) = (Tree::of_trusted(pair.0.to_string()), Tree::of_trusted(pair.1.to_string()));
            let same_text = canonical(left.root()) == canonical(right.root());
            proptest::prop_assert_eq!(same_text, equal(left.root(), right.root()));
        }
    }
}
