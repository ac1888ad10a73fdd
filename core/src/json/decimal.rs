//! Number literals compared by value, in time linear in their length.
//!
//! A literal is a sign, significant digits and a power of ten; nothing is expanded, so `1e400` and
//! `7e-9000` cost no more than their few bytes. Not f64: 0.1 and
//! 0.1000000000000000055511151231257827 are two amounts. Not big integers: a literal of eight bytes
//! can stand for a million digits.

use std::cmp::Ordering;
use std::fmt::Write;

/// A number by value: `digits` has no zero at either end; empty digits are zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    digits: Box<str>,
    /// The power of ten of the last digit.
    exponent: i128,
}

impl Decimal {
    /// Reads a literal whose grammar has been checked.
    pub(crate) fn of(literal: &str) -> Decimal {
        let (negative, literal) = match literal.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, literal),
        };
        let (mantissa, exponent) = literal.split_once(['e', 'E']).unwrap_or((literal, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let significant = digits.trim_start_matches('0').trim_end_matches('0');
        if significant.is_empty() {
            return Decimal { negative: false, digits: "".into(), exponent: 0 };
        }
        let trailing = digits.len().saturating_sub(digits.trim_end_matches('0').len());
        // An exponent beyond i128 saturates: two such literals with the same digits count as equal.
        let saturated = if exponent.starts_with('-') { i128::MIN } else { i128::MAX };
        let exponent = exponent
            .parse::<i128>()
            .unwrap_or(saturated)
            .saturating_sub(fraction.len() as i128)
            .saturating_add(trailing as i128);
        Decimal { negative, digits: significant.into(), exponent }
    }

    /// Whether it is an integer, as 1.0 and 1e2 are.
    pub(crate) fn is_integer(&self) -> bool {
        self.exponent >= 0
    }

    /// As a count; `None` for a fraction, a negative number and one above every count.
    pub(crate) fn to_count(&self) -> Option<u64> {
        if self.negative || !self.is_integer() {
            return None;
        }
        if self.digits.is_empty() {
            return Some(0);
        }
        let power = 10_u64.checked_pow(u32::try_from(self.exponent).ok()?)?;
        self.digits.parse::<u64>().ok()?.checked_mul(power)
    }

    /// Whether it is above zero.
    pub(crate) fn is_positive(&self) -> bool {
        !self.negative && !self.digits.is_empty()
    }

    /// Writes the canonical literal of this value.
    pub(crate) fn push_canonical(&self, out: &mut String) {
        let sign = if self.negative { "-" } else { "" };
        // Writing to a String can't fail.
        let _infallible = match self.exponent {
            0 => write!(out, "{sign}{}", self.digits),
            exponent => write!(out, "{sign}{}e{exponent}", self.digits),
        };
    }

    /// Whether a literal is canonical: an integer that does not end in a zero, as most are.
    pub(crate) fn is_canonical(literal: &str) -> bool {
        let digits = literal.strip_prefix('-').unwrap_or(literal);
        digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.ends_with('0')
    }

    /// Whether `value` is a multiple of this, which has at most [`DIVISOR_DIGITS_MAX`] digits.
    pub(crate) fn divides(&self, value: &Decimal) -> bool {
        let Some(divisor) = self.digits.parse::<u64>().ok().filter(|divisor| *divisor > 0) else {
            return value.digits.is_empty();
        };
        if value.digits.is_empty() {
            return true;
        }
        // Digits end in no zero, so a number with digits below the divisor's last place is no
        // multiple.
        let Ok(shift) = u128::try_from(value.exponent.saturating_sub(self.exponent)) else { return false };
        let rest = remainder(value.digits.bytes(), divisor);
        let power = power_of_ten(shift, divisor);
        u128::from(rest).wrapping_mul(u128::from(power)).checked_rem(u128::from(divisor)) == Some(0)
    }

    /// The number of significant digits.
    pub(crate) fn digit_count(&self) -> usize {
        self.digits.len()
    }

    /// The power of ten of the first digit.
    fn magnitude(&self) -> i128 {
        self.exponent.saturating_add(self.digits.len() as i128)
    }
}

/// The most significant digits of a divisor, so that products of two remainders fit 128 bits.
pub(crate) const DIVISOR_DIGITS_MAX: usize = 18;

