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

use super::node::Node;
use super::{entry::Entry, entry::NO_NAME};

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
