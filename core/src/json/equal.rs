//! Equality of JSON values: member order does not count, numbers compare by value (1.0 = 1 =
//! 10e-1).
//!
//! Equal texts are common and are found at once. Two strings are equal only then, since canonical
//! text has one form of each.

use super::decimal::Decimal;
use super::lookup::Lookup;
use super::node::{Kind, Node};

/// Whether two values are the same JSON value (RFC 6902, section 4.6).
pub(crate) fn equal(left: Node, right: Node) -> bool {
    equal_but_for(left, right, |left, right| Decimal::of(left) == Decimal::of(right))
}

/// Whether two values have the same literals; only the order of members may differ.
pub(crate) fn same_literals(left: Node, right: Node) -> bool {
    equal_but_for(left, right, |_, _| false)
}

/// `numbers` compares two different literals.
fn equal_but_for(left: Node, right: Node, numbers: fn(&str, &str) -> bool) -> bool {
    // Equal texts are equal values; some others are too.
    if left.text() == right.text() {
        return true;
    }
    match (left.kind(), right.kind()) {
        (Kind::Number, Kind::Number) => numbers(left.text(), right.text()),
        (Kind::Array, Kind::Array) => {
            let (mut lefts, mut rights) = (left.children(), right.children());
            loop {
                match (lefts.next(), rights.next()) {
                    (None, None) => return true,
                    (Some(left), Some(right)) if equal_but_for(left, right, numbers) => {}
                    _ => return false,
                }
            }
        }
        (Kind::Object, Kind::Object) => {
            let mut others = Lookup::new(right);
            let mut count = 0_usize;
            left.children().all(|member| {
                count = count.saturating_add(1);
                others.get_raw(member.raw_name()).is_some_and(|other| equal_but_for(member, other, numbers))
            }) && right.children().nth(count).is_none()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::oracle;
    use crate::json::parse::parse;

    fn same(left: &str, right: &str) -> bool {
        let tree = |text: &str| parse(text.as_bytes(), 64).expect(text);
        equal(tree(left).root(), tree(right).root())
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
    fn members_compare_without_order_and_elements_with() {
        assert!(same(r#"{"amount":1.0,"handle":"zoe"}"#, r#"{"handle":"zoe","amount":1}"#));
        assert!(!same("[1,2]", "[2,1]"));
        assert!(!same(r#"{"amount":1}"#, r#"{"amount":1,"note":null}"#));
    }

    proptest::proptest! {
        #![proptest_config(oracle::config())]

        #[test]
        fn agrees_with_the_oracle(pair in oracle::similar_pair()) {
            let (left, right) = pair;
            let (left_text, right_text) = (left.to_string(), right.to_string());
            proptest::prop_assert_eq!(same(&left_text, &right_text), oracle::equal::equal(&left, &right));
        }
    }
}
