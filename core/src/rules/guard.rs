//! Protected and immutable members: what the document before and after must have in common.

use serde_json::Value;

use super::places::{Marks, Place};
use super::{Rules, member, within};
use crate::error::Error;
use crate::json::equal::{equal, identical};

/// What a guarded member may not differ from.
#[derive(Clone, Copy)]
pub struct Before<'v> {
    /// For immutable members: the state's document. Nothing at creation, where they are set.
    pub document: Option<&'v Value>,
    /// For protected members: the same, and at creation the defaults.
    pub protected: Option<&'v Value>,
}

impl<'v> Before<'v> {
    pub(super) fn member(self, name: &str) -> Before<'v> {
        Before { document: member(self.document, name), protected: member(self.protected, name) }
    }
}

impl Rules {
    /// Refuses a change of protected members, unless the caller `may_protect`, and of immutable ones that are set. A
    /// guarded member that is the same JSON in other words keeps the text it had.
    ///
    /// Errors: `PROTECTED`, `IMMUTABLE`.
    pub fn guard(&self, before: Before, after: &mut Value, may_protect: bool) -> Result<(), Error> {
        let guarded = |marks: Marks| marks.protected || marks.immutable;
        let Some(root) = self.root().filter(|root| guarded(root.marks_within())) else { return Ok(()) };
        self.guard_at(root, &mut String::new(), before, Some(after), may_protect)
    }

    fn guard_at(
        &self,
        place: &Place,
        pointer: &mut String,
        before: Before,
        mut after: Option<&mut Value>,
        may_protect: bool,
    ) -> Result<(), Error> {
        let breaks_immutable =
            place.marks.immutable && before.document.is_some() && !settled(before.document, &mut after);
        let breaks_protected =
            place.marks.protected && !settled(before.protected, &mut after) && !may_protect;
        for (name, below) in self.members(place, |marks| marks.protected || marks.immutable) {
            let after = after.as_deref_mut().and_then(|value| value.get_mut(name));
            let before = before.member(name);
            if after.is_none() && before.document.is_none() && before.protected.is_none() {
                continue;
            }
            within(pointer, name, |pointer| self.guard_at(below, pointer, before, after, may_protect))?;
        }
        // What lies below has had its say first: the deepest member says best what the change was about.
        let pointer = pointer.clone();
        match (breaks_immutable, breaks_protected) {
            (true, _) => Err(Error::Immutable { pointer }),
            (false, true) => Err(Error::Protected { pointer }),
            (false, false) => Ok(()),
        }
    }
}

/// Whether a member is as it was; if so, to the letter.
fn settled(before: Option<&Value>, after: &mut Option<&mut Value>) -> bool {
    match (before, after) {
        (None, None) => true,
        (Some(before), Some(after)) if equal(before, after) => {
            if !identical(before, after) {
                **after = before.clone();
            }
            true
        }
        _ => false,
    }
}
