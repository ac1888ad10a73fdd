//! Keywords about one value: its type, equality, numbers and strings.

use std::cmp::Ordering;

use super::report::{Report, one_of};
use super::{At, Limit, Run};
use crate::error::Error;
use crate::json::decimal::Decimal;
use crate::json::node::{Kind, Node};
use crate::schema::subschema::{Bound, Keyword, TYPES, Types};

/// The charge of reading a number, and of each of its digits.
const NUMBER_COST: usize = 80;
const DIGIT_COST: usize = 8;

impl<'s> Run<'s, '_> {
    pub(super) fn scalar(
        &mut self,
        keyword: &'s Keyword,
        at: At,
        report: &mut Report,
    ) -> Result<bool, Error> {
        match keyword {
            Keyword::Type(types) => {
                if self.is_of(*types, at.node)? {
                    return Ok(true);
                }
                self.violation(at, report, || format!("must be of type {}", types.shown()))
            }
            Keyword::Enum { values, shown } | Keyword::Const { value: values, shown } => {
                if values.contains(at.node, self.budget)? {
                    return Ok(true);
                }
                self.violation(at, report, || one_of(values, shown))
            }
            Keyword::Minimum(bound) => self.bound(bound, at, report, Ordering::is_ge, "at least"),
            Keyword::ExclusiveMinimum(bound) => self.bound(bound, at, report, Ordering::is_gt, "above"),
            Keyword::Maximum(bound) => self.bound(bound, at, report, Ordering::is_le, "at most"),
            Keyword::ExclusiveMaximum(bound) => self.bound(bound, at, report, Ordering::is_lt, "below"),
            Keyword::MultipleOf(bound) => match self.number(at.node)? {
                Some(number) if !bound.than.divides(&number) => {
                    self.violation(at, report, || format!("must be a multiple of {}", bound.written))
                }
                _ => Ok(true),
            },
            Keyword::MinLength(min) => self.length(at, report, Limit::AtLeast(*min)),
            Keyword::MaxLength(max) => self.length(at, report, Limit::AtMost(*max)),
            Keyword::Pattern(pattern) => {
                let Some(text) = at.node.as_str() else { return Ok(true) };
                if pattern.matches(&text, self.budget)? {
                    return Ok(true);
                }
                self.violation(at, report, || format!("must match the pattern {}", pattern.source()))
            }
            _ => Ok(true),
        }
    }

    fn is_of(&self, types: Types, node: Node) -> Result<bool, Error> {
        let name = match node.kind() {
            Kind::Null => "null",
            Kind::Bool => "boolean",
            Kind::Object => "object",
            Kind::Array => "array",
            Kind::String => "string",
            Kind::Number => "number",
        };
        if types.has(name) {
            return Ok(true);
        }
        if node.kind() != Kind::Number || !types.has("integer") {
            return Ok(false);
        }
        // Most integers are digits alone.
        if node.text().len() < 20 && node.text().bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(true);
        }
        Ok(self.number(node)?.is_some_and(|number| number.is_integer()))
    }

    /// A number by value; `None` for other types.
    fn number(&self, node: Node) -> Result<Option<Decimal>, Error> {
        if node.kind() != Kind::Number {
            return Ok(None);
        }
        let literal = node.text();
        self.budget.charge(literal.len().saturating_mul(DIGIT_COST).saturating_add(NUMBER_COST))?;
        Ok(Some(Decimal::of(literal)))
    }

    fn bound(
        &self,
        bound: &Bound,
        at: At,
        report: &mut Report,
        is_within: fn(Ordering) -> bool,
        how: &str,
    ) -> Result<bool, Error> {
        match self.number(at.node)? {
            Some(number) if !is_within(number.cmp(&bound.than)) => {
                self.violation(at, report, || format!("must be {how} {}", bound.written))
            }
            _ => Ok(true),
        }
    }

    /// A length counts characters (RFC 8259, section 1), not bytes.
    fn length(&self, at: At, report: &mut Report, limit: Limit) -> Result<bool, Error> {
        let Some(raw) = at.node.raw_str() else { return Ok(true) };
        self.budget.charge(raw.len())?;
        let length = match raw.contains('\\') {
            true => at.node.as_str().map_or(0, |text| text.chars().count()),
            false => raw.chars().count(),
        };
        self.limited(at, report, length, limit, "character")
    }
}

impl Types {
    fn has(self, name: &str) -> bool {
        let place = TYPES.iter().position(|known| *known == name);
        place.is_some_and(|place| self.0 >> place & 1 == 1)
    }

    fn shown(self) -> String {
        let names: Vec<&str> = TYPES.into_iter().filter(|name| self.has(name)).collect();
        match names.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        }
    }
}
