//! Finding and measuring values in a draft, with a charge for each step.
//!
//! A patch of a few hundred bytes can open, measure and copy a document again and again. The
//! charges are about the nanoseconds of each step on documents of a megabyte, measured in the
//! release build on the slowest documents: many small members and elements.

use super::draft::Draft;
use super::node::{Kind, Node};
use super::pointer::{Pointer, array_index};
use crate::budget::Budget;
use crate::error::Error;

/// Looking a name up: escaping, hashing and comparing each byte.
const STEP: usize = 100;
const NAME_BYTE: usize = 6;
/// Passing over text costs a fraction of this by byte; it finds the children of a container.
const PASSED_BYTES: usize = 4;
/// Opening a container makes a draft of each child.
const ELEMENT_OPENED: usize = 80;
const MEMBER_OPENED: usize = 120;
/// Many lookups in one object build a table of its names.
const MEMBER_INDEXED: usize = 180;
/// Measuring an opened value, and copying it.
const OPENED_MEASURED: usize = 8;
const OPENED_CLONED: usize = 120;
/// Returning an opened value to a document: it is compared, copied, written and freed.
const OPENED_KEPT: usize = 150;
/// Moving an element of an array by one place.
pub(crate) const ELEMENT_SHIFTED: usize = 6;
/// Comparing two values, by byte of the second one.
pub(super) const BYTE_COMPARED: usize = 12;

/// The size of a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// The length of its text.
    pub bytes: usize,
    /// The number of its opened containers, and of the values in these.
    opened: usize,
}

impl Size {
    /// Charges a copy of the value.
    pub fn charge_copy(self, budget: &Budget) -> Result<(), Error> {
        budget.charge(self.opened.saturating_mul(OPENED_CLONED))
    }
}

impl<'a> Draft<'a> {
    /// The size of a value. Its opened part is walked, so it is measured before it is charged:
    /// while it is patched, a document is never twice as long as `state.max-bytes`.
    pub(super) fn measured(&self, budget: &Budget) -> Result<Size, Error> {
        let size = Size { bytes: self.text_len(), opened: self.opened() };
        budget.charge(size.opened.saturating_mul(OPENED_MEASURED).saturating_add(1))?;
        Ok(size)
    }

    /// The depth of a value of this size: each byte that is not opened is read.
    pub(super) fn depth_charged(&self, size: Size, budget: &Budget) -> Result<usize, Error> {
        budget.charge(size.bytes)?;
        Ok(self.depth())
    }

    /// Charges for turning a value back into a draft, beside its unopened text.
    pub(crate) fn charge_keeping(&self, budget: &Budget) -> Result<(), Error> {
        budget.charge(self.opened().saturating_mul(OPENED_KEPT))
    }

    /// The value at a pointer, for a change.
    pub(super) fn find_charged(
        &mut self,
        pointer: &Pointer,
        budget: &Budget,
    ) -> Result<Option<&mut Draft<'a>>, Error> {
        self.walk_charged(pointer.tokens(), budget)
    }

    /// The container at the parent of a pointer, opened, and the last token. `None` for the whole
    /// document and where no container is.
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

    /// Opens a container to look up `token`.
    pub(crate) fn open_charged(&mut self, token: &str, budget: &Budget) -> Result<(), Error> {
        budget.charge(token.len().saturating_mul(NAME_BYTE).saturating_add(STEP))?;
        if let Draft::Same(node) = self {
            charge_opening(*node, budget)?;
            self.open();
        }
        self.charge_index(1, budget)
    }

    /// Charges for the name table of an opened object, if that many more lookups build it.
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
