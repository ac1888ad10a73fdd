//! A read-only view of one value of a text.
//!
//! Names and strings are compared in canonical form: canonical text has one form of each, so two
//! strings are equal exactly when their texts are.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "positions in a text that is shorter than 4 GiB: sums of two of them fit a usize of 64 bits"
)]

use std::borrow::Cow;
use std::ops::Range;

use serde_json::{Map, Number, Value};

use super::entry::Entry;
use super::name::Name;
use super::skip;
use super::strings::{raw, same, unescaped};

/// The type of a value.
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
    entry: &'a Entry,
}

impl<'a> Node<'a> {
    pub(super) fn new(text: &'a str, entry: &'a Entry) -> Node<'a> {
        Node { text, entry }
    }

    /// Its position in the whole text.
    pub(crate) fn range(self) -> Range<usize> {
        self.entry.start as usize..self.entry.end as usize
    }

    /// Its text.
    pub(crate) fn text(self) -> &'a str {
        self.text.get(self.range()).unwrap_or_default()
    }

    /// Its name in canonical form, without the quotes; empty for a value that is not a member.
    pub(crate) fn raw_name(self) -> &'a str {
        self.entry.raw_name(self.text)
    }

    /// Its name.
    pub(crate) fn name(self) -> Cow<'a, str> {
        unescaped(self.raw_name())
    }

    pub(crate) fn kind(self) -> Kind {
        match self.text.as_bytes().get(self.entry.start as usize) {
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

    pub(crate) fn is_array(self) -> bool {
        self.kind() == Kind::Array
    }

    pub(crate) fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// Members of an object or elements of an array, in order; empty for a scalar.
    pub(crate) fn children(self) -> Children<'a> {
        Children { text: self.text, entries: self.entry.entries(self.text).iter() }
    }

    /// Whether it has no children.
    pub(crate) fn is_empty(self) -> bool {
        !matches!(self.kind(), Kind::Object | Kind::Array) || self.range().len() <= "{}".len()
    }

    /// The member with this name.
    pub(crate) fn get(self, name: &str) -> Option<Node<'a>> {
        self.get_raw(&raw(name))
    }

    /// The member with this prepared name.
    pub(crate) fn member(self, name: &Name) -> Option<Node<'a>> {
        self.get_raw(name.raw())
    }

    /// The member by its name in canonical form.
    pub(crate) fn get_raw(self, raw: &str) -> Option<Node<'a>> {
        self.child(self.position(raw)?)
    }

    /// The index of the member by its name in canonical form.
    pub(super) fn position(self, raw: &str) -> Option<usize> {
        if self.is_object() { self.entry.position(self.text, raw) } else { None }
    }

    /// The charge of sorting the names of a wide object before the first lookup; 0 if that is done
    /// or not needed.
    pub(crate) fn table_cost(self) -> usize {
        if self.is_object() { self.entry.table_cost(self.text) } else { 0 }
    }

    /// The member or element at this place.
    pub(super) fn child(self, position: usize) -> Option<Node<'a>> {
        self.entry.entries(self.text).get(position).map(|entry| Node { entry, ..self })
    }

    /// Whether this is its name in canonical form.
    pub(crate) fn is_named(self, raw: &str) -> bool {
        self.entry.is_named(self.text, raw)
    }

    /// Whether it has the same name as another member.
    pub(super) fn is_namesake_of(self, other: Node) -> bool {
        same(self.entry.name_bytes(self.text), other.entry.name_bytes(other.text))
    }

    /// The element with this index.
    pub(crate) fn element(self, index: usize) -> Option<Node<'a>> {
        if self.kind() == Kind::Array { self.child(index) } else { None }
    }

    /// The text of a string.
    pub(crate) fn as_str(self) -> Option<Cow<'a, str>> {
        self.raw_str().map(unescaped)
    }

    /// The text of a string in canonical form, without the quotes.
    pub(crate) fn raw_str(self) -> Option<&'a str> {
        self.text().strip_prefix('"').and_then(|text| text.strip_suffix('"'))
    }

    /// How deep containers nest in it: 0 for a scalar, 1 for `{}`.
    pub(crate) fn depth(self) -> usize {
        skip::depth(self.text().as_bytes())
    }

    /// Whether both are the same node, not only equal.
    pub(crate) fn is(self, other: Node) -> bool {
        std::ptr::eq(self.entry, other.entry)
    }

    /// As serde_json's tree.
    pub(crate) fn to_value(self) -> Value {
        match self.kind() {
            Kind::Null => Value::Null,
            Kind::Bool => Value::Bool(self.text() == "true"),
            // Its grammar is checked; serde_json's public constructors rewrite the exponent.
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

/// The children of a container, in order.
#[derive(Clone, Debug)]
pub(crate) struct Children<'a> {
    text: &'a str,
    entries: std::slice::Iter<'a, Entry>,
}

impl<'a> Iterator for Children<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        self.entries.next().map(|entry| Node { text: self.text, entry })
    }

    fn nth(&mut self, n: usize) -> Option<Node<'a>> {
        self.entries.nth(n).map(|entry| Node { text: self.text, entry })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

impl DoubleEndedIterator for Children<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.entries.next_back().map(|entry| Node { text: self.text, entry })
    }
}

impl ExactSizeIterator for Children<'_> {}
