//! What an evaluation reports about an invalid value, and the path to it.

use std::fmt::Write;

use crate::json::pointer::{Pointer, escaped};
use crate::json::strings::unescaped;
use crate::schema::values::ValueSet;

/// The most members in an error.
const NAMES_SHOWN: usize = 3;
/// Where a name in an error is cut.
const NAME_CHARS_MAX: usize = 64;

/// One step down into a value.
#[derive(Clone, Copy)]
pub(super) enum Step<'p> {
    /// The value itself.
    Root,
    /// A member, by its name in canonical form.
    Name(&'p str),
    /// An element.
    Index(usize),
}

/// The path from the document to a value.
#[derive(Clone, Copy)]
pub(super) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

impl Path<'_> {
    pub(super) const ROOT: Path<'static> = Path { parent: None, step: Step::Root };

    pub(super) fn to<'p>(&'p self, step: Step<'p>) -> Path<'p> {
        Path { parent: Some(self), step }
    }

    /// As a JSON pointer.
    pub(super) fn pointer(&self) -> String {
        let mut steps = Vec::new();
        let mut next = Some(self);
        while let Some(path) = next {
            steps.push(path.step);
            next = path.parent;
        }
        let mut pointer = String::new();
        for step in steps.into_iter().rev() {
            // Writing to a String can't fail.
            let _infallible = match step {
                Step::Root => Ok(()),
                Step::Name(raw) => write!(pointer, "/{}", escaped(&unescaped(raw))),
                Step::Index(index) => write!(pointer, "/{index}"),
            };
        }
        pointer
    }

    /// The approximate length of the pointer.
    pub(super) fn len(&self) -> usize {
        let (mut len, mut next) = (0_usize, Some(self));
        while let Some(path) = next {
            let step = match path.step {
                Step::Name(raw) => raw.len(),
                Step::Root | Step::Index(_) => 4,
            };
            len = len.saturating_add(step);
            next = path.parent;
        }
        len
    }
}

/// What an evaluation has to find out.
pub(in crate::schema) enum Report<'r> {
    /// Only the verdict.
    Silent,
    /// Up to `max` violations, by pointer.
    Violations { found: &'r mut Vec<(String, String)>, max: usize },
    /// The members that `additionalProperties` or `unevaluatedProperties` reject: the object of
    /// each, and its name in canonical form.
    Unknown(&'r mut Vec<(Pointer, String)>),
}

impl Report<'_> {
    /// Whether the first violation ends the evaluation.
    pub(super) fn is_done(&self) -> bool {
        match self {
            Report::Silent => true,
            Report::Violations { found, max } => found.len() >= *max,
            Report::Unknown(_) => false,
        }
    }

    /// Whether violations are recorded.
    pub(super) fn takes_violations(&self) -> bool {
        matches!(self, Report::Violations { .. }) && !self.is_done()
    }

    pub(super) fn add(&mut self, path: &Path, message: impl FnOnce() -> String) {
        if let Report::Violations { found, max } = self
            && found.len() < *max
        {
            found.push((path.pointer(), message()));
        }
    }
}

/// Collects the members that a schema rejects.
#[derive(Default)]
pub(super) struct Unexpected<'v> {
    names: Vec<&'v str>,
    count: usize,
}

impl<'v> Unexpected<'v> {
    /// Adds a member, by its name in canonical form.
    pub(super) fn push(&mut self, raw: &'v str, report: &mut Report, path: &Path) {
        self.count = self.count.saturating_add(1);
        if self.names.len() < NAMES_SHOWN {
            self.names.push(raw);
        }
        if let Report::Unknown(found) = report
            && let Some(holder) = Pointer::parse(&path.pointer())
        {
            found.push((holder, raw.to_owned()));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn message(&self, keyword: &str) -> String {
        let names: Vec<String> = self.names.iter().map(|raw| quoted(raw)).collect();
        let more = self.count.saturating_sub(self.names.len());
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        let (plural, verb) = if self.count == 1 { ("", "is") } else { ("s", "are") };
        format!("member{plural} {}{rest} {verb} not allowed ({keyword})", names.join(", "))
    }
}

/// A name in canonical form, quoted and cut.
pub(super) fn quoted(raw: &str) -> String {
    match raw.char_indices().nth(NAME_CHARS_MAX) {
        Some((end, _)) => format!("\"{}…\"", raw.get(..end).unwrap_or_default()),
        None => format!("\"{raw}\""),
    }
}

/// What `enum` and `const` require.
pub(super) fn one_of(values: &ValueSet, shown: &str) -> String {
    if values.len() == 1 { format!("must be {shown}") } else { format!("must be one of {shown}") }
}
