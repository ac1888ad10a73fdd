//! The work budget of a command: work is charged before it is done.
//!
//! Limits on sizes do not bound work: a kilobyte of schema and a kilobyte of document can multiply
//! into minutes. Work that can grow faster than its input charges a [`Budget`] first; a command
//! without budget returns `TOOCOSTLY` and changes nothing. Charges depend on the request, the
//! state, the schemas and the limits alone, so every server accepts and rejects the same commands.

use std::cell::Cell;

use crate::error::Error;
use crate::limits::Limits;

/// What is left of the work of a command.
///
/// A unit is about a nanosecond of one core of a 2020s server. The charges are measured once and
/// fixed in code; they never depend on a clock.
#[derive(Debug)]
pub struct Budget {
    left: Cell<u64>,
    limit: u64,
}

impl Budget {
    /// The budget of a command under `limits`: `state.max-cost`.
    pub fn new(limits: &Limits) -> Budget {
        Budget { left: Cell::new(limits.cost_max), limit: limits.cost_max }
    }

    /// A budget of so many units, where no setting applies.
    pub(crate) fn of(units: u64) -> Budget {
        Budget { left: Cell::new(units), limit: units }
    }

    /// A budget of what is left, at most `units`. The caller charges here what the part has used.
    pub(crate) fn part(&self, units: u64) -> Budget {
        Budget::of(self.left.get().min(units))
    }

    /// Charges `units`.
    ///
    /// Errors: `TOOCOSTLY` when fewer are left; the budget stays exhausted.
    pub fn charge(&self, units: usize) -> Result<(), Error> {
        let left = self.left.get().checked_sub(units as u64);
        self.left.set(left.unwrap_or(0));
        left.map(drop).ok_or(Error::TooCostly { limit: self.limit })
    }

    /// How many units have been charged.
    pub fn used(&self) -> u64 {
        self.limit.saturating_sub(self.left.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_holds_its_limit_and_no_more() {
        let limits = Limits { cost_max: 10, ..Limits::default() };
        let budget = Budget::new(&limits);
        assert_eq!(budget.charge(4), Ok(()));
        assert_eq!(budget.used(), 4);
        assert_eq!(budget.charge(6), Ok(()));
        assert_eq!(budget.charge(1), Err(Error::TooCostly { limit: 10 }));
    }

    #[test]
    fn a_budget_that_was_exceeded_stays_used_up() {
        let limits = Limits { cost_max: 10, ..Limits::default() };
        let budget = Budget::new(&limits);
        assert!(budget.charge(11).is_err());
        assert!(budget.charge(1).is_err());
        assert_eq!(budget.charge(0), Ok(()));
    }
}
