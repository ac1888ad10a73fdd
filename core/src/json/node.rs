//! One value of a text and its index, to be looked at.
//!
//! A name and a string are compared as they are written: canonical text has one way to write each, so two strings are equal
//! exactly when their texts are.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "positions in a text that is shorter than 4 GiB: sums of two of them fit a usize of 64 bits"
)]

use std::borrow::Cow;
use std::ops::Range;

use serde_json::{Map, Number, Value};

use super::index::{Entry, Index, NO_NAME};
use super::strings::{raw, unescaped};

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

/// One value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<'a> {
    text: &'a str,
    index: &'a Index,
    at: u32,
}

impl<'a> Node<'a> {
    pub(super) fn new(text: &'a str, index: &'a Index, at: u32) -> Node<'a> {
        Node { text, index, at }
    }

    /// What is not in the index, which only an empty one can make us ask for, is an empty text.
    fn entry(self) -> Entry {
        const NOTHING: Entry = Entry { start: 0, end: 0, next: 0, name: NO_NAME };
        self.index.entries.get(self.at as usize).copied().unwrap_or(NOTHING)
    }

    /// Where it is in the text of the whole.
    pub(crate) fn range(self) -> Range<usize> {
        let entry = self.entry();
        entry.start as usize..entry.end as usize
    }

    /// Where it is in the index.
    pub(super) fn place(self) -> u32 {
        self.at
    }

    /// What comes behind it in the same container, which ends as `all` of it does.
    pub(super) fn behind(self, all: &Children<'a>) -> Children<'a> {
        Children { at: self.entry().next, ..all.clone() }
    }

    /// Its text.
    pub(crate) fn text(self) -> &'a str {
        self.text.get(self.range()).unwrap_or_default()
    }

    /// Its name as it is written, without the quotes; empty for what is no member.
    pub(crate) fn raw_name(self) -> &'a str {
        let entry = self.entry();
        if entry.name == NO_NAME {
            return "";
        }
        self.text.get(entry.name as usize + 1..(entry.start as usize).saturating_sub(2)).unwrap_or_default()
    }

    /// Its name.
    pub(crate) fn name(self) -> Cow<'a, str> {
        unescaped(self.raw_name())
    }

    pub(crate) fn kind(self) -> Kind {
        match self.text.as_bytes().get(self.entry().start as usize) {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') | None => Kind::Null,
            Some(_) => Kind::Number,
        }
    }

    pub(crate) fn is_object(self) -> bool {
        self.kind() == Kind::Object
    }

    pub(crate) fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// Members of an object or elements of an array, in order; nothing in anything else.
    pub(crate) fn children(self) -> Children<'a> {
        let end = self.entry().next;
        Children { text: self.text, index: self.index, at: self.at.saturating_add(1).min(end), end }
    }

    /// Whether nothing is in it.
    pub(crate) fn is_empty(self) -> bool {
        self.entry().next <= self.at + 1
    }

    /// The member with this name.
    pub(crate) fn get(self, name: &str) -> Option<Node<'a>> {
        self.get_raw(&raw(name))
    }

    /// The member with the name that is written so.
    pub(crate) fn get_raw(self, raw: &str) -> Option<Node<'a>> {
        if !self.is_object() {
            return None;
        }
        let at = self.index.member(self.text, self.at, raw)?;
        Some(Node { at, ..self })
    }

    /// Whether its name is written so. Compares lengths first, which tells most names apart.
    pub(crate) fn is_named(self, raw: &str) -> bool {
        let entry = self.entry();
        let name = (entry.name as usize).saturating_add(1)..(entry.start as usize).saturating_sub(2);
        name.len() == raw.len() && self.text.as_bytes().get(name) == Some(raw.as_bytes())
    }

    /// The element with this index.
    pub(crate) fn element(self, index: usize) -> Option<Node<'a>> {
        if self.kind() == Kind::Array { self.children().nth(index) } else { None }
    }

    /// The text of a string.
    pub(crate) fn as_str(self) -> Option<Cow<'a, str>> {
        self.raw_str().map(unescaped)
    }

    /// The text of a string as it is written, without the quotes.
    pub(crate) fn raw_str(self) -> Option<&'a str> {
        self.text().strip_prefix('"').and_then(|text| text.strip_suffix('"'))
    }

    /// How deep containers nest in it: 0 for a scalar, 1 for `{}`.
    pub(crate) fn depth(self) -> usize {
        match self.kind() {
            Kind::Object | Kind::Array => {
                self.children().map(Node::depth).max().unwrap_or(0).saturating_add(1)
            }
            _ => 0,
        }
    }

    /// Appends the index of it and of all in it, for a copy of its text that begins at `start` and has the name there.
    pub(super) fn copy_entries(self, start: u32, name: u32, entries: &mut Vec<Entry>) {
        let own = self.entry();
        let (moved, place) = (start.wrapping_sub(own.start), entries.len() as u32);
        let shift = |at: u32| at.wrapping_add(moved);
        let within = self.index.entries.get(self.at as usize..own.next as usize).unwrap_or_default();
        entries.extend(within.iter().map(|entry| Entry {
            start: shift(entry.start),
            end: shift(entry.end),
            next: entry.next - self.at + place,
            name: if entry.name == NO_NAME { NO_NAME } else { shift(entry.name) },
        }));
        if let Some(copied) = entries.get_mut(place as usize) {
            copied.name = name;
        }
    }

    /// What tells it from every other value that is indexed at the same time.
    pub(super) fn address(self) -> usize {
        self.index.entries.get(self.at as usize).map_or(0, |entry| std::ptr::from_ref(entry) as usize)
    }

    /// As a tree of its own.
    pub(crate) fn to_value(self) -> Value {
        match self.kind() {
            Kind::Null => Value::Null,
            Kind::Bool => Value::Bool(self.text() == "true"),
            // Its grammar has been checked; serde_json's public ways to make a number of text rewrite the exponent.
            Kind::Number => Value::Number(Number::from_string_unchecked(self.text().to_owned())),
            Kind::String => Value::String(self.as_str().unwrap_or_default().into_owned()),
            Kind::Array => Value::Array(self.children().map(Node::to_value).collect()),
            Kind::Object => {
                let members = self.children().map(|member| (member.name().into_owned(), member.to_value()));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }
}

/// What is in a container, in order.
#[derive(Clone, Debug)]
pub(crate) struct Children<'a> {
    text: &'a str,
    index: &'a Index,
    at: u32,
    end: u32,
}

impl<'a> Iterator for Children<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        if self.at >= self.end {
            return None;
        }
        let node = Node { text: self.text, index: self.index, at: self.at };
        self.at = node.entry().next.max(self.at + 1);
        Some(node)
    }
}
