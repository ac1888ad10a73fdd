//! `x-ttl` on a member: from when to when it lasts, and what is left when it has lapsed.
//!
//! A lapsed member goes back to its default, or away. What is protected or immutable in it stays: it goes by a deadline of
//! its own only.

use super::lifetime::Lifetime;
use super::places::Place;
use super::preserve::{Keep, remove_member, set_member};
use super::rules::{Rules, member, pointer, within};
use crate::error::Error;
use crate::json::draft::Draft;
use crate::json::equal::equal;
use crate::json::node::Node;
use crate::json::pointer::Pointer;
use crate::json::written::Written;
use crate::state::deadlines::{DEADLINES_MAX, Deadline, Deadlines};

/// What deadlines are reckoned from.
pub struct Clock<'a> {
    pub now_ms: i64,
    /// The document and its deadlines before, if there was one.
    pub before: Option<(Node<'a>, &'a Deadlines)>,
    /// What is written now; nothing when somebody was merely there.
    pub written: Option<&'a Written<'a>>,
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

    /// Lets the members at `places` lapse.
    pub fn lapse<'v>(&'v self, value: &mut Draft<'v>, places: &[Pointer]) {
        // Parents first: what comes back with the default of one is there to lapse in its turn.
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

    /// What is left of a member that lapses.
    fn left_of<'v>(&'v self, place: &'v Place, present: &Draft<'v>) -> Option<Draft<'v>> {
        let default = place.default.as_ref().map(|default| Draft::Same(default.root()));
        let mut left = default.unwrap_or_else(Draft::object);
        self.keep_present_at(place, &mut left, Some(present), Keep::Lapsing);
        (place.default.is_some() || !left.is_empty_object()).then_some(left)
    }

    /// The place that a pointer leads to.
    fn place(&self, pointer: &Pointer) -> Option<&Place> {
        pointer.tokens().iter().try_fold(self.root()?, |place, token| self.below(place, token))
    }
}

impl Lifetime {
    /// When a member with this lifetime lapses; never when it had no deadline and is not written.
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
