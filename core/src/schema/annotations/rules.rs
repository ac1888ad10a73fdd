//! The compiled annotations of a schema.

use super::places;
use super::places::{Marks, Place};
use super::transitions::Transitions;
use crate::error::Error;
use crate::json::name::Name;
use crate::json::node::Node;
use crate::json::pointer::escaped;
use crate::json::tree::Tree;
use crate::schema::refs::Whole;
use crate::schema::source::Strictness;

/// The compiled annotations of a schema.
#[derive(Debug, Default)]
pub struct Rules {
    /// The first is the document; empty without annotations.
    pub(super) places: Vec<Place>,
    /// Whether a lapse may make a valid document invalid.
    pub(super) may_lapse_into_violations: bool,
}

impl Rules {
    /// Reads the annotations of a schema; `initial` is the document it starts with.
    pub fn compile(whole: &Whole, initial: &Tree, strictness: Strictness) -> Result<Rules, Error> {
        let places = places::compile(whole, strictness)?;
        let rules = Rules { places, may_lapse_into_violations: false };
        rules.check_beginnings(initial.root())?;
        Ok(rules)
    }

    /// Whether any member is a secret.
    pub fn has_secrets(&self) -> bool {
        self.root().is_some_and(|root| root.marks_within().secret)
    }

    /// Whether any member has transitions.
    pub fn has_steps(&self) -> bool {
        self.root().is_some_and(|root| root.marks_within().steps)
    }

    /// Rejects a transition that is not allowed.
    pub fn check_transitions(&self, before: Option<Node>, after: Node) -> Result<(), Error> {
        let Some(root) = self.root() else { return Ok(()) };
        self.check_transitions_at(root, &mut pointer(), before, Some(after))
    }

    fn check_transitions_at(
        &self,
        place: &Place,
        pointer: &mut String,
        before: Option<Node>,
        after: Option<Node>,
    ) -> Result<(), Error> {
        for transitions in &place.transitions {
            transitions.check(if pointer.is_empty() { "/" } else { pointer }, before, after)?;
        }
        for (name, below) in self.members(place, |marks| marks.steps) {
            let (before, after) = (member(before, name), member(after, name));
            if before.is_some() || after.is_some() {
                within(pointer, name, |pointer| self.check_transitions_at(below, pointer, before, after))?;
            }
        }
        Ok(())
    }

    /// Rejects defaults that are not initial steps.
    fn check_beginnings(&self, initial: Node) -> Result<(), Error> {
        for place in &self.places {
            let Some(default) = &place.default else { continue };
            place
                .transitions
                .iter()
                .try_for_each(|transitions| begins(transitions, default.root(), place))?;
        }
        self.check_beginnings_at(self.root(), Some(initial))
    }

    fn check_beginnings_at(&self, place: Option<&Place>, value: Option<Node>) -> Result<(), Error> {
        let (Some(place), Some(value)) = (place, value) else { return Ok(()) };
        place.transitions.iter().try_for_each(|transitions| begins(transitions, value, place))?;
        let mut members = self.members(place, |marks| marks.steps);
        members.try_for_each(|(name, below)| self.check_beginnings_at(Some(below), value.member(name)))
    }

    pub(super) fn root(&self) -> Option<&Place> {
        self.places.first()
    }

    /// The annotated member of a place by a token of a pointer.
    pub(super) fn below(&self, place: &Place, token: &str) -> Option<&Place> {
        let (_, number) = place.members.iter().find(|(name, _)| **name == *token)?;
        self.places.get(*number)
    }

    /// The annotated members of a place with certain marks at or below them.
    pub(super) fn members<'r>(
        &'r self,
        place: &'r Place,
        wanted: impl Fn(Marks) -> bool + 'r,
    ) -> impl Iterator<Item = (&'r Name, &'r Place)> {
        let members = place.members.iter();
        let members = members.filter_map(|(name, number)| Some((name, self.places.get(*number)?)));
        members.filter(move |(_, place)| wanted(place.marks_within()))
    }
}

fn begins(transitions: &Transitions, value: Node, place: &Place) -> Result<(), Error> {
    if transitions.begins_with(value) {
        return Ok(());
    }
    let reason = "the default is not one of the initial steps".to_owned();
    Err(crate::schema::source::bad_schema(&place.pointer, reason))
}

pub(super) fn member<'v>(value: Option<Node<'v>>, name: &Name) -> Option<Node<'v>> {
    value?.member(name)
}

/// An empty pointer with room for most: a walk appends to it and truncates it.
pub(super) fn pointer() -> String {
    String::with_capacity(64)
}

/// Calls `walk` with the pointer of a member.
pub(super) fn within<T>(pointer: &mut String, name: &str, walk: impl FnOnce(&mut String) -> T) -> T {
    let len = pointer.len();
    pointer.push('/');
    if name.bytes().any(|byte| matches!(byte, b'~' | b'/')) {
        pointer.push_str(&escaped(name));
    } else {
        pointer.push_str(name);
    }
    let result = walk(pointer);
    pointer.truncate(len);
    result
}
