//! Validation of a value against the compiled subschemas, with a charge for each step.
//!
//! Every evaluated subschema, every visited member and element and every compared byte is charged
//! before the work, so the work is bounded for every schema and document.
//!
//! For a value that was made from one that has passed, only the differences are evaluated. This is
//! sound where a subschema always applies: below `properties`, `items` and the like, `$ref` and
//! `allOf`, a member with its former text has passed. Below `anyOf`, `not`, `if` and every other
//! keyword whose subschemas may fail, everything is evaluated.
//!
//! Not the jsonschema crate: its work can be neither counted nor stopped. It is the oracle of the
//! tests.

mod elements;
mod evaluated;
mod in_place;
mod members;
#[cfg(test)]
mod oracle;
pub(super) mod report;
mod scalars;

use super::graph::Number;
use super::subschema::{Keyword, Subschema};
use crate::budget::Budget;
use crate::error::Error;
use crate::json::node::{Kind, Node};
use crate::schema::validate::evaluated::Evaluated;
use crate::schema::validate::report::{Path, Report, Step};

/// The charge of a subschema, and of each of its keywords.
const SUBSCHEMA_COST: usize = 60;
const KEYWORD_COST: usize = 12;
/// The charge of visiting a member or element.
const CHILD_COST: usize = 25;
/// The charge of finding a member by name, once names are sorted.
const FIND_COST: usize = 60;
/// The charge by byte of a violation's pointer.
const POINTER_BYTE_COST: usize = 10;
/// The bytes of a container passed over for one unit.
const BYTES_PER_UNIT: usize = 8;
/// The deepest nesting of evaluations: each takes stack.
pub(super) const DEPTH_MAX: usize = 512;

/// The compiled subschemas of a schema; the first is the root.
#[derive(Debug, Default)]
pub(super) struct Validator {
    pub subschemas: Vec<Subschema>,
}

/// A value, the passed one that it was made from, and its path.
#[derive(Clone, Copy)]
struct At<'p, 'v> {
    node: Node<'v>,
    passed: Option<Node<'v>>,
    path: &'p Path<'p>,
}

impl At<'_, '_> {
    /// The same without a passed value.
    fn afresh(self) -> Self {
        At { passed: None, ..self }
    }
}

impl Validator {
    /// Whether `value` is valid; `report` takes the violations. Where it was made from a value that
    /// has `passed`, equal parts are not evaluated again.
    ///
    /// Errors: `TOOCOSTLY`.
    pub(super) fn check(
        &self,
        value: Node,
        passed: Option<Node>,
        report: &mut Report,
        budget: &Budget,
    ) -> Result<bool, Error> {
        let mut run = Run { subschemas: &self.subschemas, budget, depth: 0 };
        run.ask(0, At { node: value, passed, path: &Path::ROOT }, None, report)
    }

    /// Whether `value` satisfies one of the subschemas.
    ///
    /// Errors: `TOOCOSTLY`.
    pub(super) fn admits(&self, number: Number, value: Node, budget: &Budget) -> Result<bool, Error> {
        let mut run = Run { subschemas: &self.subschemas, budget, depth: 0 };
        run.ask(number, At { node: value, passed: None, path: &Path::ROOT }, None, &mut Report::Silent)
    }
}

/// The bounds of a count.
#[derive(Clone, Copy)]
enum Limit {
    AtLeast(u64),
    AtMost(u64),
}

/// An evaluation.
struct Run<'s, 'b> {
    subschemas: &'s [Subschema],
    budget: &'b Budget,
    depth: usize,
}

