//! Compiled keywords: the subschemas of the graph, by their numbers.

use std::collections::HashMap;

use serde_json::Value;

use super::graph::{Graph, Number, Token};
use super::keywords;
use super::pattern::Pattern;
use super::pattern::size::PATTERN_STATES_MAX;
use super::source::{Strictness, bad_schema};
use super::values::ValueSet;
use crate::error::Error;
use crate::json::decimal::{DIVISOR_DIGITS_MAX, Decimal};
use crate::json::name::Name;
use crate::json::strings::raw;

/// The most states of all patterns of a schema together.
const STATES_MAX: usize = 6 * PATTERN_STATES_MAX;

/// A bit for each type of JSON Schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Types(pub u8);

pub(super) const TYPES: [&str; 7] = ["null", "boolean", "object", "array", "number", "string", "integer"];

/// The bound of a number.
#[derive(Debug)]
pub(super) struct Bound {
    pub than: Decimal,
    pub written: Box<str>,
}

/// `properties`, `patternProperties` and `additionalProperties` together.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// By name in canonical form.
    pub named: HashMap<Box<str>, Number>,
    pub by_pattern: Vec<(Pattern, Number)>,
    pub others: Option<Number>,
}

/// `prefixItems` and `items` together.
#[derive(Debug, Default)]
pub(super) struct Elements {
    pub first: Vec<Number>,
    pub rest: Option<Number>,
}

#[derive(Debug)]
pub(super) struct Contains {
    pub schema: Number,
    pub min: u64,
    pub max: Option<u64>,
}

/// One requirement of a schema. The requirements of one value are in evaluation order:
/// `unevaluated…` depends on all others.
#[derive(Debug)]
pub(super) enum Keyword {
    Type(Types),
    Enum {
        values: ValueSet,
        shown: Box<str>,
    },
    Const {
        value: ValueSet,
        shown: Box<str>,
    },
    MultipleOf(Bound),
    Minimum(Bound),
    ExclusiveMinimum(Bound),
    Maximum(Bound),
    ExclusiveMaximum(Bound),
    MinLength(u64),
    MaxLength(u64),
    Pattern(Pattern),
    MinProperties(u64),
    MaxProperties(u64),
    Required(Vec<Name>),
    DependentRequired(Vec<(Name, Vec<Name>)>),
    MinItems(u64),
    MaxItems(u64),
    UniqueItems,
    Members(Members),
    PropertyNames(Number),
    Elements(Elements),
    Contains(Contains),
    Ref(Number),
    AllOf(Vec<Number>),
    AnyOf(Vec<Number>),
    OneOf(Vec<Number>),
    Not(Number),
    If {
        condition: Number,
        then: Option<Number>,
        otherwise: Option<Number>,
    },
    DependentSchemas(Vec<(Name, Number)>),
    /// `dependencies` of earlier drafts: the same, but without effect on `unevaluated…`.
    Dependencies(Vec<(Name, Number)>),
    UnevaluatedProperties(Number),
    UnevaluatedItems(Number),
}

/// A subschema.
#[derive(Debug)]
pub(super) enum Subschema {
    /// `true` or `false`.
    Constant(bool),
    Keywords {
        list: Vec<Keyword>,
        /// Whether it needs to know which members or elements others have evaluated.
        tracks: bool,
    },
}

/// Compiles every subschema of a graph; the root's is the first.
///
/// Errors: `BADSCHEMA` for an invalid value of a keyword.
pub(super) fn compile(graph: &Graph, strictness: Strictness) -> Result<Vec<Subschema>, Error> {
    let mut states = 0_usize;
    let mut subschemas = Vec::with_capacity(graph.len());
    for number in 0..graph.len() {
        let compiler = Compiler { graph, strictness, number };
        let subschema = compiler.subschema()?;
        states = states.saturating_add(subschema.pattern_states());
        if states > STATES_MAX {
            let reason = format!("the patterns of the schema take more than {STATES_MAX} states together");
            return Err(bad_schema(&graph.pointer(number), reason));
        }
        subschemas.push(subschema);
    }
    Ok(subschemas)
}

impl Subschema {
    fn pattern_states(&self) -> usize {
        let Subschema::Keywords { list, .. } = self else { return 0 };
        let states = list.iter().map(|keyword| match keyword {
            Keyword::Pattern(pattern) => pattern.states(),
            Keyword::Members(members) => {
                members.by_pattern.iter().map(|(pattern, _)| pattern.states()).fold(0, usize::saturating_add)
            }
            _ => 0,
        });
        states.fold(0, usize::saturating_add)
    }
}

struct Compiler<'g, 's> {
    graph: &'g Graph<'s>,
    strictness: Strictness,
    number: Number,
}

