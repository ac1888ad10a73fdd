//! Members of an object that are looked for one after another.
//!
//! Two objects that are compared mostly have the same members in the same order, so the member behind the last one found is
//! looked at first.

use super::node::{Children, Node};

/// Finds members by the way their names are written.
pub(crate) struct Lookup<'a> {
    object: Node<'a>,
    /// What comes behind the last one found.
    behind: Children<'a>,
}

impl<'a> Lookup<'a> {
    pub(crate) fn new(object: Node<'a>) -> Lookup<'a> {
        Lookup { object, behind: object.children() }
    }

    pub(crate) fn get_raw(&mut self, raw: &str) -> Option<Node<'a>> {
        let next = self.behind.clone().next().filter(|member| member.is_named(raw));
        let found = next.or_else(|| self.object.get_raw(raw))?;
        self.behind = found.behind(&self.behind);
        Some(found)
    }
}
