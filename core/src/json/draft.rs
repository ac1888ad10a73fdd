//! A draft: a document during a change, as spans of its source texts and containers that were
//! opened for a difference.
//!
//! Unchanged parts are never parsed: each stays one span of any length, and is copied into the new
//! text. Only the containers around a change are opened, each into a list of spans. Not a list of
//! splices: a patch whose operations see each other's results would have to index the whole text
//! again after each.

use std::borrow::Cow;
use std::collections::HashMap;

use super::entry::{Entry, NO_NAME};
use super::equal::equal;
use super::lookup::Lookup;
use super::node::{Kind, Node};
use super::pointer::{Pointer, array_index};
use super::strings::{raw, same};
use super::tree::Tree;

/// A value during a change.
#[derive(Clone, Debug)]
pub(crate) enum Draft<'a> {
    /// A span of a text.
    Same(Node<'a>),
    Object(Members<'a>),
    Array(Vec<Draft<'a>>),
}

impl<'a> Draft<'a> {
    /// `{}`.
    pub(crate) fn object() -> Draft<'a> {
        Draft::Object(Members::default())
    }

    pub(crate) fn is_object(&self) -> bool {
        match self {
            Draft::Same(node) => node.is_object(),
            Draft::Object(_) => true,
            Draft::Array(_) => false,
        }
    }

    /// Whether it is an empty object.
    pub(crate) fn is_empty_object(&self) -> bool {
        match self {
            Draft::Same(node) => node.is_object() && node.is_empty(),
            Draft::Object(members) => members.len == 0,
            Draft::Array(_) => false,
        }
    }

    /// Whether nothing was opened, so that nothing can differ.
    pub(crate) fn as_same(&self) -> Option<Node<'a>> {
        match self {
            Draft::Same(node) => Some(*node),
            Draft::Object(_) | Draft::Array(_) => None,
        }
    }

    /// Opens a container, so that its children can change.
    pub(super) fn open(&mut self) {
        if let Draft::Same(node) = *self {
            match node.kind() {
                Kind::Object => *self = Draft::Object(Members::of(node)),
                Kind::Array => *self = Draft::Array(node.children().map(Draft::Same).collect()),
                _ => {}
            }
        }
    }

    /// The members of an object, for a change.
    pub(crate) fn members_mut(&mut self) -> Option<&mut Members<'a>> {
        self.open();
        if let Draft::Object(members) = self { Some(members) } else { None }
    }

    /// The elements of an array, for a change.
    pub(crate) fn elements_mut(&mut self) -> Option<&mut Vec<Draft<'a>>> {
        self.open();
        if let Draft::Array(elements) = self { Some(elements) } else { None }
    }

    /// Whether it has a member.
    pub(crate) fn has(&mut self, name: &str) -> bool {
        match self {
            Draft::Same(node) => node.get(name).is_some(),
            Draft::Object(members) => members.get_mut(name).is_some(),
            Draft::Array(_) => false,
        }
    }

    /// A member, without opening it for a change.
    pub(crate) fn peek(&self, name: &str) -> Option<Draft<'a>> {
        match self {
            Draft::Same(node) => node.get(name).map(Draft::Same),
            Draft::Object(members) => members.peek(&raw(name)).cloned(),
            Draft::Array(_) => None,
        }
    }

    /// A member, for a change. Opens the object if it has the member.
    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Draft<'a>> {
        if !self.has(name) {
            return None;
        }
        self.members_mut()?.get_mut(name)
    }

    /// The child of a pointer's token, for a change.
    fn step_mut(&mut self, token: &str) -> Option<&mut Draft<'a>> {
        if self.is_object() {
            return self.get_mut(token);
        }
        self.elements_mut()?.get_mut(array_index(token)?)
    }

    /// The value at a pointer, for a change.
    pub(crate) fn find_mut(&mut self, pointer: &Pointer) -> Option<&mut Draft<'a>> {
        pointer.tokens().iter().try_fold(self, |draft, token| draft.step_mut(token))
    }

    /// The container at the parent of a pointer, and the last token. `None` for the whole document,
    /// and where no container is.
    pub(crate) fn find_parent_mut<'p>(&mut self, pointer: &'p Pointer) -> Option<(&mut Draft<'a>, &'p str)> {
        let (last, parents) = pointer.tokens().split_last()?;
        Some((parents.iter().try_fold(self, |draft, token| draft.step_mut(token))?, last))
    }

    /// Whether it is the same JSON value as a node.
    pub(crate) fn equals(&self, other: Node) -> bool {
        match self {
            Draft::Same(node) => equal(*node, other),
            Draft::Object(members) => {
                let mut others = Lookup::new(other);
                other.is_object()
                    && members
                        .iter()
                        .all(|(name, member)| others.get_raw(name).is_some_and(|other| member.equals(other)))
                    && other.children().nth(members.len).is_none()
            }
            Draft::Array(elements) => {
                let mut others = other.children();
                other.kind() == Kind::Array
                    && elements.iter().all(|element| others.next().is_some_and(|other| element.equals(other)))
                    && others.next().is_none()
            }
        }
    }

    /// How deep containers nest in it.
    pub(crate) fn depth(&self) -> usize {
        let deepest = match self {
            Draft::Same(node) => return node.depth(),
            Draft::Object(members) => members.iter().map(|(_, member)| member.depth()).max(),
            Draft::Array(elements) => elements.iter().map(Draft::depth).max(),
        };
        deepest.unwrap_or(0).saturating_add(1)
    }

    /// The number of opened values: containers and their children.
    pub(super) fn opened(&self) -> usize {
        match self {
            Draft::Same(_) => 0,
            Draft::Object(members) => members
                .iter()
                .map(|(_, member)| member.opened().saturating_add(1))
                .sum::<usize>()
                .saturating_add(1),
            Draft::Array(elements) => elements
                .iter()
                .map(|element| element.opened().saturating_add(1))
                .sum::<usize>()
                .saturating_add(1),
        }
    }

    /// The length of its text in bytes.
    pub(crate) fn text_len(&self) -> usize {
        let separated = |count: usize| count.max(1).saturating_add(1);
        match self {
            Draft::Same(node) => node.text().len(),
            Draft::Object(members) => {
                let named = |(name, member): &(Cow<str>, Draft)| {
                    name.len().saturating_add(3).saturating_add(member.text_len())
                };
                members.iter().map(named).fold(separated(members.len), usize::saturating_add)
            }
            Draft::Array(elements) => {
                elements.iter().map(Draft::text_len).fold(separated(elements.len()), usize::saturating_add)
            }
        }
    }

    /// Writes its text and returns its entry, with the children of opened containers; spans are not
    /// parsed. `name` is where its own name begins.
    fn write(&self, name: u32, out: &mut String) -> Entry {
        let start = out.len();
        let entries = match self {
            Draft::Same(node) => {
                out.push_str(node.text());
                return Entry::new(start, out.len(), name);
            }
            Draft::Object(members) => {
                out.push('{');
                let written = members.iter().enumerate().map(|(count, (name, member))| {
                    out.push_str(if count == 0 { "" } else { "," });
                    let name_start = out.len() as u32;
                    out.push('"');
                    out.push_str(name);
                    out.push_str("\":");
                    member.write(name_start, out)
                });
                let entries = written.collect();
                out.push('}');
                entries
            }
            Draft::Array(elements) => {
                out.push('[');
                let written = elements.iter().enumerate().map(|(count, element)| {
                    out.push_str(if count == 0 { "" } else { "," });
                    element.write(NO_NAME, out)
                });
                let entries = written.collect();
                out.push(']');
                entries
            }
        };
        Entry::opened(start, out.len(), name, entries)
    }

    /// Its text as a tree.
    pub(crate) fn into_tree<'t>(self) -> Tree<'t> {
        let len = self.text_len();
        self.into_tree_of(len)
    }

    /// Its text as a tree, with an estimate of its length.
    pub(crate) fn into_tree_of<'t>(self, len: usize) -> Tree<'t> {
        let mut text = String::with_capacity(len);
        let root = self.write(NO_NAME, &mut text);
        Tree::new(text, root)
    }
}

