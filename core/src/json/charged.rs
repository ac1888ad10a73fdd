//! What it costs to find and to measure values in a draft, charged to the budget of the command.
//!
//! A patch of a few hundred bytes can open, measure and copy a document again and again. The charges
//! are about the nanoseconds that each step takes on documents of a megabyte, measured in the release
//! build on the documents that take longest: many small members and elements.

use super::draft::Draft;
use super::node::{Kind, Node};
use super::pointer::{Pointer, array_index};
use crate::budget::Budget;
use crate::error::Error;

/// Looking a name up, with what it takes to escape, hash and compare each byte of it.
const STEP: usize = 100;
const NAME_BYTE: usize = 6;
/// Passing over a text takes a fraction of this for each byte; a container's children are found so.
const PASSED_BYTES: usize = 4;
/// Opening a container makes a draft of each child.
const ELEMENT_OPENED: usize = 80;
const MEMBER_OPENED: usize = 120;
/// An object in which many names are looked up gets a table of them.
const MEMBER_INDEXED: usize = 180;
/// Looking at an opened value while it is measured, and making a second one of it.
const OPENED_MEASURED: usize = 8;
const OPENED_CLONED: usize = 120;
/// What becomes of an opened value when a document goes back: it is compared, copied, written and let go.
const OPENED_KEPT: usize = 150;
/// Moving an element of an array by one place.
pub(crate) const ELEMENT_SHIFTED: usize = 6;
/// Comparing two values, for each byte of the one that is compared with.
pub(super) const BYTE_COMPARED: usize = 12;

/// How large a value is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// The length of its text.
    pub bytes: usize,
    /// How many opened containers, and values in these, it has.
    opened: usize,
}

impl Size {
    /// Charges a copy of the value.
    pub fn charge_copy(self, budget: &Budget) -> Result<(), Error> {
        budget.charge(self.opened.saturating_mul(OPENED_CLONED))
    }
}

impl<'a> Draft<'a> {
    /// How large the value is. What is opened of it is walked, so that is measured before it is charged: a document is
    /// never twice as long as `state.max-bytes` while it is patched.
    pub(super) fn measured(&self, budget: &Budget) -> Result<Size, Error> {
        let size = Size { bytes: self.text_len(), opened: self.opened() };
        budget.charge(size.opened.saturating_mul(OPENED_MEASURED).saturating_add(1))?;
        Ok(size)
    }

    /// How deep containers nest in a value of this size: each byte that is not opened is looked at.
    pub(super) fn depth_charged(&self, size: Size, budget: &Budget) -> Result<usize, Error> {
        budget.charge(size.bytes)?;
        Ok(self.depth())
    }

    /// Charges what going back to a draft takes, beside what is not opened in it.
    pub(crate) fn charge_keeping(&self, budget: &Budget) -> Result<(), Error> {
        budget.charge(self.opened().saturating_mul(OPENED_KEPT))
    }

    /// What a pointer names, to be changed.
    pub(super) fn find_charged(
        &mut self,
        pointer: &Pointer,
        budget: &Budget,
    ) -> Result<Option<&mut Draft<'a>>, Error> {
        self.walk_charged(pointer.tokens(), budget)
    }

    /// The container that holds what a pointer names, opened, and the last token. `None` for the whole and where no
    /// container is.
    pub(crate) fn find_parent_charged<'p>(
        &mut self,
        pointer: &'p Pointer,
        budget: &Budget,
    ) -> Result<Option<(&mut Draft<'a>, &'p str)>, Error> {
        let Some((last, parents)) = pointer.tokens().split_last() else { return Ok(None) };
        let Some(parent) = self.walk_charged(parents, budget)? else { return Ok(None) };
        parent.open_charged(last, budget)?;
        Ok(Some((parent, last)))
    }

    fn walk_charged(&mut self, tokens: &[String], budget: &Budget) -> Result<Option<&mut Draft<'a>>, Error> {
        let mut place = self;
        for token in tokens {
            place.open_charged(token, budget)?;
            let below = match place {
                Draft::Same(_) => None,
                Draft::Object(members) => members.get_mut(token),
                Draft::Array(elements) => array_index(token).and_then(|index| elements.get_mut(index)),
            };
            let Some(below) = below else { return Ok(None) };
            place = below;
        }
        Ok(Some(place))
    }

    /// Opens a container to look for `token` in it.
    pub(crate) fn open_charged(&mut self, token: &str, budget: &Budget) -> Result<(), Error> {
        budget.charge(token.len().saturating_mul(NAME_BYTE).saturating_add(STEP))?;
        if let Draft::Same(node) = self {
            charge_opening(*node, budget)?;
            self.open();
        }
        self.charge_index(1, budget)
    }

    /// Charges the table of names of an opened object, where so many more lookups have it made.
    pub(super) fn charge_index(&self, lookups: usize, budget: &Budget) -> Result<(), Error> {
        match self {
            Draft::Object(members) => {
                budget.charge(members.names_to_index(lookups).saturating_mul(MEMBER_INDEXED))
            }
            Draft::Same(_) | Draft::Array(_) => Ok(()),
        }
    }
}

fn charge_opening(node: Node, budget: &Budget) -> Result<(), Error> {
    let each = match node.kind() {
        Kind::Object => MEMBER_OPENED,
        Kind::Array => ELEMENT_OPENED,
        _ => return Ok(()),
    };
    budget.charge(node.text().len() / PASSED_BYTES)?;
    budget.charge(node.children().len().saturating_mul(each))
}
