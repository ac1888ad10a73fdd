//! Validation: a value against the compiled subschemas, charged as it goes.
//!
//! Every subschema that is asked, every member and element that is looked at and every byte that is
//! compared is charged before the work, so the work is bounded whatever the schema and the document are.
//!
//! Where the value was made of one that has passed, only what differs is asked. That is sound where a
//! subschema applies whatever the value is: below `properties`, `items` and the like, `$ref` and `allOf`,
//! a member with the text it had has passed. Below `anyOf`, `not`, `if` and every other keyword whose
//! subschemas may fail, all is asked.
//!
//! jsonschema was used before and is the oracle of the tests: its work can be neither counted nor
//! stopped.

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

/// What asking a subschema costs, and each of its keywords.
const SUBSCHEMA_COST: usize = 25;
const KEYWORD_COST: usize = 12;
/// What looking at a member or an element costs.
const CHILD_COST: usize = 25;
/// What finding a member by its name costs, where names need not be sorted first.
const FIND_COST: usize = 40;
/// What a byte of the pointer of a violation costs.
const POINTER_BYTE_COST: usize = 10;
/// So many bytes of a container are passed over for one unit.
const BYTES_PER_UNIT: usize = 8;
/// Subschemas are asked within subschemas at most this deep: each takes stack.
pub(super) const DEPTH_MAX: usize = 512;

/// The compiled subschemas of a schema; the first is the root.
#[derive(Debug, Default)]
pub(super) struct Validator {
    pub subschemas: Vec<Subschema>,
}

/// A value, the one it was made of where that has passed, and where it is.
#[derive(Clone, Copy)]
struct At<'p, 'v> {
    node: Node<'v>,
    passed: Option<Node<'v>>,
    path: &'p Path<'p>,
}

impl At<'_, '_> {
    /// The same, of which nothing is known.
    fn afresh(self) -> Self {
        At { passed: None, ..self }
    }
}

impl Validator {
    /// Whether `value` passes; `report` takes what does not. Where it was made of a value that has
    /// `passed`, what is the same is not asked again.
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
}

/// How many of something there may be.
#[derive(Clone, Copy)]
enum Limit {
    AtLeast(u64),
    AtMost(u64),
}

/// An evaluation under way.
struct Run<'s, 'b> {
    subschemas: &'s [Subschema],
    budget: &'b Budget,
    depth: usize,
}

impl<'s> Run<'s, '_> {
    /// Asks one subschema about a value. `seen` takes the members or elements that it has looked at.
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
                // What stands beside it in another subschema is not its to know.
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

    /// Asks a subschema about a member or an element, which `was` another before.
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

    /// Whether a container holds as many members or elements as it may.
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

    /// Takes note that something does not pass: the verdict.
    fn violation(
        &self,
        at: At,
        report: &mut Report,
        message: impl FnOnce() -> String,
    ) -> Result<bool, Error> {
        if report.takes_violations() {
            // A pointer is as long as the names on the way.
            self.budget.charge(at.path.len().saturating_mul(POINTER_BYTE_COST))?;
            report.add(at.path, message);
        }
        Ok(false)
    }

    /// Charges for looking into a container, and at each of what is in it.
    fn charge_children(&self, container: Node) -> Result<(), Error> {
        self.charge_bytes(container)?;
        self.budget.charge(container.children().len().saturating_mul(CHILD_COST))
    }

    /// Charges for passing over a value.
    fn charge_bytes(&self, value: Node) -> Result<(), Error> {
        self.budget.charge(value.range().len() / BYTES_PER_UNIT)
    }

    /// Charges for finding a member by its name.
    fn charge_find(&self, object: Node) -> Result<(), Error> {
        self.budget.charge(FIND_COST.saturating_add(object.table_cost()))
    }

    fn merge(&self, seen: &mut Evaluated, other: &Evaluated) -> Result<(), Error> {
        self.budget.charge(other.words())?;
        seen.merge(other);
        Ok(())
    }
}
