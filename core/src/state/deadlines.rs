//! When members of a document lapse: instants by JSON pointer, stored with each version.
//!
//! A version keeps its own deadlines, so that a snapshot shows without the members that have lapsed
//! since. A list sorted by pointer, not a map: there are few, and they are compared and stored far
//! more often than searched.

use crate::json::pointer::Pointer;
use crate::time::TIME_MAX_MS;

/// A document has at most this many members with a deadline.
pub const DEADLINES_MAX: usize = 1024;
/// No member named by a schema has a longer pointer than the schema's own text.
pub(crate) const PLACE_BYTES_MAX: usize = 64 * 1024;

/// The deadline of one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// The member.
    pub place: Box<str>,
    /// The instant, in Unix milliseconds.
    pub at_ms: i64,
}

/// The deadlines of a document, by pointer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deadlines {
    sorted: Box<[Deadline]>,
}

impl Deadlines {
    /// Takes deadlines in any order, each pointer once.
    pub(crate) fn new(mut deadlines: Vec<Deadline>) -> Deadlines {
        deadlines.sort_by(|a, b| a.place.cmp(&b.place));
        Deadlines { sorted: deadlines.into() }
    }

    /// Takes deadlines that must be sorted already: each state has one encoding.
    pub(crate) fn sorted(deadlines: Vec<Deadline>) -> Option<Deadlines> {
        deadlines.is_sorted_by(|a, b| a.place < b.place).then(|| Deadlines { sorted: deadlines.into() })
    }

    /// All deadlines, by pointer.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Deadline> {
        self.sorted.iter()
    }

    /// Whether no member has a deadline.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// The deadline of a member.
    pub fn of(&self, place: &str) -> Option<i64> {
        let found = self.sorted.binary_search_by(|deadline| (*deadline.place).cmp(place)).ok()?;
        self.sorted.get(found).map(|deadline| deadline.at_ms)
    }

    /// The first instant at which a member lapses.
    pub fn first_ms(&self) -> Option<i64> {
        self.iter().map(|deadline| deadline.at_ms).min()
    }

    /// The last instant at which a member lapses.
    pub fn last_ms(&self) -> Option<i64> {
        self.iter().map(|deadline| deadline.at_ms).max()
    }

    /// The number of instants at which members lapse: each makes a version.
    pub(crate) fn instants(&self) -> usize {
        let mut instants: Vec<i64> = self.iter().map(|deadline| deadline.at_ms).collect();
        instants.sort_unstable();
        instants.dedup();
        instants.len()
    }

    /// The members whose deadline is `at_ms` or earlier.
    pub(crate) fn until(&self, at_ms: i64) -> Vec<Pointer> {
        let due = self.iter().filter(|deadline| deadline.at_ms <= at_ms);
        due.filter_map(|deadline| Pointer::parse(&deadline.place)).collect()
    }

    /// Checks what decoding relies on; returns the rule that is broken.
    pub(crate) fn check_invariants(&self) -> Result<(), &'static str> {
        if self.sorted.len() > DEADLINES_MAX {
            return Err("too many deadlines");
        }
        if !self.sorted.is_sorted_by(|a, b| a.place < b.place) {
            return Err("deadlines out of order");
        }
        let is_sound = |deadline: &Deadline| {
            (0..=TIME_MAX_MS).contains(&deadline.at_ms)
                && Pointer::parse(&deadline.place).is_some_and(|pointer| !pointer.tokens().is_empty())
        };
        if self.iter().all(is_sound) { Ok(()) } else { Err("a deadline of no member, or at no time") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deadline(place: &str, at_ms: i64) -> Deadline {
        Deadline { place: place.into(), at_ms }
    }

    #[test]
    fn they_are_found_by_member_and_by_time() {
        let deadlines = Deadlines::new(vec![deadline("/current", 30), deadline("/auth/token", 20)]);
        assert_eq!((deadlines.of("/auth/token"), deadlines.of("/auth")), (Some(20), None));
        assert_eq!((deadlines.first_ms(), deadlines.last_ms()), (Some(20), Some(30)));
        let due = |at_ms| deadlines.until(at_ms).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!((due(19), due(20)), (vec![], vec!["/auth/token".to_owned()]));
        assert_eq!(Deadlines::default().first_ms(), None);
    }

    #[test]
    fn what_no_state_has_is_seen() {
        assert_eq!(Deadlines::new(vec![deadline("/a", 1), deadline("/b", 1)]).check_invariants(), Ok(()));
        for broken in [
            vec![deadline("/a", 1), deadline("/a", 2)],
            vec![deadline("", 1)],
            vec![deadline("token", 1)],
            vec![deadline("/a", -1)],
            vec![deadline("/a", TIME_MAX_MS + 1)],
        ] {
            assert!(Deadlines::new(broken.clone()).check_invariants().is_err(), "{broken:?}");
        }
    }
}
