//! Which members or elements of a value have been evaluated by a subschema, for
//! `unevaluatedProperties` and `unevaluatedItems` (JSON Schema 2020-12, 11). One bit set for each
//! value and subschema that needs it, so that nested ones cost their sum and not their product.

/// Members or elements, by position.
#[derive(Clone, Debug, Default)]
pub(super) struct Evaluated {
    words: Vec<u64>,
}

impl Evaluated {
    pub(super) fn mark(&mut self, place: usize) {
        let word = place >> 6;
        if word >= self.words.len() {
            self.words.resize(word.saturating_add(1), 0);
        }
        if let Some(word) = self.words.get_mut(word) {
            *word |= 1_u64 << (place & 63);
        }
    }

    pub(super) fn has(&self, place: usize) -> bool {
        self.words.get(place >> 6).is_some_and(|word| word >> (place & 63) & 1 == 1)
    }

    /// Adds what another subschema of the same value has evaluated.
    pub(super) fn merge(&mut self, other: &Evaluated) {
        if other.words.len() > self.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    /// The charge of a merge, in words.
    pub(super) fn words(&self) -> usize {
        self.words.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_two_subschemas_add_up() {
        let (mut left, mut right) = (Evaluated::default(), Evaluated::default());
        left.mark(3);
        right.mark(200);
        left.merge(&right);
        assert!(left.has(3) && left.has(200) && !left.has(4) && !left.has(100_000));
    }
}
