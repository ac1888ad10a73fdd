//! Lookups of members of an object, one after another.
//!
//! Two compared objects usually have the same members in the same order, so the member after the
//! last one found is tried first.

use super::node::Node;

/// Finds members by their names in canonical form.
pub(crate) struct Lookup<'a> {
    object: Node<'a>,
    /// The index after the last one found.
    next: usize,
}

impl<'a> Lookup<'a> {
    pub(crate) fn new(object: Node<'a>) -> Lookup<'a> {
        Lookup { object, next: 0 }
    }

    /// The object.
    pub(crate) fn object(&self) -> Node<'a> {
        self.object
    }

    /// The member after the last one found, if it has this name; otherwise all are searched.
    pub(crate) fn next_named(&mut self, raw: &str) -> Option<Node<'a>> {
        let next = self.object.child(self.next).filter(|member| member.is_named(raw))?;
        self.next = self.next.saturating_add(1);
        Some(next)
    }

    pub(crate) fn get_raw(&mut self, raw: &str) -> Option<Node<'a>> {
        self.next_named(raw).or_else(|| {
            let position = self.object.position(raw)?;
            self.next = position.saturating_add(1);
            self.object.child(position)
        })
    }
}
