//! Bindings: which keys are bound to which schema, by patterns as in KEYS.
//!
//! Several patterns may match one key. The most specific wins: the one with the most literal bytes,
//! then the fewest `*`, then the fewest `?`, then the first by its bytes. Not the glob crate: its
//! patterns are file names, where `*` stops at a slash and names are text.
//!
//! Each write looks its key up, so a lookup must not grow with the number of bindings: [`Index`]
//! finds the patterns by their literal prefixes.

use std::cmp::Reverse;

use super::binding_index::Index;
use super::glob::{Glob, Part};
use crate::error::Error;

/// The most bindings of a server.
pub const BINDINGS_MAX: usize = 1024;

/// A pattern and its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// As in KEYS: `*`, `?`, `[abc]`, `[^a]`, `[a-z]`, and `\` before a literal character.
    pub pattern: Box<str>,
    /// The schema's name.
    pub schema: Box<str>,
}

/// A binding and its pattern, read.
#[derive(Debug)]
struct Bound {
    binding: Binding,
    glob: Box<Glob>,
}

/// All bindings, most specific first.
#[derive(Debug, Default)]
pub struct Bindings {
    sorted: Vec<Bound>,
    /// Made anew where a binding changes. Not when a key is looked up: then a client's write pays
    /// for it.
    index: Index,
}

impl Bindings {
    pub const fn new() -> Bindings {
        Bindings { sorted: Vec::new(), index: Index::new() }
    }

    /// The schema of the most specific matching pattern.
    pub fn of(&self, key: &[u8]) -> Option<&str> {
        let is_match = |place: usize| self.sorted.get(place).is_some_and(|bound| bound.glob.matches(key));
        let place = self.index.first_match(key, is_match)?;
        self.sorted.get(place).map(|bound| &*bound.binding.schema)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Binding> {
        self.sorted.iter().map(|bound| &bound.binding)
    }

    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// The schema of a pattern.
    pub fn get(&self, pattern: &str) -> Option<&str> {
        let place = self.place(pattern).ok()?;
        self.sorted.get(place).map(|bound| &*bound.binding.schema)
    }

    /// The position of a pattern, or where it would be inserted.
    fn place(&self, pattern: &str) -> Result<usize, usize> {
        let wanted = rank(pattern);
        self.sorted.binary_search_by(|bound| rank(&bound.binding.pattern).cmp(&wanted))
    }

    /// Rejects bindings beyond the limit.
    pub fn check_room(&self, patterns: &[Box<str>]) -> Result<(), Error> {
        let new = patterns.iter().filter(|pattern| self.get(pattern).is_none()).count();
        if self.len().saturating_add(new) > BINDINGS_MAX {
            return Err(Error::BadSchema { reason: format!("{BINDINGS_MAX} bindings are kept at most") });
        }
        Ok(())
    }

    /// Binds patterns; one that was bound to something else is bound to this now.
    pub fn bind(&mut self, bindings: impl IntoIterator<Item = Binding>) {
        let before = self.len();
        for binding in bindings {
            let glob = Box::new(Glob::parse(binding.pattern.as_bytes()));
            let bound = Bound { binding, glob };
            match self.place(&bound.binding.pattern) {
                Ok(place) => self.sorted.get_mut(place).into_iter().for_each(|known| {
                    known.binding.schema.clone_from(&bound.binding.schema);
                }),
                Err(place) => self.sorted.insert(place, bound),
            }
        }
        if self.len() > before {
            self.make_index();
        }
    }

    fn make_index(&mut self) {
        self.index = Index::of(self.sorted.iter().map(|bound| &*bound.glob));
    }

    /// Removes a binding; returns whether it existed.
    pub fn unbind(&mut self, pattern: &str) -> bool {
        let place = self.place(pattern);
        if let Ok(place) = place {
            self.sorted.remove(place);
            self.make_index();
        }
        place.is_ok()
    }
}

/// The sort key of a pattern: less is more specific.
fn rank(pattern: &str) -> (Reverse<usize>, usize, usize, &str) {
    let (mut literal, mut stars, mut any) = (0_usize, 0_usize, 0_usize);
    let mut rest = pattern.as_bytes();
    while let Some((part, next)) = Part::first(rest) {
        match part {
            Part::Byte(_) => literal = literal.saturating_add(1),
            Part::Star => stars = stars.saturating_add(1),
            Part::Any => any = any.saturating_add(1),
            Part::Class(_) => {}
        }
        rest = next;
    }
    (Reverse(literal), stars, any, pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_pattern_wins() {
        let mut bindings = Bindings::new();
        for pattern in [
            "*",
            "channel:*",
            "channel:+263*",
            "channel:+2637712345??",
            "channel:+26377123456[0-9]",
            "*:+263771234567",
        ] {
            bindings.bind([Binding { pattern: pattern.into(), schema: pattern.into() }]);
        }
        let of = |key: &str| bindings.of(key.as_bytes()).unwrap_or("none").to_owned();
        assert_eq!(of("channel:+263771234567"), "channel:+26377123456[0-9]");
        assert_eq!(of("channel:+263771234577"), "channel:+2637712345??");
        assert_eq!(of("channel:+263880000000"), "channel:+263*");
        assert_eq!(of("channel:+27820000000"), "channel:*");
        assert_eq!(of("state:+263771234567"), "*:+263771234567");
        assert_eq!(of("session:1"), "*");
    }

    #[test]
    fn of_two_as_literal_the_one_with_fewer_stars_wins() {
        let mut bindings = Bindings::new();
        for pattern in ["user:*", "*user:*", "user:?", "user:[0-9]"] {
            bindings.bind([Binding { pattern: pattern.into(), schema: pattern.into() }]);
        }
        let order: Vec<&str> = bindings.iter().map(|binding| &*binding.pattern).collect();
        assert_eq!(order, ["user:[0-9]", "user:?", "user:*", "*user:*"]);
    }

    #[test]
    fn a_pattern_is_bound_once() {
        let mut bindings = Bindings::new();
        for schema in ["vimbiso.flow", "vimbiso.channel"] {
            bindings.bind([Binding { pattern: "channel:*".into(), schema: schema.into() }]);
        }
        assert_eq!((bindings.len(), bindings.get("channel:*")), (1, Some("vimbiso.channel")));
        assert!(bindings.unbind("channel:*") && !bindings.unbind("channel:*"));
    }

    /// The change of a binding pays for the index, not the next write.
    #[test]
    fn the_first_lookup_after_a_change_costs_no_more_than_others() {
        let pattern = |n: usize| format!("{}N{n}*b", "*a".repeat(60)).into_boxed_str();
        let bound = |n: usize| Binding { pattern: pattern(n), schema: "vimbiso.flow".into() };
        let mut bindings = Bindings::new();
        bindings.bind((1..1024).map(bound));
        let timed = |bindings: &Bindings| {
            let begun = std::time::Instant::now();
            assert_eq!(bindings.of(b"user:7"), None);
            begun.elapsed()
        };
        let rounds: Vec<_> = (0..8)
            .map(|_| {
                bindings.bind([bound(0)]);
                let times = (timed(&bindings), timed(&bindings));
                assert!(bindings.unbind(&pattern(0)));
                times
            })
            .collect();
        let first = rounds.iter().map(|times| times.0).min();
        let second = rounds.iter().map(|times| times.1).min();
        let allowed = second.map(|least| least.saturating_mul(10) + std::time::Duration::from_micros(100));
        assert!(first < allowed, "{first:?}, then {second:?}");
    }
}
