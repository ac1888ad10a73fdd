//! Keywords about objects.

use std::borrow::Cow;

use super::evaluated::Evaluated;
use super::report::{Path, Report, Step, Unexpected, quoted};
use super::{At, Limit, Run};
use crate::error::Error;
use crate::json::lookup::Lookup;
use crate::json::name::Name;
use crate::json::node::Node;
use crate::json::tree::Tree;
use crate::schema::graph::Number;
use crate::schema::subschema::{Keyword, Members, Subschema};

/// What it costs to note a member that is not known and to drop it: its object is opened for that.
const UNKNOWN_COST: usize = 1_200;

impl<'s> Run<'s, '_> {
    pub(super) fn object(
        &mut self,
        keyword: &'s Keyword,
        at: At,
        seen: Option<&mut Evaluated>,
        report: &mut Report,
    ) -> Result<bool, Error> {
        match keyword {
            Keyword::Members(members) => self.members(members, at, seen, report),
            Keyword::UnevaluatedProperties(number) => self.unevaluated(*number, at, seen, report),
            Keyword::PropertyNames(number) => self.property_names(*number, at, report),
            Keyword::Required(names) => self.required(names, None, at, report),
            Keyword::DependentRequired(dependent) => {
                let mut verdict = true;
                for (name, names) in dependent {
                    self.charge_find(at.node)?;
                    if at.node.member(name).is_some() {
                        verdict &= self.required(names, Some(name), at, report)?;
                    }
                }
                Ok(verdict)
            }
            Keyword::MinProperties(min) => self.size(at, report, Limit::AtLeast(*min), "member"),
            Keyword::MaxProperties(max) => self.size(at, report, Limit::AtMost(*max), "member"),
            _ => Ok(true),
        }
    }

    fn members(
        &mut self,
        members: &'s Members,
        at: At,
        mut seen: Option<&mut Evaluated>,
        report: &mut Report,
    ) -> Result<bool, Error> {
        self.charge_children(at.node)?;
        let rejects_others = members.others.is_some_and(|others| self.is_false(others));
        let mut olds = at.passed.filter(|passed| passed.is_object()).map(Lookup::new);
        let (mut verdict, mut unexpected) = (true, Unexpected::default());
        for (place, member) in at.node.children().enumerate() {
            let raw = member.raw_name();
            let was = match &mut olds {
                Some(olds) => self.old_member(olds, raw)?,
                None => None,
            };
            let child = (Step::Name(raw), member, was);
            let mut is_named = false;
            if let Some(number) = members.named.get(raw) {
                is_named = true;
                verdict &= self.descend(*number, at, child, report)?;
            }
            let name = if members.by_pattern.is_empty() { Cow::Borrowed("") } else { member.name() };
            for (pattern, number) in &members.by_pattern {
                if pattern.matches(&name, self.budget)? {
                    is_named = true;
                    verdict &= self.descend(*number, at, child, report)?;
                }
            }
            if !is_named && let Some(others) = members.others {
                if rejects_others {
                    verdict = false;
                    self.unexpected(&mut unexpected, raw, at, report)?;
                } else {
                    verdict &= self.descend(others, at, child, report)?;
                }
            }
            if is_named || members.others.is_some() {
                mark(&mut seen, place);
            }
            if !verdict && report.is_done() {
                return Ok(false);
            }
        }
        self.close(unexpected, "additionalProperties", at, report)?;
        Ok(verdict)
    }

    /// The member of this name that has passed.
    fn old_member<'v>(&self, olds: &mut Lookup<'v>, raw: &str) -> Result<Option<Node<'v>>, Error> {
        match olds.next_named(raw) {
            Some(old) => Ok(Some(old)),
            None => {
                self.charge_find(olds.object())?;
                Ok(olds.get_raw(raw))
            }
        }
    }

    fn unevaluated(
        &mut self,
        number: Number,
        at: At,
        mut seen: Option<&mut Evaluated>,
        report: &mut Report,
    ) -> Result<bool, Error> {
        self.charge_children(at.node)?;
        let rejects = self.is_false(number);
        let (mut verdict, mut unexpected) = (true, Unexpected::default());
        for (place, member) in at.node.children().enumerate() {
            if seen.as_ref().is_some_and(|seen| seen.has(place)) {
                continue;
            }
            let raw = member.raw_name();
            if rejects {
                verdict = false;
                self.unexpected(&mut unexpected, raw, at, report)?;
            } else {
                verdict &= self.descend(number, at, (Step::Name(raw), member, None), report)?;
            }
            mark(&mut seen, place);
            if !verdict && report.is_done() {
                return Ok(false);
            }
        }
        self.close(unexpected, "unevaluatedProperties", at, report)?;
        Ok(verdict)
    }

    fn is_false(&self, number: Number) -> bool {
        matches!(self.subschemas.get(number), Some(Subschema::Constant(false)))
    }

    fn unexpected<'v>(
        &self,
        unexpected: &mut Unexpected<'v>,
        raw: &'v str,
        at: At,
        report: &mut Report,
    ) -> Result<(), Error> {
        if let Report::Unknown(_) = report {
            let bytes = at.path.len().saturating_add(raw.len());
            self.budget
                .charge(UNKNOWN_COST.saturating_add(bytes.saturating_mul(super::POINTER_BYTE_COST)))?;
        }
        unexpected.push(raw, report, at.path);
        Ok(())
    }

    fn close(&self, unexpected: Unexpected, keyword: &str, at: At, report: &mut Report) -> Result<(), Error> {
        if !unexpected.is_empty() {
            self.violation(at, report, || unexpected.message(keyword))?;
        }
        Ok(())
    }

    fn property_names(&mut self, number: Number, at: At, report: &mut Report) -> Result<bool, Error> {
        self.charge_children(at.node)?;
        let mut verdict = true;
        for member in at.node.children() {
            let raw = member.raw_name();
            let name = Tree::of_trusted(format!("\"{raw}\""));
            let name = At { node: name.root(), passed: None, path: &Path::ROOT };
            if self.ask(number, name, None, &mut Report::Silent)? {
                continue;
            }
            verdict = false;
            if report.is_done() {
                break;
            }
            let mut found = Vec::new();
            if report.takes_violations() {
                self.ask(number, name, None, &mut Report::Violations { found: &mut found, max: 1 })?;
            }
            let reason = found.pop().map(|(_, message)| message).unwrap_or_default();
            self.violation(at, report, || format!("the name of member {}: {reason}", quoted(raw)))?;
            if report.is_done() {
                break;
            }
        }
        Ok(verdict)
    }

    /// Checks that all of `names`, which member `beside` requires, are present.
    fn required(
        &mut self,
        names: &[Name],
        beside: Option<&Name>,
        at: At,
        report: &mut Report,
    ) -> Result<bool, Error> {
        let mut verdict = true;
        for name in names {
            self.charge_find(at.node)?;
            if at.node.member(name).is_some() {
                continue;
            }
            verdict = false;
            let missing = quoted(name.raw());
            self.violation(at, report, || match beside {
                Some(beside) => format!("member {missing} is missing beside {}", quoted(beside.raw())),
                None => format!("required member {missing} is missing"),
            })?;
            if report.is_done() {
                break;
            }
        }
        Ok(verdict)
    }
}

pub(super) fn mark(seen: &mut Option<&mut Evaluated>, place: usize) {
    if let Some(seen) = seen {
        seen.mark(place);
    }
}
