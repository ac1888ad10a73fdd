//! Canonical text, and where the values in it are.
//!
//! A container is looked into when somebody first asks for what is in it; then its own values, and no others, are found and kept
//! as places in the text. Most of a document is never asked for: a message changes one member, and the accounts beside
//! it are passed over as one span. An index of the whole, made at once, was there before and took an eighth of an update. Neither
//! text nor places ever change: an edit makes another text. What kind a value is, its first byte tells.
//!
//! Whoever walks a text all the way down passes over each byte once for every container around it, which the limit of
//! depth bounds. Bytes of others go through the parser, which checks them; what is here trusts the text.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "positions in a text that is shorter than 4 GiB: sums of two of them fit a usize of 64 bits"
)]

use std::borrow::Cow;

use once_cell::race::OnceBox;

use super::node::Node;
use super::skip::{container_end, scalar_end, string_end};

/// What stands for the name of a value that is no member.
pub(super) const NO_NAME: u32 = u32::MAX;

/// One value: where it is in the text, and what is in it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) start: u32,
    pub(super) end: u32,
    /// Where the opening quote of its name is; [`NO_NAME`] for what is no member.
    pub(super) name: u32,
    /// One word, where std's OnceLock takes two and ten times as long to be made.
    inside: OnceBox<Inside>,
}

/// What is in a container.
#[derive(Debug)]
struct Inside {
    entries: Vec<Entry>,
    /// The places of the members of a wide object, sorted by their names; made when one is first looked for. A schema can
    /// name a thousand members of an object that has a hundred thousand, and going through these for each would stop the server.
    sorted: OnceBox<Vec<u32>>,
}

/// An object has so many members before they are looked for in a table.
const FEW: usize = 64;

impl Entry {
    /// A value that was not looked into.
    pub(super) fn new(start: usize, end: usize, name: u32) -> Entry {
        Entry { start: start as u32, end: end as u32, name, inside: OnceBox::new() }
    }

    /// A container, and what is in it.
    pub(super) fn opened(start: usize, end: usize, name: u32, entries: Vec<Entry>) -> Entry {
        Entry { inside: OnceBox::with_value(Box::new(Inside::of(entries))), ..Entry::new(start, end, name) }
    }

    fn inside(&self, text: &str) -> &Inside {
        self.inside.get_or_init(|| Box::new(Inside::of(self.look(text))))
    }

    /// The members or elements; none of what is no container.
    pub(super) fn entries<'e>(&'e self, text: &str) -> &'e [Entry] {
        &self.inside(text).entries
    }

    /// Which of the members of an object has the name that is written so.
    pub(super) fn position(&self, text: &str, raw: &str) -> Option<usize> {
        let inside = self.inside(text);
        let is_named = |entry: &Entry| Node::new(text, entry).is_named(raw);
        if inside.entries.len() <= FEW {
            return inside.entries.iter().position(is_named);
        }
        let sorted = inside.sorted.get_or_init(|| {
            let mut sorted: Vec<u32> = (0..inside.entries.len() as u32).collect();
            sorted.sort_unstable_by_key(|place| inside.raw_name(text, *place));
            Box::new(sorted)
        });
        let found = sorted.binary_search_by(|place| inside.raw_name(text, *place).cmp(raw)).ok()?;
        sorted.get(found).map(|place| *place as usize)
    }

    /// What making the table of a wide object's members costs, in units of work, where it is not there.
    pub(super) fn table_cost(&self, text: &str) -> usize {
        /// By member: a name is compared about as often as the logarithm of their number.
        const MEMBER_COST: usize = 150;
        let inside = self.inside(text);
        let members = inside.entries.len();
        if members <= FEW || inside.sorted.get().is_some() { 0 } else { members.saturating_mul(MEMBER_COST) }
    }

    /// Finds what is in it.
    fn look(&self, text: &str) -> Vec<Entry> {
        /// About as many members as objects mostly have.
        const SOME: usize = 8;
        let bytes = text.as_bytes().get(..self.end as usize).unwrap_or_default();
        let start = self.start as usize;
        let is_object = match bytes.get(start) {
            Some(b'{') => true,
            Some(b'[') => false,
            _ => return Vec::new(),
        };
        let mut at = start + 1;
        if at + 1 >= bytes.len() {
            return Vec::new();
        }
        let mut entries = Vec::with_capacity(SOME);
        loop {
            let mut name = NO_NAME;
            if is_object {
                name = at as u32;
                at = string_end(bytes, at) + 1;
            }
            let end = match bytes.get(at) {
                Some(b'{' | b'[') => container_end(bytes, at),
                Some(b'"') => string_end(bytes, at),
                Some(_) => scalar_end(bytes, at),
                // Text that is not canonical after all: what is found of it is within it.
                None => return entries,
            };
            entries.push(Entry::new(at, end, name));
            if bytes.get(end) != Some(&b',') {
                return entries;
            }
            at = end + 1;
        }
    }
}

