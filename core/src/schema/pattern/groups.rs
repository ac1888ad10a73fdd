//! The names of groups: identifiers of ECMA-262, each at most once among all that can match
//! together.

use std::collections::HashSet;

use super::class::Class;

/// The names that the next group may not have.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: HashSet<String>,
    /// The same, in order.
    order: Vec<String>,
    /// The characters outside of ASCII that begin a name, and those within one: read when there is
    /// one.
    letters: Option<(Class, Class)>,
}

impl Names {
    /// Takes a name; false where another group has it.
    pub(super) fn take(&mut self, name: String) -> bool {
        self.order.push(name.clone());
        self.taken.insert(name)
    }

    /// Number of names, to return to later.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// Sets aside the names after the first `len`: another alternative may use them again.
    pub(super) fn set_aside(&mut self, len: usize) -> Vec<String> {
        let aside = self.order.split_off(len.min(self.order.len()));
        aside.iter().for_each(|name| {
            self.taken.remove(name);
        });
        aside
    }

    /// Restores names that were set aside: the rest of the pattern may not repeat them.
    pub(super) fn take_back(&mut self, aside: Vec<String>) {
        self.taken.extend(aside.iter().cloned());
        self.order.extend(aside);
    }

    /// Whether a character may stand in a name, or begin one.
    pub(super) fn has_letter(&mut self, letter: char, is_first: bool) -> bool {
        if letter.is_ascii() {
            return matches!(letter, '$' | '_')
                || letter.is_ascii_alphabetic()
                || letter.is_ascii_digit() && !is_first;
        }
        let property = |name| Class::of_property(name).unwrap_or_default();
        let read = || (property("ID_Start"), property("ID_Continue"));
        let (first, other) = self.letters.get_or_insert_with(read);
        let joins = matches!(letter, '\u{200C}' | '\u{200D}') && !is_first;
        joins || if is_first { first } else { other }.contains(u32::from(letter))
    }
}
