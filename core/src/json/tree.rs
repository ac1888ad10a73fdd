//! A flat index over canonical text: where each value begins and ends, and where its next sibling is.
//!
//! 16 bytes a value, in the order of the text, so that a container is followed by what is in it. Text and index together
//! answer what a tree would, in a seventh of its memory and without an allocation a value; neither is ever changed: an edit
//! makes another text. What kind a value is, its first byte tells.
//!
//! The index of text that this crate has made itself is built by [`Tree::of_trusted`], which looks for nothing but the ends of
//! things. Bytes of others go through the parser, which checks them and makes the index as it goes.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "positions in a text that is shorter than 4 GiB: sums of two of them fit a usize of 64 bits"
)]

use std::borrow::Cow;
use std::sync::OnceLock;

use super::node::Node;
use super::strings::push_string;

/// What stands for the name of a value that is no member.
pub(super) const NO_NAME: u32 = u32::MAX;

/// One value: where it is in the text, and where the next one that is not within it is in the index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) next: u32,
    /// Where the opening quote of its name is; [`NO_NAME`] for what is no member.
    pub(super) name: u32,
}

/// An object has so many members before they are looked for in a table.
const FEW: usize = 64;

/// The index of a text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    pub(super) entries: Vec<Entry>,
    /// The members of wide objects, sorted by their names; made when one is first looked for. A schema can name a thousand
    /// members of an object that has a hundred thousand, and going through these for each would stop the server.
    wide: OnceLock<Vec<(u32, Box<[u32]>)>>,
}

impl Index {
    pub(super) fn with_capacity_for(text_bytes: usize) -> Index {
        Index { entries: Vec::with_capacity(text_bytes / 12 + 4), wide: OnceLock::new() }
    }

    /// The member of the object at `at` with the name that is written so.
    pub(super) fn member(&self, text: &str, at: u32, raw: &str) -> Option<u32> {
        let node = |at: u32| Node::new(text, self, at);
        let mut members = node(at).children();
        let mut first = members.by_ref().take(FEW);
        if let Some(found) = first.find(|member| member.is_named(raw)) {
            return Some(found.place());
        }
        members.next()?;
        let wide = self.wide.get_or_init(|| self.sorted(text));
        let (_, sorted) = wide.get(wide.binary_search_by_key(&at, |(object, _)| *object).ok()?)?;
        let found = sorted.binary_search_by(|member| node(*member).raw_name().cmp(raw)).ok()?;
        sorted.get(found).copied()
    }

    /// Every wide object with its members sorted.
    fn sorted(&self, text: &str) -> Vec<(u32, Box<[u32]>)> {
        let objects = (0..self.entries.len() as u32).map(|at| Node::new(text, self, at));
        let is_wide = |object: &Node| object.is_object() && object.children().nth(FEW).is_some();
        let sorted = objects.filter(is_wide).map(|object| {
            let mut members: Vec<Node> = object.children().collect();
            members.sort_unstable_by_key(|member| member.raw_name());
            (object.place(), members.into_iter().map(Node::place).collect())
        });
        sorted.collect()
    }
}

/// Canonical text and its index.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree<'t> {
    text: Cow<'t, str>,
    index: Index,
}

impl<'t> Tree<'t> {
    /// Takes over a text and the index that was made with it.
    pub(super) fn new(text: String, index: Index) -> Tree<'t> {
        Tree { text: Cow::Owned(text), index }
    }

    /// Indexes text that is known to be canonical.
    pub(crate) fn of_trusted(text: impl Into<Cow<'t, str>>) -> Tree<'t> {
        let text = text.into();
        let index = index(&text);
        Tree { text, index }
    }

    /// The value as a whole.
    pub(crate) fn root(&self) -> Node<'_> {
        Node::new(&self.text, &self.index, 0)
    }

    /// The text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether the index is what indexing the text makes, however it came about.
    #[cfg(test)]
    pub(super) fn has_index_of_text(&self) -> bool {
        let parts = |entry: &Entry| (entry.start, entry.end, entry.next, entry.name);
        self.index.entries.iter().map(parts).eq(index(&self.text).entries.iter().map(parts))
    }

    /// The text, without the index.
    pub(crate) fn into_text(self) -> String {
        self.text.into_owned()
    }

    /// The same, made into one string that nothing stands beside: what a name is to the validator.
    pub(super) fn set_string(&mut self, text: &str) {
        let mut written = std::mem::take(&mut self.text).into_owned();
        written.clear();
        push_string(&mut written, text);
        self.index.entries.clear();
        self.index.entries.push(Entry { start: 0, end: written.len() as u32, next: 1, name: NO_NAME });
        self.text = Cow::Owned(written);
    }
}

/// The index of canonical text.
pub(crate) fn index(text: &str) -> Index {
    let bytes = text.as_bytes();
    let mut index = Index::with_capacity_for(bytes.len());
    let entries = &mut index.entries;
    // Containers that are still open, as their places in the index.
    let mut open: Vec<usize> = Vec::with_capacity(16);
    let (mut at, mut name) = (0, NO_NAME);
    while let Some(byte) = bytes.get(at) {
        let start = at;
        match byte {
            b'{' | b'[' => {
                open.push(entries.len());
                at += 1;
            }
            b'}' | b']' => {
                at += 1;
                let next = entries.len() as u32;
                if let Some(entry) = open.pop().and_then(|place| entries.get_mut(place)) {
                    (entry.end, entry.next) = (at as u32, next);
                }
                continue;
            }
            b',' => {
                at += 1;
                continue;
            }
            b'"' => {
                at = string_end(bytes, at);
                if bytes.get(at) == Some(&b':') {
                    name = start as u32;
                    at += 1;
                    continue;
                }
            }
            _ => at = scalar_end(bytes, at),
        }
        let next = entries.len() as u32 + 1;
        entries.push(Entry { start: start as u32, end: at as u32, next, name });
        name = NO_NAME;
    }
    index
}

/// The place behind the string whose opening quote is at `at`.
fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    loop {
        end = quote_from(bytes, end);
        if bytes.get(end - 1) != Some(&b'\\') || end >= bytes.len() {
            return end + 1;
        }
        let before = bytes.get(at + 1..end).unwrap_or_default();
        let escapes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
        end += 1;
        // A backslash may be escaped itself.
        if escapes % 2 == 0 {
            return end;
        }
    }
}

/// The next quote from `at` on, or the end. Most strings are short: eight bytes at a time beat the call of a search that
/// takes 32, which is left for the long ones.
fn quote_from(bytes: &[u8], at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    const QUOTES: u64 = ONES * b'"' as u64;
    const SHORT_BYTES: usize = 64;
    let rest = bytes.get(at..).unwrap_or_default();
    let mut passed = 0;
    let mut words = rest.chunks_exact(8).take(SHORT_BYTES / 8);
    while let Some(word) = words.next().and_then(|word| word.first_chunk::<8>()) {
        // Sets the highest bit of each byte that is zero, that is a quote; above the first of them it may err.
        let differing = u64::from_le_bytes(*word) ^ QUOTES;
        let found = differing.wrapping_sub(ONES) & !differing & HIGHS;
        if found != 0 {
            return at + passed + found.trailing_zeros() as usize / 8;
        }
        passed += 8;
    }
    let rest = rest.get(passed..).unwrap_or_default();
    at + passed + memchr::memchr(b'"', rest).unwrap_or(rest.len())
}

/// The place behind the number or word at `at`.
fn scalar_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| matches!(byte, b',' | b'}' | b']')).unwrap_or(rest.len())
}
