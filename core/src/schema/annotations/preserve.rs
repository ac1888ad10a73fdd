//! Members that a command leaves unchanged: those that REPLACE and SHALLOW do not mention, and
//! those that rollback, reset and recovery must not restore.

use super::places::{Marks, Place};
use super::rules::Rules;
use crate::json::draft::Draft;
use crate::json::node::Node;
use crate::json::strings::raw;

/// Which members keep their present value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preserve {
    /// Protected, immutable and secret members.
    Annotated,
    /// The same if present; an absent one may get its default: reset, and defaults filled by a
    /// recovery.
    AnnotatedIfPresent,
    /// Immutable and secret members only: ROLLBACK with ALL.
    AllButProtected,
    /// Immutable members if present: RESET with ALL.
    ImmutableIfPresent,
    /// Protected and immutable members: a secret in a form lapses with the form.
    ProtectedOrImmutable,
}

impl Preserve {
    fn holds(self, marks: Marks) -> bool {
        match self {
            Preserve::Annotated | Preserve::AnnotatedIfPresent => {
                marks.immutable || marks.secret || marks.protected
            }
            Preserve::AllButProtected => marks.immutable || marks.secret,
            Preserve::ImmutableIfPresent => marks.immutable,
            Preserve::ProtectedOrImmutable => marks.immutable || marks.protected,
        }
    }

    /// Whether an absent member may get its default.
    fn defaults(self) -> bool {
        matches!(self, Preserve::AnnotatedIfPresent | Preserve::ImmutableIfPresent)
    }
}

impl Rules {
    /// Restores the members that `after` (the whole document, or the members of an applied shallow
    /// change) does not mention: immutable ones, and protected ones unless they are replaced too.
    pub fn preserve_unmentioned<'v>(
        &self,
        after: &mut Draft<'v>,
        before: Node<'v>,
        replaces_protected: bool,
    ) {
        let is_kept = |marks: Marks| marks.immutable || (marks.protected && !replaces_protected);
        if let Some(root) = self.root() {
            self.preserve_unmentioned_at(root, after, before, &is_kept);
        }
    }

    fn preserve_unmentioned_at<'v>(
        &self,
        place: &Place,
        after: &mut Draft<'v>,
        before: Node<'v>,
        is_kept: &impl Fn(Marks) -> bool,
    ) {
        // A value that is no object any more was mentioned, and is checked later.
        if !after.is_object() {
            return;
        }
        for (name, below) in self.members(place, is_kept) {
            let Some(before) = before.get(name) else { continue };
            if let Some(after) = after.get_mut(name) {
                self.preserve_unmentioned_at(below, after, before, is_kept);
            } else if is_kept(below.marks) {
                set_member(after, name, Draft::Same(before));
            } else {
                let mut holder = Draft::object();
                self.preserve_unmentioned_at(below, &mut holder, before, is_kept);
                if !holder.is_empty_object() {
                    set_member(after, name, holder);
                }
            }
        }
    }

    /// Whether any member is protected, immutable or secret.
    pub fn preserves(&self) -> bool {
        self.root().is_some_and(|root| Preserve::Annotated.holds(root.marks_within()))
    }

    /// Gives the preserved members of `target` their present value; those that are absent now are
    /// removed.
    pub fn preserve<'v>(&self, target: &mut Draft<'v>, present: Node<'v>, keep: Preserve) {
        if let Some(root) = self.root() {
            self.preserve_at(root, target, Some(&Draft::Same(present)), keep);
        }
    }

    pub(super) fn preserve_at<'v>(
        &self,
        place: &Place,
        target: &mut Draft<'v>,
        present: Option<&Draft<'v>>,
        keep: Preserve,
    ) {
        for (name, below) in self.members(place, |marks| keep.holds(marks)) {
            let present = present.and_then(|present| present.peek(name));
            if keep.holds(below.marks) {
                match present {
                    Some(present) => set_member(target, name, present),
                    None if keep.defaults() => {}
                    None => remove_member(target, name),
                }
                continue;
            }
            let had = target.peek(name);
            if had.is_none() && present.is_none() {
                continue;
            }
            let had_it = had.is_some();
            let mut holder = had.unwrap_or_else(Draft::object);
            self.preserve_at(below, &mut holder, present.as_ref(), keep);
            // A holder is added only for a member in it.
            if had_it || !holder.is_empty_object() {
                set_member(target, name, holder);
            }
        }
    }
}

/// Sets a member; a value that is no object becomes one.
pub(super) fn set_member<'v>(target: &mut Draft<'v>, name: &str, value: Draft<'v>) {
    if !target.is_object() {
        *target = Draft::object();
    }
    if let Some(members) = target.members_mut() {
        members.insert(raw(name).into_owned(), value);
    }
}

/// Removes a member, if it exists.
pub(super) fn remove_member(target: &mut Draft, name: &str) {
    if target.has(name)
        && let Some(members) = target.members_mut()
    {
        members.remove(name);
    }
}
