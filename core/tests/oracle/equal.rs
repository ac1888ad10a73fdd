//! Equality of JSON values: member order does not count, numbers compare by value (1.0 = 1 =
//! 10e-1).
//!
//! `Value`'s own equality compares number literals as text, which is wrong here. Not by f64: 0.1
//! and 0.1000000000000000055511151231257827 are two amounts.

use serde_json::Value;

/// Whether two values are the same JSON value (RFC 6902, section 4.6).
pub fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left.as_str() == right.as_str() || Decimal::of(left.as_str()) == Decimal::of(right.as_str())
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, value)| right.get(name).is_some_and(|other| equal(value, other)))
        }
        (left, right) => left == right,
    }
}

/// A number literal as sign, digits without zeros at either end, and a power of ten.
#[derive(PartialEq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i128,
}

impl Decimal {
    fn of(literal: &str) -> Decimal {
        let (negative, literal) = match literal.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, literal),
        };
        let (mantissa, exponent) = literal.split_once(['e', 'E']).unwrap_or((literal, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let significant = digits.trim_start_matches('0').trim_end_matches('0');
        if significant.is_empty() {
            return Decimal { negative: false, digits: String::new(), exponent: 0 };
        }
        let trailing = digits.len().saturating_sub(digits.trim_end_matches('0').len());
        // An exponent beyond i128 saturates: two such literals with the same digits count as equal.
        let saturated = if exponent.starts_with('-') { i128::MIN } else { i128::MAX };
        let exponent = exponent
            .parse::<i128>()
            .unwrap_or(saturated)
            .saturating_sub(fraction.len() as i128)
            .saturating_add(trailing as i128);
        Decimal { negative, digits: significant.to_owned(), exponent }
    }
}
