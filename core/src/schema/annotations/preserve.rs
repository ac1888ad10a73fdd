//! Members that a command leaves as they are: what REPLACE and SHALLOW do not mention, and what neither rollback, reset nor
//! recovery may bring back.

use super::places::{Marks, Place};
use super::rules::Rules;
use crate::json::draft::Draft;
use crate::json::node::Node;
use crate::json::strings::raw;

/// Which members keep their present value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Protected, immutable and secret ones.
    Guarded,
    /// The same where they are there; an absent one may get its default: reset, and defaults filled by a recovery.
    GuardedIfThere,
    /// Immutable and secret ones only: ROLLBACK with ALL.
    NotProtected,
    /// Protected and immutable ones: a secret in a form goes with the form.
    Lapsing,
}

impl Keep {
    fn holds(self, marks: Marks) -> bool {
        match self {
            Keep::Guarded | Keep::GuardedIfThere => marks.immutable || marks.secret || marks.protected,
            Keep::NotProtected => marks.immutable || marks.secret,
            Keep::Lapsing => marks.immutable || marks.protected,
        }
    }
}

impl Rules {
    /// Puts back the protected and immutable members that `change` (the whole document, or the members of a shallow
    /// change applied) does not mention.
    pub fn keep_unmentioned<'v>(&self, after: &mut Draft<'v>, before: Node<'v>) {
        if let Some(root) = self.root() {
            self.keep_unmentioned_at(root, after, before);
        }
    }

    fn keep_unmentioned_at<'v>(&self, place: &Place, after: &mut Draft<'v>, before: Node<'v>) {
        // What is no object any more was mentioned, and the guard has its say.
        if !after.is_object() {
            return;
        }
        for (name, below) in self.members(place, |marks| marks.protected || marks.immutable) {
            let Some(before) = before.get(name) else { continue };
            if let Some(after) = after.get_mut(name) {
                self.keep_unmentioned_at(below, after, before);
            } else if below.marks.protected || below.marks.immutable {
                set_member(after, name, Draft::Same(before));
            } else {
                let mut holder = Draft::object();
                self.keep_unmentioned_at(below, &mut holder, before);
                if !holder.is_empty_object() {
                    set_member(after, name, holder);
                }
            }
        }
    }

    /// Gives the members that are kept their present value in `target`; those that are absent now are absent there.
    pub fn keep_present<'v>(&self, target: &mut Draft<'v>, present: Node<'v>, keep: Keep) {
        if let Some(root) = self.root() {
            self.keep_present_at(root, target, Some(&Draft::Same(present)), keep);
        }
    }

    pub(super) fn keep_present_at<'v>(
        &self,
        place: &Place,
        target: &mut Draft<'v>,
        present: Option<&Draft<'v>>,
        keep: Keep,
    ) {
        for (name, below) in self.members(place, |marks| keep.holds(marks)) {
            let present = present.and_then(|present| present.peek(name));
            if keep.holds(below.marks) {
                match present {
                    Some(present) => set_member(target, name, present),
                    None if keep != Keep::GuardedIfThere => remove_member(target, name),
                    None => {}
                }
                continue;
            }
            let had = target.peek(name);
            if had.is_none() && present.is_none() {
                continue;
            }
            let had_it = had.is_some();
            let mut holder = had.unwrap_or_else(Draft::object);
            self.keep_present_at(below, &mut holder, present.as_ref(), keep);
            // A holder is made for what it has to hold only.
            if had_it || !holder.is_empty_object() {
                set_member(target, name, holder);
            }
        }
    }
}

/// Sets a member; what is no object becomes one to hold it.
pub(super) fn set_member<'v>(target: &mut Draft<'v>, name: &str, value: Draft<'v>) {
    if !target.is_object() {
        *target = Draft::object();
    }
    if let Some(members) = target.members_mut() {
        members.insert(raw(name).into_owned(), value);
    }
}

/// Removes a member, if it is there.
pub(super) fn remove_member(target: &mut Draft, name: &str) {
    if target.has(name)
        && let Some(members) = target.members_mut()
    {
        members.remove(name);
    }
}