/// The members of an opened object, in order, with names in canonical form.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members<'a> {
    /// A removed member leaves a gap: moving its successors and rebuilding the table took
    /// milliseconds for each removal from a wide object.
    list: Vec<Option<(Cow<'a, str>, Draft<'a>)>>,
    /// How many members there are.
    len: usize,
    /// The positions of names; built after many lookups among many members. Boxed, since few drafts
    /// have one, and drafts are moved.
    places: Option<Box<Places<'a>>>,
    scans: usize,
}

/// The positions of names in the list.
#[derive(Clone, Debug)]
struct Places<'a>(HashMap<Cow<'a, str>, usize>);

impl<'a> Members<'a> {
    /// Fewer members than this are searched linearly.
    const MANY: usize = 32;
    /// The lookups before a table is built.
    const SCANS_MAX: usize = 8;

    fn of(object: Node<'a>) -> Members<'a> {
        let mut list = Vec::with_capacity(object.children().len());
        list.extend(
            object.children().map(|member| Some((Cow::Borrowed(member.raw_name()), Draft::Same(member)))),
        );
        Members { len: list.len(), list, ..Members::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    fn iter(&self) -> impl Iterator<Item = &(Cow<'a, str>, Draft<'a>)> {
        self.list.iter().flatten()
    }

    /// The number of names in the table, if that many more lookups build it.
    pub(super) fn names_to_index(&self, lookups: usize) -> usize {
        let is_due = self.places.is_none() && self.scans.saturating_add(lookups) > Self::SCANS_MAX;
        if is_due && self.list.len() >= Self::MANY { self.list.len() } else { 0 }
    }

    fn place(&mut self, raw: &str) -> Option<usize> {
        if self.list.len() >= Self::MANY && self.places.is_none() {
            self.scans = self.scans.saturating_add(1);
            if self.scans > Self::SCANS_MAX {
                let names = self.list.iter().enumerate();
                let places = names.filter_map(|(place, member)| Some((member.as_ref()?.0.clone(), place)));
                self.places = Some(Box::new(Places(places.collect())));
            }
        }
        match &self.places {
            Some(places) => places.0.get(raw).copied(),
            None => self.list.iter().position(|member| {
                member.as_ref().is_some_and(|(name, _)| same(name.as_bytes(), raw.as_bytes()))
            }),
        }
    }

    fn peek(&self, raw: &str) -> Option<&Draft<'a>> {
        self.iter().find(|(name, _)| same(name.as_bytes(), raw.as_bytes())).map(|(_, member)| member)
    }

    /// The member with this name.
    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Draft<'a>> {
        self.get_raw_mut(&raw(name))
    }

    /// The member by its name in canonical form.
    fn get_raw_mut(&mut self, raw: &str) -> Option<&mut Draft<'a>> {
        let place = self.place(raw)?;
        self.at_mut(place)
    }