impl Inside {
    fn of(entries: Vec<Entry>) -> Inside {
        Inside { entries, sorted: OnceBox::new() }
    }

    fn raw_name<'t>(&self, text: &'t str, place: u32) -> &'t str {
        self.entries.get(place as usize).map_or("", |entry| Node::raw_name_of(text, entry))
    }
}

/// Where the values in a container are, kept beside a text that is looked at again and again.
#[derive(Clone, Debug)]
pub(crate) struct Outline(Box<[Place]>);

#[derive(Clone, Copy, Debug)]
struct Place {
    start: u32,
    end: u32,
    name: u32,
}

impl Outline {
    /// A container of more has none: it would take a good part of the memory of what it saves looking at.
    const PLACES_MAX: usize = 16;

    fn of(entries: &[Entry]) -> Option<Outline> {
        let place = |entry: &Entry| Place { start: entry.start, end: entry.end, name: entry.name };
        (entries.len() <= Self::PLACES_MAX).then(|| Outline(entries.iter().map(place).collect()))
    }

    /// The root of the text whose outline it is, of so many bytes.
    fn root(&self, len: usize) -> Entry {
        let entry = |place: &Place| Entry::new(place.start as usize, place.end as usize, place.name);
        Entry::opened(0, len, NO_NAME, self.0.iter().map(entry).collect())
    }

    /// What it takes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.0)
    }
}

/// Canonical text, to be looked at.
#[derive(Debug)]
pub(crate) struct Tree<'t> {
    text: Cow<'t, str>,
    root: Entry,
}

impl<'t> Tree<'t> {
    /// Takes over a text and what is known of it.
    pub(super) fn new(text: String, root: Entry) -> Tree<'t> {
        Tree { text: Cow::Owned(text), root }
    }

    /// Takes text that is known to be canonical.
    pub(crate) fn of_trusted(text: impl Into<Cow<'t, str>>) -> Tree<'t> {
        let text = text.into();
        let root = Entry::new(0, text.len(), NO_NAME);
        Tree { text, root }
    }

    /// Takes text that is known to be canonical, with its outline if it has one.
    pub(crate) fn of_outlined(text: impl Into<Cow<'t, str>>, outline: Option<&Outline>) -> Tree<'t> {
        let text = text.into();
        match outline {
            Some(outline) => Tree { root: outline.root(text.len()), text },
            None => Tree::of_trusted(text),
        }
    }

    /// Where its members or elements are, unless there are many.
    pub(crate) fn outline(&self) -> Option<Outline> {
        Outline::of(self.root.entries(&self.text))
    }

    /// The value as a whole.
    pub(crate) fn root(&self) -> Node<'_> {
        Node::new(&self.text, &self.root)
    }

    /// The text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The text alone.
    pub(crate) fn into_text(self) -> String {
        self.text.into_owned()
    }

    /// Whether what is known of the text is what looking at it finds, however it came about.
    #[cfg(test)]
    pub(crate) fn is_as_found(&self) -> bool {
        fn same(known: Node, found: Node) -> bool {
            let (mut knowns, mut founds) = (known.children(), found.children());
            known.text() == found.text()
                && known.range() == found.range()
                && known.raw_name() == found.raw_name()
                && knowns.len() == founds.len()
                && knowns.all(|known| founds.next().is_some_and(|found| same(known, found)))
        }
        same(self.root(), Tree::of_trusted(&*self.text).root())
    }
}

impl Clone for Tree<'_> {
    fn clone(&self) -> Self {
        Tree::of_trusted(self.text.clone())
    }
}

impl Default for Tree<'_> {
    fn default() -> Self {
        Tree::of_trusted("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_cut_off_is_looked_at_without_harm() {
        let text = r#"{"channel":{"type":"whatsapp"},"items":[1,"\"",{}],"note":null}"#;
        fn walk(node: Node) -> usize {
            node.children().map(walk).sum::<usize>() + node.text().len() + node.raw_name().len()
        }
        let whole = walk(Tree::of_trusted(text).root());
        for len in 0..text.len() {
            assert!(walk(Tree::of_trusted(&text[..len]).root()) <= whole, "{}", &text[..len]);
        }
    }
}
