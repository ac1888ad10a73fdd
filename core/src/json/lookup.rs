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

    /// The object that members are looked for in.
    pub(crate) fn object(&self) -> Node<'a> {
        self.object
    }

    /// The member behind the last one found, when it is the one: all others have to be looked for.
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