    fn at_mut(&mut self, place: usize) -> Option<&mut Draft<'a>> {
        self.list.get_mut(place)?.as_mut().map(|(_, member)| member)
    }

    /// Replaces a member in place, or appends it; returns the former value. The name is in
    /// canonical form.
    pub(crate) fn insert(&mut self, raw: impl Into<Cow<'a, str>>, value: Draft<'a>) -> Option<Draft<'a>> {
        let raw = raw.into();
        match self.get_raw_mut(&raw) {
            Some(member) => Some(std::mem::replace(member, value)),
            None => {
                self.append(raw, value);
                None
            }
        }
    }

    /// Appends a member with a new name.
    fn append(&mut self, raw: Cow<'a, str>, value: Draft<'a>) {
        if let Some(places) = &mut self.places {
            places.0.insert(raw.clone(), self.list.len());
        }
        self.list.push(Some((raw, value)));
        self.len = self.len.saturating_add(1);
    }

    /// The member by its name in canonical form; appended as `absent` if it does not exist.
    pub(crate) fn entry(
        &mut self,
        raw: Cow<'a, str>,
        absent: impl FnOnce() -> Draft<'a>,
    ) -> Option<&mut Draft<'a>> {
        let place = self.place(&raw).unwrap_or_else(|| {
            self.append(raw, absent());
            self.list.len().saturating_sub(1)
        });
        self.at_mut(place)
    }

    /// Removes a member; the others keep their order.
    pub(crate) fn remove(&mut self, name: &str) -> Option<Draft<'a>> {
        let raw = raw(name);
        let place = self.place(&raw)?;
        if let Some(places) = &mut self.places {
            places.0.remove(&*raw);
        }
        let (_, member) = self.list.get_mut(place)?.take()?;
        self.len = self.len.saturating_sub(1);
        Some(member)
    }

    /// Keeps the members whose names are wanted.
    pub(crate) fn retain(&mut self, wanted: impl Fn(&str) -> bool) {
        self.list.retain(|member| member.as_ref().is_some_and(|(name, _)| wanted(name)));
        self.len = self.list.len();
        self.places = None;
        self.scans = 0;
    }
}