impl<'s> Run<'s, '_> {
    /// Evaluates one subschema of a value. `seen` takes the members or elements that it has
    /// evaluated.
    fn ask(
        &mut self,
        number: Number,
        at: At,
        seen: Option<&mut Evaluated>,
        report: &mut Report,
    ) -> Result<bool, Error> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEPTH_MAX {
            return Err(Error::TooNested { limit: DEPTH_MAX });
        }
        self.budget.charge(SUBSCHEMA_COST)?;
        let verdict = match self.subschemas.get(number) {
            Some(Subschema::Keywords { list, tracks: false }) => self.ask_all(list, at, seen, report)?,
            Some(Subschema::Keywords { list, tracks: true }) => {
                // It must not see what adjacent subschemas have evaluated.
                let mut own = Evaluated::default();
                let verdict = self.ask_all(list, at, Some(&mut own), report)?;
                if verdict && let Some(seen) = seen {
                    self.merge(seen, &own)?;
                }
                verdict
            }
            Some(Subschema::Constant(false)) => {
                self.violation(at, report, || "is not allowed here".to_owned())?
            }
            Some(Subschema::Constant(true)) | None => true,
        };
        self.depth = self.depth.saturating_sub(1);
        Ok(verdict)
    }

    fn ask_all(
        &mut self,
        list: &'s [Keyword],
        at: At,
        mut seen: Option<&mut Evaluated>,
        report: &mut Report,
    ) -> Result<bool, Error> {
        let mut verdict = true;
        for keyword in list {
            self.budget.charge(KEYWORD_COST)?;
            if !self.keyword(keyword, at, seen.as_deref_mut(), report)? {
                verdict = false;
                if report.is_done() {
                    break;
                }
            }
        }
        Ok(verdict)
    }

    fn keyword(
        &mut self,
        keyword: &'s Keyword,
        at: At,
        seen: Option<&mut Evaluated>,
        report: &mut Report,
    ) -> Result<bool, Error> {
        match keyword {
            Keyword::Members(_)
            | Keyword::PropertyNames(_)
            | Keyword::Required(_)
            | Keyword::DependentRequired(_)
            | Keyword::MinProperties(_)
            | Keyword::MaxProperties(_)
            | Keyword::UnevaluatedProperties(_) => {
                if at.node.is_object() {
                    self.object(keyword, at, seen, report)
                } else {
                    Ok(true)
                }
            }
            Keyword::Elements(_)
            | Keyword::Contains(_)
            | Keyword::UniqueItems
            | Keyword::MinItems(_)
            | Keyword::MaxItems(_)
            | Keyword::UnevaluatedItems(_) => {
                if at.node.kind() == Kind::Array {
                    self.array(keyword, at, seen, report)
                } else {
                    Ok(true)
                }
            }
            Keyword::Ref(_)
            | Keyword::AllOf(_)
            | Keyword::AnyOf(_)
            | Keyword::OneOf(_)
            | Keyword::Not(_)
            | Keyword::If { .. }
            | Keyword::DependentSchemas(_)
            | Keyword::Dependencies(_) => self.in_place(keyword, at, seen, report),
            _ => self.scalar(keyword, at, report),
        }
    }

    /// Evaluates a subschema of a member or element, which `was` another value before.
    fn descend(
        &mut self,
        number: Number,
        at: At,
        (step, child, was): (Step, Node, Option<Node>),
        report: &mut Report,
    ) -> Result<bool, Error> {
        if let Some(was) = was {
            self.charge_bytes(child)?;
            if was.text() == child.text() {
                return Ok(true);
            }
        }
        let path = at.path.to(step);
        self.ask(number, At { node: child, passed: was, path: &path }, None, report)
    }

    /// Whether the number of members or elements is within its bounds.
    fn size(&self, at: At, report: &mut Report, limit: Limit, unit: &str) -> Result<bool, Error> {
        self.charge_bytes(at.node)?;
        self.limited(at, report, at.node.children().len(), limit, unit)
    }

    fn limited(
        &self,
        at: At,
        report: &mut Report,
        count: usize,
        limit: Limit,
        unit: &str,
    ) -> Result<bool, Error> {
        let (is_within, how, limit) = match limit {
            Limit::AtLeast(min) => (count as u64 >= min, "at least", min),
            Limit::AtMost(max) => (count as u64 <= max, "at most", max),
        };
        if is_within {
            return Ok(true);
        }
        let plural = if limit == 1 { "" } else { "s" };
        self.violation(at, report, || format!("must have {how} {limit} {unit}{plural}"))
    }

    /// Reports a violation; returns the verdict.
    fn violation(
        &self,
        at: At,
        report: &mut Report,
        message: impl FnOnce() -> String,
    ) -> Result<bool, Error> {
        if report.takes_violations() {
            // A pointer is as long as the names of its path.
            self.budget.charge(at.path.len().saturating_mul(POINTER_BYTE_COST))?;
            report.add(at.path, message);
        }
        Ok(false)
    }

    /// Charges for looking into a container, and for each of its children.
    fn charge_children(&self, container: Node) -> Result<(), Error> {
        self.charge_bytes(container)?;
        self.budget.charge(container.children().len().saturating_mul(CHILD_COST))
    }

    /// Charges for passing over a value.
    fn charge_bytes(&self, value: Node) -> Result<(), Error> {
        self.budget.charge(value.range().len() / BYTES_PER_UNIT)
    }

    /// Charges for finding a member by name.
    fn charge_find(&self, object: Node) -> Result<(), Error> {
        self.budget.charge(FIND_COST.saturating_add(object.table_cost()))
    }

    fn merge(&self, seen: &mut Evaluated, other: &Evaluated) -> Result<(), Error> {
        self.budget.charge(other.words())?;
        seen.merge(other);
        Ok(())
    }
}
