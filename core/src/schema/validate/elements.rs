//! Keywords about arrays.

use super::evaluated::Evaluated;
use super::members::mark;
use super::report::{Report, Step};
use super::{At, Limit, Run};
use crate::error::Error;
use crate::schema::graph::Number;
use crate::schema::subschema::{Contains, Elements, Keyword};
use crate::schema::values::are_unique;

impl<'s> Run<'s, '_> {
    pub(super) fn array(
        &mut self,
        keyword: &'s Keyword,
        at: At,
        seen: Option<&mut Evaluated>,
        report: &mut Report,
    ) -> Result<bool, Error> {
        match keyword {
            Keyword::Elements(elements) => self.elements(elements, at, seen, report),
            Keyword::UnevaluatedItems(number) => self.unevaluated_items(*number, at, seen, report),
            Keyword::Contains(contains) => self.contains(contains, at, seen, report),
            Keyword::UniqueItems => {
                self.charge_children(at.node)?;
                if are_unique(at.node, self.budget)? {
                    return Ok(true);
                }
                self.violation(at, report, || "must not have two equal elements".to_owned())
            }
            Keyword::MinItems(min) => self.size(at, report, Limit::AtLeast(*min), "element"),
            Keyword::MaxItems(max) => self.size(at, report, Limit::AtMost(*max), "element"),
            _ => Ok(true),
        }
    }

    fn elements(
        &mut self,
        elements: &Elements,
        at: At,
        mut seen: Option<&mut Evaluated>,
        report: &mut Report,
    ) -> Result<bool, Error> {
        self.charge_children(at.node)?;
        let mut verdict = true;
        for (place, element) in at.node.children().enumerate() {
            let Some(number) = elements.first.get(place).copied().or(elements.rest) else { break };
            let was = at.passed.and_then(|passed| passed.element(place));
            verdict &= self.descend(number, at, (Step::Index(place), element, was), report)?;
            mark(&mut seen, place);
            if !verdict && report.is_done() {
                break;
            }
        }
        Ok(verdict)
    }

    fn unevaluated_items(
        &mut self,
        number: Number,
        at: At,
        mut seen: Option<&mut Evaluated>,
        report: &mut Report,
    ) -> Result<bool, Error> {
        self.charge_children(at.node)?;
        let mut verdict = true;
        for (place, element) in at.node.children().enumerate() {
            if seen.as_ref().is_some_and(|seen| seen.has(place)) {
                continue;
            }
            verdict &= self.descend(number, at, (Step::Index(place), element, None), report)?;
            mark(&mut seen, place);
            if !verdict && report.is_done() {
                break;
            }
        }
        Ok(verdict)
    }

    fn contains(
        &mut self,
        contains: &Contains,
        at: At,
        mut seen: Option<&mut Evaluated>,
        report: &mut Report,
    ) -> Result<bool, Error> {
        self.charge_children(at.node)?;
        let mut count = 0_u64;
        for (place, element) in at.node.children().enumerate() {
            let path = at.path.to(Step::Index(place));
            let element = At { node: element, passed: None, path: &path };
            if self.ask(contains.schema, element, None, &mut Report::Silent)? {
                count = count.saturating_add(1);
                mark(&mut seen, place);
            }
        }
        let (how, limit) = match contains.max {
            _ if count < contains.min => ("at least", contains.min),
            Some(max) if count > max => ("at most", max),
            _ => return Ok(true),
        };
        let (plural, verb) = if limit == 1 { ("", "es") } else { ("s", "") };
        self.violation(at, report, || {
            format!("must have {how} {limit} element{plural} that match{verb} contains, and has {count}")
        })
    }
}
