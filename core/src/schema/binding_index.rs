//! Finds the patterns that may match a key by their literal prefixes.
//!
//! The prefixes are sorted. The longest prefix that a key has is the greatest one not after the
//! key, or one of that one's own prefixes, so each prefix knows its longest proper prefix. Not a
//! trie: it takes an allocation for each byte.

use super::glob::Glob;

/// The patterns with one prefix.
#[derive(Debug)]
struct Group {
    /// The longest other prefix of this one.
    shorter: Option<usize>,
    /// Where the patterns are, most specific first.
    places: Vec<usize>,
}

/// Patterns by their prefixes.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Sorted.
    beginnings: Vec<Box<[u8]>>,
    /// One for each prefix.
    groups: Vec<Group>,
}

impl Index {
    /// Of patterns, most specific first.
    pub(super) fn of<'g>(globs: impl Iterator<Item = &'g Glob>) -> Index {
        let mut by_beginning: Vec<(&[u8], usize)> =
            globs.enumerate().map(|(place, glob)| (glob.literal(), place)).collect();
        by_beginning.sort_unstable();
        let (mut beginnings, mut groups) = (Vec::<Box<[u8]>>::new(), Vec::<Group>::new());
        for (literal, place) in by_beginning {
            match groups.last_mut().filter(|_| beginnings.last().is_some_and(|last| **last == *literal)) {
                Some(group) => group.places.push(place),
                None => {
                    let shorter = longest(&beginnings, &groups, groups.len().checked_sub(1), literal);
                    beginnings.push(literal.into());
                    groups.push(Group { shorter, places: vec![place] });
                }
            }
        }
        Index { beginnings, groups }
    }

    pub(super) const fn new() -> Index {
        Index { beginnings: Vec::new(), groups: Vec::new() }
    }

    /// Where the most specific pattern is that matches, asking those at few places.
    pub(super) fn first_match(&self, key: &[u8], mut is_match: impl FnMut(usize) -> bool) -> Option<usize> {
        let before = self.beginnings.partition_point(|beginning| **beginning <= *key).checked_sub(1);
        let mut group = longest(&self.beginnings, &self.groups, before, key);
        let mut found: Option<usize> = None;
        while let Some(Group { shorter, places }) = group.and_then(|group| self.groups.get(group)) {
            // Patterns less specific than the one found are skipped.
            let mut better = places.iter().take_while(|place| found.is_none_or(|found| **place < found));
            let matching = better.find(|place| is_match(**place));
            found = matching.copied().or(found);
            group = *shorter;
        }
        found
    }
}

/// The longest prefix of `text`, found by following the links.
fn longest(beginnings: &[Box<[u8]>], groups: &[Group], from: Option<usize>, text: &[u8]) -> Option<usize> {
    let mut group = from;
    while let Some(place) = group {
        if beginnings.get(place).is_some_and(|beginning| text.starts_with(beginning)) {
            return group;
        }
        group = groups.get(place).and_then(|group| group.shorter);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn globs(patterns: &[String]) -> Vec<Glob> {
        patterns.iter().map(|pattern| Glob::parse(pattern.as_bytes())).collect()
    }

    /// How many patterns are tried on a key.
    fn tried(patterns: &[String], key: &[u8]) -> usize {
        let (mut tried, globs) = (0, globs(patterns));
        Index::of(globs.iter()).first_match(key, |place| {
            tried += 1;
            globs[place].matches(key)
        });
        tried
    }

    #[test]
    fn the_number_of_patterns_tried_does_not_grow_with_their_number() {
        for count in [1, 16, 256, 1023] {
            let mut patterns: Vec<String> =
                (0..count).map(|n| format!("channel:+2637{n:04}*a*b*c")).collect();
            patterns.push("*".to_owned());
            for key in [b"channel:+26370000567".to_vec(), vec![b'x'; 4000], b"channel:+2637".to_vec()] {
                assert!(tried(&patterns, &key) <= 2, "{count} patterns, {}", key.len());
            }
        }
    }

    proptest::proptest! {
        #![proptest_config(crate::json::oracle::config())]

        #[test]
        fn the_index_finds_what_trying_all_finds(
            patterns in proptest::collection::vec("[ab]{0,3}[ab*?]{0,3}", 0..24),
            keys in proptest::collection::vec("[ab]{0,6}", 8),
        ) {
            let globs = globs(&patterns);
            let index = Index::of(globs.iter());
            for key in keys {
                let key = key.as_bytes();
                let first = patterns.iter().position(|pattern| Glob::parse(pattern.as_bytes()).matches(key));
                proptest::prop_assert_eq!(index.first_match(key, |place| globs[place].matches(key)), first);
            }
        }
    }
}
