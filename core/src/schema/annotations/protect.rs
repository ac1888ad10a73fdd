//! Protected and immutable members: what the document before and after must have in common.

use super::places::{Marks, Place};
use super::rules::{Rules, member, pointer, within};
use crate::error::Error;
use crate::json::equal::equal;
use crate::json::name::Name;
use crate::json::node::Node;

/// What a guarded member may not differ from.
#[derive(Clone, Copy)]
pub struct Before<'v> {
    /// For immutable members: the state's document. Nothing at creation, where they are set.
    pub document: Option<Node<'v>>,
    /// For protected members: the same, and at creation the defaults.
    pub protected: Option<Node<'v>>,
}

impl<'v> Before<'v> {
    /// Whether a member has the very text it had: then so has everything in it.
    fn is_written_as(self, after: Option<Node>) -> bool {
        let text = after.map(Node::text);
        text.is_some()
            && self.document.map(Node::text) == text
            && (self.are_one() || self.protected.map(Node::text) == text)
    }

    /// But for a state that is made, the two are one.
    fn are_one(self) -> bool {
        self.document.zip(self.protected).is_some_and(|(document, protected)| document.is(protected))
    }

    pub(super) fn member(self, name: &Name) -> Before<'v> {
        let document = member(self.document, name);
        let protected = if self.are_one() { document } else { member(self.protected, name) };
        Before { document, protected }
    }
}

/// Guarded members that are the same JSON in other words, by pointer, with the words they had.
pub type Reworded<'v> = Vec<(String, Node<'v>)>;

impl Rules {
    /// Refuses a change of protected members, unless the caller `may_protect`, and of immutable ones that are set. A
    /// guarded member that is the same JSON in other words is to keep the text it had.
    ///
    /// Errors: `PROTECTED`, `IMMUTABLE`.
    pub fn guard<'v>(
        &self,
        before: Before<'v>,
        after: Node,
        may_protect: bool,
    ) -> Result<Reworded<'v>, Error> {
        let guarded = |marks: Marks| marks.protected || marks.immutable;
        let mut guard = Guard { rules: self, may_protect, reworded: Vec::new() };
        if let Some(root) = self.root().filter(|root| guarded(root.marks_within())) {
            guard.check(root, &mut pointer(), before, Some(after))?;
        }
        Ok(guard.reworded)
    }
}

struct Guard<'r, 'v> {
    rules: &'r Rules,
    may_protect: bool,
    reworded: Reworded<'v>,
}

impl<'v> Guard<'_, 'v> {
    fn check(
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
        let breaks_protected =
            place.marks.protected && !self.settled(pointer, before.protected, after) && !self.may_protect;
        for (name, below) in self.rules.members(place, |marks| marks.protected || marks.immutable) {
            let (before, after) = (before.member(name), member(after, name));
            if after.is_none() && before.document.is_none() && before.protected.is_none() {
                continue;
            }
            within(pointer, name, |pointer| self.check(below, pointer, before, after))?;
        }
        // What lies below has had its say first: the deepest member says best what the change was about.
        match (breaks_immutable, breaks_protected) {
            (true, _) => Err(Error::Immutable { pointer: pointer.clone() }),
            (false, true) => Err(Error::Protected { pointer: pointer.clone() }),
            (false, false) => Ok(()),
        }
    }

    /// Whether a member is as it was; if so, it is to be to the letter.
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
