//! The position of one value in a text and, once it was parsed, of its children.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "positions in a text that is shorter than 4 GiB: sums of two of them fit a usize of 64 bits"
)]

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};

use once_cell::race::OnceBox;

use super::skip::{container_end, scalar_end, string_end};
use super::strings::same;

/// The name of a value that is not a member.
pub(super) const NO_NAME: u32 = u32::MAX;

/// One value: its position in the text, and its children.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) start: u32,
    pub(super) end: u32,
    /// The position of the opening quote of its name; [`NO_NAME`] for a value that is not a member.
    pub(super) name: u32,
    /// One word; std's OnceLock takes two, and ten times as long to create.
    inside: OnceBox<Inside>,
}

/// The children of a container.
#[derive(Debug)]
struct Inside {
    entries: Vec<Entry>,
    /// Number of linear searches in a wide object.
    scans: AtomicU32,
    /// The positions of the members of a wide object, built after many searches. A schema can name
    /// a thousand members of an object with a hundred thousand, and linear searches for all of them
    /// would block the server.
    table: OnceBox<Table>,
}

/// The positions of an object's members, sorted by the hashes of their names. Not sorted by name:
/// that takes four times as long.
#[derive(Debug)]
struct Table {
    hashing: RandomState,
    places: Vec<(u64, u32)>,
}

impl Table {
    fn of(entries: &[Entry], text: &str) -> Table {
        let hashing = RandomState::new();
        let hashes = entries.iter().map(|entry| hashing.hash_one(entry.raw_name(text)));
        let mut places: Vec<(u64, u32)> = hashes.zip(0..).collect();
        places.sort_unstable();
        Table { hashing, places }
    }

    /// The positions of the members whose names have this hash: one, but for a rare collision.
    fn candidates(&self, raw: &str) -> impl Iterator<Item = usize> + '_ {
        let hash = self.hashing.hash_one(raw);
        let begin = self.places.partition_point(|(other, _)| *other < hash);
        let matching = self.places.iter().skip(begin).take_while(move |(other, _)| *other == hash);
        matching.map(|(_, place)| *place as usize)
    }
}

/// The most members that are searched linearly.
const FEW: usize = 64;
/// The linear searches before the table is built: building it takes as long as these.
const SCANS_MAX: u32 = 16;

impl Entry {
    /// A value that is not parsed yet.
    pub(super) fn new(start: usize, end: usize, name: u32) -> Entry {
        Entry { start: start as u32, end: end as u32, name, inside: OnceBox::new() }
    }

    /// A container with its children.
    pub(super) fn opened(start: usize, end: usize, name: u32, entries: Vec<Entry>) -> Entry {
        Entry { inside: OnceBox::with_value(Box::new(Inside::of(entries))), ..Entry::new(start, end, name) }
    }

    /// Its name in canonical form, without the quotes; empty for a value that is not a member.
    pub(super) fn raw_name<'t>(&self, text: &'t str) -> &'t str {
        if self.name == NO_NAME {
            return "";
        }
        text.get(self.name as usize + 1..(self.start as usize).saturating_sub(2)).unwrap_or_default()
    }

    /// Whether this is its name in canonical form. Compares lengths first: most names differ there.
    pub(super) fn is_named(&self, text: &str, raw: &str) -> bool {
        const AROUND: usize = "\"\":".len();
        let len = self.start.wrapping_sub(self.name) as usize;
        len == raw.len() + AROUND && same(self.name_bytes(text), raw.as_bytes())
    }

    pub(super) fn name_bytes<'t>(&self, text: &'t str) -> &'t [u8] {
        let name = (self.name as usize).saturating_add(1)..(self.start as usize).saturating_sub(2);
        text.as_bytes().get(name).unwrap_or_default()
    }

    fn inside(&self, text: &str) -> &Inside {
        self.inside.get_or_init(|| Box::new(Inside::of(self.look(text))))
    }

    /// The members or elements; none for a scalar.
    pub(super) fn entries<'e>(&'e self, text: &str) -> &'e [Entry] {
        &self.inside(text).entries
    }

    /// The index of the member with this name in canonical form.
    pub(super) fn position(&self, text: &str, raw: &str) -> Option<usize> {
        let inside = self.inside(text);
        let is_named = |entry: &Entry| entry.is_named(text, raw);
        if !inside.is_looked_up_in_a_table() {
            inside.scans.fetch_add(1, Ordering::Relaxed);
            return inside.entries.iter().position(is_named);
        }
        let table = inside.table.get_or_init(|| Box::new(Table::of(&inside.entries, text)));
        table.candidates(raw).find(|place| inside.entries.get(*place).is_some_and(is_named))
    }

    /// The charge of sorting the names of a wide object; 0 if it is done.
    pub(super) fn table_cost(&self, text: &str) -> usize {
        /// By member: its name is hashed, and the hashes are sorted.
        const MEMBER_COST: usize = 150;
        let inside = self.inside(text);
        let is_due = inside.is_looked_up_in_a_table() && inside.table.get().is_none();
        if is_due { inside.entries.len().saturating_mul(MEMBER_COST) } else { 0 }
    }

    /// Finds its children.
    fn look(&self, text: &str) -> Vec<Entry> {
        /// The usual number of members of an object.
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
                // The text is not canonical: return the children found so far.
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
        Inside { entries, scans: AtomicU32::new(0), table: OnceBox::new() }
    }

    fn is_looked_up_in_a_table(&self) -> bool {
        self.entries.len() > FEW && self.scans.load(Ordering::Relaxed) >= SCANS_MAX
    }
}
