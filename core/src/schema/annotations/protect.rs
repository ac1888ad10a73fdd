//! Protected and immutable members: what the documents before and after must have in common.

use super::places::{Marks, Place};
use super::rules::{Rules, member, pointer, within};
use crate::error::Error;
use crate::json::equal::equal;
use crate::json::name::Name;
use crate::json::node::Node;

/// What a protected or immutable member is compared with.
#[derive(Clone, Copy)]
pub struct Before<'v> {
    /// For immutable members: the state's document. Nothing at creation, where they are set.
    pub document: Option<Node<'v>>,
    /// For protected members: the state's document, and at creation the defaults.
    pub protected: Option<Node<'v>>,
}

impl<'v> Before<'v> {
    /// Whether a member has its former text, and with it everything in it.
    fn is_written_as(self, after: Option<Node>) -> bool {
        let text = after.map(Node::text);
        text.is_some()
            && self.document.map(Node::text) == text
            && (self.are_one() || self.protected.map(Node::text) == text)
    }

    /// Equal except at creation.
    fn are_one(self) -> bool {
        self.document.zip(self.protected).is_some_and(|(document, protected)| document.is(protected))
    }

    pub(super) fn member(self, name: &Name) -> Before<'v> {
        let document = member(self.document, name);
        let protected = if self.are_one() { document } else { member(self.protected, name) };
        Before { document, protected }
    }
}

/// Members that are the same JSON in another text, by pointer, with their former text.
pub type Reworded<'v> = Vec<(String, Node<'v>)>;

impl Rules {
    /// Rejects a change of protected members, unless `may_write_protected`, and of immutable ones
    /// that are set. Such a member that is the same JSON in another text keeps its former text.
    ///
    /// Errors: `PROTECTED`, `IMMUTABLE`.
    pub fn protect<'v>(
        &self,
        before: Before<'v>,
        after: Node,
        may_write_protected: bool,
    ) -> Result<Reworded<'v>, Error> {
        let is_annotated = |marks: Marks| marks.protected || marks.immutable;
        let mut check = Check { rules: self, may_write_protected, reworded: Vec::new() };
        if let Some(root) = self.root().filter(|root| is_annotated(root.marks_within())) {
            check.member(root, &mut pointer(), before, Some(after))?;
        }
        Ok(check.reworded)
    }
}

struct Check<'r, 'v> {
    rules: &'r Rules,
    may_write_protected: bool,
    reworded: Reworded<'v>,
}

impl<'v> Check<'_, 'v> {
    fn member(
        &mut self,
        place: &Place,
        pointer: &mut String,
        before: Before<'v>,
        after: Option<Node>,
    ) -> Result<(), Error> {
        if before.is_written_as(after) {
            return Ok(());
        }
        let breaks_immutable = place.marks.immutable
            && before.document.is_some()
            && !self.settled(pointer, before.document, after);
        let breaks_protected = place.marks.protected
            && !self.settled(pointer, before.protected, after)
            && !self.may_write_protected;
        for (name, below) in self.rules.members(place, |marks| marks.protected || marks.immutable) {
            let (before, after) = (before.member(name), member(after, name));
            if after.is_none() && before.document.is_none() && before.protected.is_none() {
                continue;
            }
            within(pointer, name, |pointer| self.member(below, pointer, before, after))?;
        }
        // After the members below: the deepest one describes the change best.
        match (breaks_immutable, breaks_protected) {
            (true, _) => Err(Error::Immutable { pointer: pointer.clone() }),
            (false, true) => Err(Error::Protected { pointer: pointer.clone() }),
            (false, false) => Ok(()),
        }
    }

    /// Whether a member is unchanged; if so, it keeps its former text.
    fn settled(&mut self, pointer: &str, before: Option<Node<'v>>, after: Option<Node>) -> bool {
        match (before, after) {
            (None, None) => true,
            (Some(before), Some(after)) if equal(before, after) => {
                if before.text() != after.text() {
                    self.reworded.push((pointer.to_owned(), before));
                }
                true
            }
            _ => false,
        }
    }
}
