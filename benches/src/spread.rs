//! The values of many rounds as three numbers.

/// Minimum, median and maximum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub min: f64,
    pub median: f64,
    pub max: f64,
}

impl Spread {
    /// The median is one of the values, the upper middle one of an even number. Without values all
    /// are NaN.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Spread {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Spread { min: at(0), median: at(values.len() / 2), max: at(values.len().saturating_sub(1)) }
    }

    /// The ratios of values to their counterparts of the same round.
    pub fn of_ratios(values: &[f64], counterparts: &[f64]) -> Spread {
        Spread::of(values.iter().zip(counterparts).map(|(value, other)| value / other))
    }
}

/// The median alone.
pub fn median(values: &[f64]) -> f64 {
    Spread::of(values.iter().copied()).median
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn ratio_is_taken_within_a_round() {
        // The machine was twice as fast in the second round, for both.
        let spread = Spread::of_ratios(&[10.0, 20.0, 12.0], &[5.0, 10.0, 4.0]);
        assert_eq!(spread, Spread { min: 2.0, median: 2.0, max: 3.0 });
    }
}
