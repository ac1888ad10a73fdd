//! Keywords whose subschemas apply to the same value.

use super::evaluated::Evaluated;
use super::report::Report;
use super::{At, Run};
use crate::error::Error;
use crate::json::name::Name;
use crate::schema::graph::Number;
use crate::schema::subschema::Keyword;

impl<'s> Run<'s, '_> {
    pub(super) fn in_place(
        &mut self,
        keyword: &'s Keyword,
        at: At,
        seen: Option<&mut Evaluated>,
        report: &mut Report,
    ) -> Result<bool, Error> {
        match keyword {
            Keyword::Ref(number) => self.ask(*number, at, seen, report),
            Keyword::AllOf(numbers) => self.all_of(numbers.iter().copied(), at, seen, report),
            Keyword::AnyOf(numbers) => self.any_of(numbers, at, seen, report),
            Keyword::OneOf(numbers) => self.one_of(numbers, at, seen, report),
            Keyword::Not(number) if self.branch(*number, at, None)? => {
                self.violation(at, report, || "must not match the schema under not".to_owned())
            }
            Keyword::If { condition, then, otherwise } => {
                let mut seen = seen;
                let holds = self.branch(*condition, at, seen.as_deref_mut())?;
                let branch = if holds { then } else { otherwise };
                self.all_of(branch.iter().copied(), at.afresh(), seen, report)
            }
            Keyword::DependentSchemas(dependent) => self.dependent(dependent, at, seen, report),
            Keyword::Dependencies(dependent) => self.dependent(dependent, at, None, report),
            _ => Ok(true),
        }
    }

    fn all_of(
        &mut self,
        numbers: impl Iterator<Item = Number>,
        at: At,
        mut seen: Option<&mut Evaluated>,
        report: &mut Report,
    ) -> Result<bool, Error> {
        let mut verdict = true;
        for number in numbers {
            verdict &= self.ask(number, at, seen.as_deref_mut(), report)?;
            if !verdict && report.is_done() {
                break;
            }
        }
        Ok(verdict)
    }

    fn dependent(
        &mut self,
        dependent: &[(Name, Number)],
        at: At,
        seen: Option<&mut Evaluated>,
        report: &mut Report,
    ) -> Result<bool, Error> {
        let mut due = Vec::new();
        for (name, number) in dependent {
            self.charge_find(at.node)?;
            due.extend(at.node.member(name).map(|_| *number));
        }
        self.all_of(due.into_iter(), at.afresh(), seen, report)
    }

    fn any_of(
        &mut self,
        numbers: &[Number],
        at: At,
        mut seen: Option<&mut Evaluated>,
        report: &mut Report,
    ) -> Result<bool, Error> {
        let mut verdict = false;
        for number in numbers {
            verdict |= self.branch(*number, at, seen.as_deref_mut())?;
            // Each that passes adds to what is evaluated.
            if verdict && seen.is_none() {
                break;
            }
        }
        if verdict {
            return Ok(true);
        }
        self.violation(at, report, || "matches none of the schemas under anyOf".to_owned())
    }

    fn one_of(
        &mut self,
        numbers: &[Number],
        at: At,
        mut seen: Option<&mut Evaluated>,
        report: &mut Report,
    ) -> Result<bool, Error> {
        let mut matches = 0_usize;
        for number in numbers {
            matches = matches.saturating_add(usize::from(self.branch(*number, at, seen.as_deref_mut())?));
            if matches > 1 {
                let reason = "matches more than one of the schemas under oneOf";
                return self.violation(at, report, || reason.to_owned());
            }
        }
        if matches == 1 {
            return Ok(true);
        }
        self.violation(at, report, || "matches none of the schemas under oneOf".to_owned())
    }

    /// Evaluates a subschema that may fail; its evaluated members count only when it passes.
    fn branch(&mut self, number: Number, at: At, seen: Option<&mut Evaluated>) -> Result<bool, Error> {
        let Some(seen) = seen else { return self.ask(number, at.afresh(), None, &mut Report::Silent) };
        let mut own = Evaluated::default();
        let verdict = self.ask(number, at.afresh(), Some(&mut own), &mut Report::Silent)?;
        if verdict {
            self.merge(seen, &own)?;
        }
        Ok(verdict)
    }
}