impl<'s> Compiler<'_, 's> {
    fn wrong(&self, keyword: &str, reason: impl Into<String>) -> Error {
        bad_schema(&self.graph.pointer_of(self.number, keyword), reason.into())
    }

    fn get(&self, keyword: &str) -> Option<&'s Value> {
        self.graph.schema(self.number).get(keyword)
    }

    fn below(&self, keyword: &str) -> Option<Number> {
        self.graph.below(self.number, keyword, Token::Whole)
    }

    /// The subschemas of a keyword, in order.
    fn list(&self, keyword: &str) -> Vec<Number> {
        let edges = self.graph.edges(self.number).iter();
        edges.filter(|edge| edge.keyword == keyword).map(|edge| edge.to).collect()
    }

    fn named(&self, keyword: &str) -> Vec<(&'s str, Number)> {
        let edges = self.graph.edges(self.number).iter().filter(|edge| edge.keyword == keyword);
        edges
            .filter_map(|edge| match edge.token {
                Token::Name(name) => Some((name, edge.to)),
                _ => None,
            })
            .collect()
    }

    fn subschema(&self) -> Result<Subschema, Error> {
        if let Value::Bool(verdict) = self.graph.schema(self.number) {
            return Ok(Subschema::Constant(*verdict));
        }
        let mut list = Vec::new();
        self.scalars(&mut list)?;
        self.containers(&mut list)?;
        self.in_place(&mut list);
        let applies = |wanted: &str| self.below(wanted);
        list.extend(applies("unevaluatedProperties").map(Keyword::UnevaluatedProperties));
        list.extend(applies("unevaluatedItems").map(Keyword::UnevaluatedItems));
        let tracks = |keyword: &Keyword| {
            matches!(keyword, Keyword::UnevaluatedProperties(_) | Keyword::UnevaluatedItems(_))
        };
        let tracks = list.iter().any(tracks);
        Ok(Subschema::Keywords { list, tracks })
    }

    fn scalars(&self, list: &mut Vec<Keyword>) -> Result<(), Error> {
        if let Some(types) = self.get("type") {
            list.push(Keyword::Type(self.types(types)?));
        }
        if let Some(values) = self.get("enum") {
            let values = values.as_array().filter(|values| !values.is_empty());
            let values =
                values.ok_or_else(|| self.wrong("enum", "must be an array of at least one value"))?;
            let shown = shown_list(values);
            list.push(Keyword::Enum { values: ValueSet::of(values.iter()), shown });
        }
        if let Some(value) = self.get("const") {
            let shown = shown_list(std::slice::from_ref(value));
            list.push(Keyword::Const { value: ValueSet::of(std::iter::once(value)), shown });
        }
        list.extend(self.divisor()?);
        list.extend(self.bound("minimum")?.map(Keyword::Minimum));
        list.extend(self.bound("exclusiveMinimum")?.map(Keyword::ExclusiveMinimum));
        list.extend(self.bound("maximum")?.map(Keyword::Maximum));
        list.extend(self.bound("exclusiveMaximum")?.map(Keyword::ExclusiveMaximum));
        list.extend(self.count("minLength")?.map(Keyword::MinLength));
        list.extend(self.count("maxLength")?.map(Keyword::MaxLength));
        if let Some(pattern) = self.get("pattern") {
            let source = pattern.as_str().ok_or_else(|| self.wrong("pattern", "must be a string"))?;
            let pattern = self.pattern("pattern", source)?;
            list.push(Keyword::Pattern(pattern));
        }
        Ok(())
    }

    fn containers(&self, list: &mut Vec<Keyword>) -> Result<(), Error> {
        list.extend(self.count("minProperties")?.map(Keyword::MinProperties));
        list.extend(self.count("maxProperties")?.map(Keyword::MaxProperties));
        if let Some(names) = self.get("required") {
            list.push(Keyword::Required(self.names("required", names)?));
        }
        let dependent = self.dependent_names()?;
        if !dependent.is_empty() {
            list.push(Keyword::DependentRequired(dependent));
        }
        list.extend(self.count("minItems")?.map(Keyword::MinItems));
        list.extend(self.count("maxItems")?.map(Keyword::MaxItems));
        match self.get("uniqueItems") {
            None | Some(Value::Bool(false)) => {}
            Some(Value::Bool(true)) => list.push(Keyword::UniqueItems),
            Some(_) => return Err(self.wrong("uniqueItems", "must be true or false")),
        }
        let members = self.members()?;
        if !members.named.is_empty() || !members.by_pattern.is_empty() || members.others.is_some() {
            list.push(Keyword::Members(members));
        }
        list.extend(self.below("propertyNames").map(Keyword::PropertyNames));
        let elements = Elements { first: self.list("prefixItems"), rest: self.below("items") };
        if !elements.first.is_empty() || elements.rest.is_some() {
            list.push(Keyword::Elements(elements));
        }
        let (min, max) = (self.count("minContains")?, self.count("maxContains")?);
        if let Some(schema) = self.below("contains") {
            list.push(Keyword::Contains(Contains { schema, min: min.unwrap_or(1), max }));
        }
        Ok(())
    }

    fn in_place(&self, list: &mut Vec<Keyword>) {
        list.extend(self.below("$ref").map(Keyword::Ref));
        let some = |name| Some(self.list(name)).filter(|schemas| !schemas.is_empty());
        list.extend(some("allOf").map(Keyword::AllOf));
        list.extend(some("anyOf").map(Keyword::AnyOf));
        list.extend(some("oneOf").map(Keyword::OneOf));
        list.extend(self.below("not").map(Keyword::Not));
        let (then, otherwise) = (self.below("then"), self.below("else"));
        list.extend(self.below("if").map(|condition| Keyword::If { condition, then, otherwise }));
        let dependent = |keyword| {
            let named = self.named(keyword).into_iter().map(|(name, schema)| (Name::from(name), schema));
            Some(named.collect()).filter(|named: &Vec<_>| !named.is_empty())
        };
        list.extend(dependent("dependentSchemas").map(Keyword::DependentSchemas));
        list.extend(dependent("dependencies").map(Keyword::Dependencies));
    }

    fn pattern(&self, keyword: &str, source: &str) -> Result<Pattern, Error> {
        keywords::pattern(source, self.strictness).map_err(|reason| self.wrong(keyword, reason))
    }

    fn types(&self, value: &Value) -> Result<Types, Error> {
        let wrong = || {
            let names = TYPES.join(", ");
            self.wrong("type", format!("must be one of {names}, or an array of some of them"))
        };
        let bit = |name: &Value| {
            let place = TYPES.iter().position(|known| Some(*known) == name.as_str());
            place.map(|place| 1_u8 << place).ok_or_else(wrong)
        };
        match value {
            Value::Array(names) if !names.is_empty() => {
                names.iter().try_fold(Types(0), |types, name| Ok(Types(types.0 | bit(name)?)))
            }
            Value::Array(_) => Err(wrong()),
            name => bit(name).map(Types),
        }
    }

    fn bound(&self, keyword: &str) -> Result<Option<Bound>, Error> {
        let Some(value) = self.get(keyword) else { return Ok(None) };
        match value {
            Value::Number(number) => {
                let written = number.to_string().into_boxed_str();
                Ok(Some(Bound { than: Decimal::of(&written), written }))
            }
            _ => Err(self.wrong(keyword, "must be a number")),
        }
    }

    fn divisor(&self) -> Result<Option<Keyword>, Error> {
        let Some(bound) = self.bound("multipleOf")? else { return Ok(None) };
        if !bound.than.is_positive() {
            return Err(self.wrong("multipleOf", "must be a number above 0"));
        }
        if bound.than.digit_count() > DIVISOR_DIGITS_MAX {
            let reason = format!("has more than {DIVISOR_DIGITS_MAX} significant digits");
            return Err(self.wrong("multipleOf", reason));
        }
        Ok(Some(Keyword::MultipleOf(bound)))
    }

    fn count(&self, keyword: &str) -> Result<Option<u64>, Error> {
        let Some(bound) = self.bound(keyword)? else { return Ok(None) };
        match bound.than.to_count() {
            Some(count) => Ok(Some(count)),
            // A count that no value reaches stands for all larger ones.
            None if bound.than.is_positive() && bound.than.is_integer() => Ok(Some(u64::MAX)),
            None => Err(self.wrong(keyword, "must be a whole number of 0 or more")),
        }
    }

    fn names(&self, keyword: &str, value: &Value) -> Result<Vec<Name>, Error> {
        let names = value.as_array().map(|names| names.iter().map(|name| name.as_str().map(Name::from)));
        let names: Option<Vec<Name>> = names.and_then(Iterator::collect);
        names.ok_or_else(|| self.wrong(keyword, "must be an array of member names"))
    }

    /// `dependentRequired`, and the lists of names in `dependencies`.
    fn dependent_names(&self) -> Result<Vec<(Name, Vec<Name>)>, Error> {
        let mut dependent = Vec::new();
        for (keyword, all) in [("dependentRequired", true), ("dependencies", false)] {
            let Some(value) = self.get(keyword) else { continue };
            let wrong = || self.wrong(keyword, "must be an object of arrays of member names");
            for (name, names) in value.as_object().ok_or_else(wrong)? {
                if all || names.is_array() {
                    dependent.push((Name::from(name.as_str()), self.names(keyword, names)?));
                }
            }
        }
        Ok(dependent)
    }

    fn members(&self) -> Result<Members, Error> {
        let named = self.named("properties").into_iter();
        let named = named.map(|(name, schema)| (raw(name).into(), schema)).collect();
        let mut by_pattern = Vec::new();
        for (source, schema) in self.named("patternProperties") {
            by_pattern.push((self.pattern("patternProperties", source)?, schema));
        }
        Ok(Members { named, by_pattern, others: self.below("additionalProperties") })
    }
}

/// Values of a schema, for error texts.
fn shown_list(values: &[Value]) -> Box<str> {
    const SHOWN_MAX: usize = 8;
    const CHARS_MAX: usize = 40;
    let shown = values.iter().take(SHOWN_MAX).map(|value| {
        let text = value.to_string();
        match text.char_indices().nth(CHARS_MAX) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text,
        }
    });
    let mut shown = shown.collect::<Vec<_>>().join(", ");
    let more = values.len().saturating_sub(SHOWN_MAX);
    if more > 0 {
        shown.push_str(&format!(" and {more} more"));
    }
    shown.into()
}
