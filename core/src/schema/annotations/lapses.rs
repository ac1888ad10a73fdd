//! Deadlines of members with `x-ttl`, and what a lapse leaves of them.
//!
//! A lapsed member returns to its default, or is removed. Protected and immutable members within it
//! stay: only a deadline of their own removes them.

use super::lifetime::Lifetime;
use super::places::Place;
use super::preserve::{Preserve, remove_member, set_member};
use super::rules::{Rules, member, pointer, within};
use crate::error::Error;
use crate::json::draft::Draft;
use crate::json::equal::equal;
use crate::json::node::Node;
use crate::json::pointer::Pointer;
use crate::json::written::WrittenMembers;
use crate::state::deadlines::{DEADLINES_MAX, Deadline, Deadlines};

/// The inputs of a deadline.
pub struct Clock<'a> {
    pub now_ms: i64,
    /// The former document and its deadlines, if there was one.
    pub before: Option<(Node<'a>, &'a Deadlines)>,
    /// What the command writes; nothing for a command that only renews.
    pub written: Option<&'a WrittenMembers<'a>>,
}

impl Rules {
    /// Whether any member lapses.
    pub fn has_lifetimes(&self) -> bool {
        self.root().is_some_and(|root| root.marks_within().lapses)
    }

    /// The deadlines of a document.
    ///
    /// Errors: `TOOBIG` for more than [`DEADLINES_MAX`] members with one.
    pub fn deadlines(&self, after: Node, clock: &Clock) -> Result<Deadlines, Error> {
        let mut deadlines = Vec::new();
        if let Some(root) = self.root() {
            let before = clock.before.map(|(value, _)| value);
            self.collect_deadlines(root, &mut pointer(), before, after, clock, &mut deadlines)?;
        }
        Ok(Deadlines::new(deadlines))
    }

    fn collect_deadlines(
        &self,
        place: &Place,
        pointer: &mut String,
        before: Option<Node>,
        after: Node,
        clock: &Clock,
        found: &mut Vec<Deadline>,
    ) -> Result<(), Error> {
        if let Some(at_ms) = place.lifetime.and_then(|lifetime| {
            let is_default = place.default.as_ref().is_some_and(|default| equal(default.root(), after));
            let at_ms = || lifetime.at_ms(pointer, before, after, clock);
            if is_default { None } else { at_ms() }
        }) {
            if found.len() == DEADLINES_MAX {
                return Err(Error::TooManyDeadlines { limit: DEADLINES_MAX });
            }
            found.push(Deadline { place: pointer.as_str().into(), at_ms });
        }
        for (name, below) in self.members(place, |marks| marks.lapses) {
            let Some(after) = after.member(name) else { continue };
            let before = member(before, name);
            within(pointer, name, |pointer| {
                self.collect_deadlines(below, pointer, before, after, clock, found)
            })?;
        }
        Ok(())
    }

    /// Applies the lapse of the members at `places`.
    pub fn lapse<'v>(&'v self, value: &mut Draft<'v>, places: &[Pointer]) {
        // Parents first: a member that the default of its parent restores lapses in turn.
        let mut parents_first: Vec<&Pointer> = places.iter().collect();
        parents_first.sort_by_key(|pointer| pointer.tokens().len());
        for pointer in parents_first {
            let Some(present) = value.find_mut(pointer).cloned() else { continue };
            let left = self.place(pointer).and_then(|place| self.left_of(place, &present));
            match (value.find_parent_mut(pointer).filter(|(parent, _)| parent.is_object()), left) {
                (Some((parent, name)), Some(left)) => set_member(parent, name, left),
                (Some((parent, name)), None) => remove_member(parent, name),
                (None, _) => {}
            }
        }
    }

    /// Whether a member has its default.
    pub fn is_default(&self, pointer: &Pointer, value: Node) -> bool {
        let default = self.place(pointer).and_then(|place| place.default.as_ref());
        default.is_some_and(|default| equal(default.root(), value))
    }

    /// What a lapse leaves of a member.
    fn left_of<'v>(&'v self, place: &'v Place, present: &Draft<'v>) -> Option<Draft<'v>> {
        let default = place.default.as_ref().map(|default| Draft::Same(default.root()));
        let mut left = default.unwrap_or_else(Draft::object);
        self.preserve_at(place, &mut left, Some(present), Preserve::ProtectedOrImmutable);
        (place.default.is_some() || !left.is_empty_object()).then_some(left)
    }

    /// The place that a pointer leads to.
    pub(super) fn place(&self, pointer: &Pointer) -> Option<&Place> {
        pointer.tokens().iter().try_fold(self.root()?, |place, token| self.below(place, token))
    }
}

impl Lifetime {
    /// The deadline of a member with this lifetime; none when it had none and is not written.
    fn at_ms(self, pointer: &str, before: Option<Node>, after: Node, clock: &Clock) -> Option<i64> {
        let anew = || Some(clock.now_ms.saturating_add(self.ttl_ms));
        let is_written = || {
            let written = clock.written.zip(Pointer::parse(pointer));
            written.is_some_and(|(written, place)| written.touches(&place, before, after))
        };
        if self.sliding || is_written() {
            return anew();
        }
        clock.before.and_then(|(_, deadlines)| deadlines.of(pointer))
    }
}