/// The number of decimal digits, modulo a `divisor` of at most [`DIVISOR_DIGITS_MAX`] digits.
fn remainder(digits: impl Iterator<Item = u8>, divisor: u64) -> u64 {
    // Ten times a remainder of 18 digits fits 64 bits.
    let next = |rest: u64, digit: u8| {
        let digit = u64::from(digit.wrapping_sub(b'0'));
        rest.wrapping_mul(10).wrapping_add(digit).checked_rem(divisor).unwrap_or(0)
    };
    digits.fold(0, next)
}

/// 10 to the power of `exponent`, modulo `divisor`, by squaring.
fn power_of_ten(mut exponent: u128, divisor: u64) -> u64 {
    let divisor = u128::from(divisor);
    let product = |left: u128, right: u128| left.wrapping_mul(right).checked_rem(divisor).unwrap_or(0);
    let (mut power, mut square) = (product(1, 1), product(10, 1));
    while exponent > 0 {
        if exponent & 1 == 1 {
            power = product(power, square);
        }
        square = product(square, square);
        exponent >>= 1;
    }
    power as u64
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        let sign = |number: &Decimal| match (number.digits.is_empty(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let by_size =
            || self.magnitude().cmp(&other.magnitude()).then_with(|| self.digits.cmp(&other.digits));
        match (sign(self), sign(other)) {
            (-1, -1) => by_size().reverse(),
            (1, 1) => by_size(),
            (left, right) => left.cmp(&right),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(left: &str, right: &str) -> Ordering {
        Decimal::of(left).cmp(&Decimal::of(right))
    }

    #[test]
    fn literals_are_ordered_by_value() {
        let ascending = [
            "-1e400",
            "-10",
            "-2",
            "-1.5",
            "-0.1",
            "-7e-9000",
            "0",
            "7e-9000",
            "0.1",
            "0.10000000000000001",
            "1",
            "1.5",
            "2",
            "9.99",
            "10",
            "12345678901234567890.01",
            "1e400",
        ];
        for (index, left) in ascending.iter().enumerate() {
            for (other, right) in ascending.iter().enumerate() {
                assert_eq!(compare(left, right), index.cmp(&other), "{left} and {right}");
            }
        }
        for (left, right) in [("0", "-0.0e9"), ("1", "10e-1"), ("100", "1e2"), ("-2.50", "-25e-1")] {
            assert_eq!(compare(left, right), Ordering::Equal, "{left} and {right}");
        }
    }

    #[test]
    fn integers_are_told_from_fractions_whatever_their_size() {
        for literal in ["0", "1.0", "1e400", "12.50e1", "-3", "7e9000"] {
            assert!(Decimal::of(literal).is_integer(), "{literal}");
        }
        for literal in ["0.5", "1e-1", "7e-9000", "-1.25"] {
            assert!(!Decimal::of(literal).is_integer(), "{literal}");
        }
    }

    #[test]
    fn multiples_are_exact() {
        for (divisor, value, is_multiple) in [
            ("0.01", "0.07", true),
            ("0.01", "0.071", false),
            ("0.01", "1e400", true),
            ("0.01", "12345678901234567890.01", true),
            ("3", "1e400", false),
            ("3", "111111111111111111111111111111", true),
            ("7", "7e-9000", false),
            ("2.5", "10", true),
            ("2.5", "11", false),
            ("0.0001", "0.0075", true),
            ("123456789", "123456789e50", true),
            ("5", "0", true),
        ] {
            assert_eq!(
                Decimal::of(divisor).divides(&Decimal::of(value)),
                is_multiple,
                "{value} by {divisor}"
            );
        }
    }

    #[test]
    fn literals_of_one_value_have_one_canonical_text() {
        let canonical = |literal: &str| {
            let mut text = String::new();
            Decimal::of(literal).push_canonical(&mut text);
            text
        };
        for (literals, text) in [
            (["7", "7.0", "70e-1"], "7"),
            (["-12", "-12.00", "-1.2e1"], "-12"),
            (["100", "1e2", "100.0"], "1e2"),
            (["0", "-0", "0.0e9"], ""),
        ] {
            for literal in literals {
                let found = canonical(literal);
                assert_eq!(found, text, "{literal}");
                assert!(!Decimal::is_canonical(literal) || found == literal, "{literal}");
            }
        }
    }

    #[test]
    fn counts_are_whole_and_fit() {
        for (literal, count) in [
            ("0", Some(0)),
            ("2.0", Some(2)),
            ("1e2", Some(100)),
            ("-1", None),
            ("1.5", None),
            ("1e400", None),
            ("18446744073709551615", Some(u64::MAX)),
        ] {
            assert_eq!(Decimal::of(literal).to_count(), count, "{literal}");
        }
    }
}
