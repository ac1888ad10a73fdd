//! Canonical text with the positions of its values.
//!
//! A container is parsed when its children are first read; then the positions of these, and of no
//! others, are kept. Most of a document is never read: a message changes one member, and the
//! accounts beside it are passed over as one span. An index of the whole text took an eighth of an
//! update. Neither text nor positions ever change: an edit makes another text. The first byte of a
//! value shows its type.
//!
//! A walk down to every value passes over each byte once for every container around it, which the
//! depth limit bounds. Untrusted bytes go through the parser; this module trusts its text.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "positions in a text that is shorter than 4 GiB: sums of two of them fit a usize of 64 bits"
)]

use std::borrow::Cow;

use super::entry::{Entry, NO_NAME};
use super::node::Node;

/// The positions of a container's children, kept beside a text that is read repeatedly.
#[derive(Clone, Debug)]
pub(crate) struct Outline(Box<[Place]>);

#[derive(Clone, Copy, Debug)]
struct Place {
    start: u32,
    end: u32,
    name: u32,
}

impl Outline {
    /// The most children in an outline: a larger one would take much of the memory that parsing
    /// saves.
    const PLACES_MAX: usize = 16;

    fn of(entries: &[Entry]) -> Option<Outline> {
        let place = |entry: &Entry| Place { start: entry.start, end: entry.end, name: entry.name };
        (entries.len() <= Self::PLACES_MAX).then(|| Outline(entries.iter().map(place).collect()))
    }

    /// The root entry of this outline, for a text of `len` bytes.
    fn root(&self, len: usize) -> Entry {
        let entry = |place: &Place| Entry::new(place.start as usize, place.end as usize, place.name);
        Entry::opened(0, len, NO_NAME, self.0.iter().map(entry).collect())
    }

    /// Its memory on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.0)
    }
}

/// Canonical text as a tree.
#[derive(Debug)]
pub(crate) struct Tree<'t> {
    text: Cow<'t, str>,
    root: Entry,
}

impl<'t> Tree<'t> {
    /// Takes a text with its known positions.
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

    /// The positions of its children, unless there are many.
    pub(crate) fn outline(&self) -> Option<Outline> {
        Outline::of(self.root.entries(&self.text))
    }

    /// The root value.
    pub(crate) fn root(&self) -> Node<'_> {
        Node::new(&self.text, &self.root)
    }

    /// The text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The text without positions.
    pub(crate) fn into_text(self) -> String {
        self.text.into_owned()
    }

    /// Whether the known positions equal those that parsing finds.
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
