//! Members of an object that are looked for one after another.
//!
//! Two objects that are compared mostly have the same members in the same order, so the member behind the last one found is
//! looked at first.

use super::node::Node;

/// Finds members by the way their names are written.
pub(crate) struct Lookup<'a> {
    object: Node<'a>,
    /// The place behind the last one found.
    next: usize,
}

impl<'a> Lookup<'a> {
    pub(crate) fn new(object: Node<'a>) -> Lookup<'a> {
        Lookup { object, next: 0 }
    }

    pub(crate) fn get_raw(&mut self, raw: &str) -> Option<Node<'a>> {
        let next = self.object.child(self.next).filter(|member| member.is_named(raw));
        let position = next.map(|_| self.next).or_else(|| self.object.position(raw))?;
        self.next = position.saturating_add(1);
        self.object.child(position)
    }
}
