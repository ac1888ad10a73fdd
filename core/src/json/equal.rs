//! Equality of JSON values: member order does not count, numbers compare by value (1.0 = 1 = 10e-1).
//!
//! `Value`'s own equality compares number literals as text, which is what keeps literals exact and wrong here.
//! Converting to f64 was rejected: 0.1 and 0.1000000000000000055511151231257827 are two amounts.

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

/// Whether two values have the same text: the same literals, and members in the same order.
pub fn identical(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| identical(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            let pairs = left.iter().zip(right);
            left.len() == right.len()
                && pairs.into_iter().all(|(left, right)| left.0 == right.0 && identical(left.1, right.1))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse::parse;

    fn same(left: &str, right: &str) -> bool {
        let value = |text: &str| parse(text.as_bytes(), 64).expect(text);
        equal(&value(left), &value(right))
    }

    #[test]
    fn numbers_compare_by_value() {
        for (left, right) in
            [("1", "1.0"), ("100", "1e2"), ("0", "-0.00e9"), ("0.10", "1E-1"), ("-2.50", "-25e-1")]
        {
            assert!(same(left, right), "{left} = {right}");
        }
        for (left, right) in [("1", "-1"), ("1", "10"), ("0.1", "0.10000000000000001"), ("1e400", "1e401")] {
            assert!(!same(left, right), "{left} is not {right}");
        }
    }

    #[test]
    fn identical_values_have_the_same_text() {
        let value = |text: &str| parse(text.as_bytes(), 64).expect(text);
        let same = |left: &str, right: &str| identical(&value(left), &value(right));
        let offer = r#"{"amount":1.10,"to":["zoe",null]}"#;
        assert!(same(offer, offer));
        for other in [
            r#"{"amount":1.1,"to":["zoe",null]}"#,
            r#"{"to":["zoe",null],"amount":1.10}"#,
            r#"{"amount":1.10}"#,
        ] {
            assert!(!same(offer, other), "{other}");
        }
    }

    #[test]
    fn members_compare_without_order_and_elements_with() {
        assert!(same(r#"{"amount":1.0,"handle":"zoe"}"#, r#"{"handle":"zoe","amount":1}"#));
        assert!(!same("[1,2]", "[2,1]"));
        assert!(!same(r#"{"amount":1}"#, r#"{"amount":1,"note":null}"#));
    }
}
