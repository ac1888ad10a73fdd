//! STATE.ROLLBACK: a new version with the content of a snapshot.
//!
//! The new version takes over the parent of its target, so that repeated rollbacks walk further
//! back instead of swapping two versions.

use super::applicable_schema::ApplicableSchema;
use super::expected::check_expected;
use super::idempotent::idempotent;
use super::outcome::Outcome;
use super::proposal::Proposal;
use super::recording::recording_rejections;
use crate::budget::Budget;
use crate::context::{Context, Metadata};
use crate::error::Error;
use crate::json::charged::ELEMENT_SHIFTED;
use crate::json::draft::Draft;
use crate::json::node::Node;
use crate::json::pointer::{Pointer, array_index};
use crate::json::strings::raw;
use crate::json::tree::Tree;
use crate::json::written::WrittenMembers;
use crate::schema::annotations::preserve::Preserve;
use crate::state::State;
use crate::state::version::{Event, Version};
use redis_state_types::{Expected, Ttl};
use std::borrow::Cow;

/// The charge by byte for unpacking and comparing a version.
const VERSION_BYTE_COST: usize = 1;

/// The target of a rollback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The n-th kept ancestor whose content differs from the present one.
    Steps(u64),
    /// This version.
    To(u64),
    /// The version with this label.
    Label(String),
    /// The newest snapshot that satisfies the present schema.
    LastValid,
}

/// The request of a rollback.
#[derive(Clone, Debug)]
pub struct Rollback {
    /// The expected version.
    pub expected: Expected,
    /// The target version.
    pub target: Target,
    /// `ONLY`: take only these members from the target.
    pub only: Option<Vec<Pointer>>,
    /// `ALL`: take protected members too.
    pub all: bool,
    /// The expiry arguments.
    pub ttl: Ttl,
    /// `EVENT`, `ACTOR`, `NOTE`, `ID`
    pub metadata: Metadata,
}

/// Decides a rollback.
///
/// Errors, in the order of the checks: `IDMISMATCH`, `NOSTATE`, `CONFLICT`, `NOSCHEMA`,
/// `NOVERSION`, `INVALID`, `TOOBIG`.
pub fn rollback(state: Option<&State>, request: &Rollback, context: &Context) -> Outcome {
    let Rollback { metadata, ttl, .. } = request;
    recording_rejections(state, metadata, *ttl, context, |state| {
        idempotent(state, Some(request.expected), metadata, context, || back(state, request, context))
    })
}

fn back(state: Option<&State>, request: &Rollback, context: &Context) -> Result<Outcome, Error> {
    request.ttl.check(context.now_ms)?;
    let state = state.ok_or(Error::NoState)?;
    check_expected(state, request.expected)?;
    let applicable = ApplicableSchema::find(context, Some(state), None, false)?;
    let present = state.head().document.tree();
    let way = Way {
        state,
        request,
        applicable: &applicable,
        present: present.root(),
        now_ms: context.now_ms,
        budget: context.budget,
    };
    let target = way.find()?;
    let proposal = Proposal {
        event: Event::Rollback,
        rung: None,
        parent: target.parent,
        before: Some(present.root()),
        after: way.content(&target)?,
        written: WrittenMembers::Differing,
        applicable: &applicable,
        label: None,
        ttl: request.ttl,
        metadata: &request.metadata,
    };
    proposal.into_outcome(Some(state), context)
}

/// The common inputs for every candidate version.
struct Way<'a> {
    state: &'a State,
    request: &'a Rollback,
    applicable: &'a ApplicableSchema,
    present: Node<'a>,
    now_ms: i64,
    budget: &'a Budget,
}

impl<'a> Way<'a> {
    fn find(&self) -> Result<Cow<'a, Version>, Error> {
        let state = self.state;
        let missing = || Error::NoVersion { kept: state.kept() };
        match &self.request.target {
            Target::Steps(steps) => self.ancestor(*steps),
            Target::To(number) => state.find(*number).ok_or_else(missing),
            Target::Label(label) => {
                let number = state.history().labelled(label);
                let missing = || Error::NoLabel { label: label.clone(), kept: state.kept() };
                number.and_then(|number| state.find(number)).ok_or_else(missing)
            }
            Target::LastValid => {
                for version in state.versions().skip(1) {
                    self.charge(&version)?;
                    let past = self.applicable.snapshot(&version, self.now_ms);
                    if self.applicable.admits(past.root(), self.budget)? {
                        return Ok(version);
                    }
                }
                Err(missing())
            }
        }
    }

    /// Charges for unpacking and comparing a version.
    fn charge(&self, version: &Version) -> Result<(), Error> {
        self.budget.charge(version.document.text().len().saturating_mul(VERSION_BYTE_COST))
    }

    fn no_ancestor(&self) -> Error {
        let kept = self.state.kept();
        let is_first = self.state.head().parent == 0;
        if is_first { Error::NoEarlierVersion { kept } } else { Error::NoVersion { kept } }
    }

    /// The `steps`-th kept ancestor that would change the document.
    fn ancestor(&self, steps: u64) -> Result<Cow<'a, Version>, Error> {
        let mut left = steps;
        let mut version = Cow::Borrowed(self.state.head());
        loop {
            let parent = self.state.find(version.parent);
            version = parent.ok_or_else(|| self.no_ancestor())?;
            self.charge(&version)?;
            if self.content(&version)?.text() != self.present.text() {
                left = left.saturating_sub(1);
                if left == 0 {
                    return Ok(version);
                }
            }
        }
    }

    /// The document after a rollback to `target`: protected, immutable and secret members keep
    /// their present value, and lapsed members do not return.
    fn content(&self, target: &Version) -> Result<Tree<'static>, Error> {
        self.charge(target)?;
        self.applicable.charge_preserving(target.document.tree().root(), self.present, self.budget)?;
        let old = self.applicable.snapshot(target, self.now_ms);
        let document = match &self.request.only {
            None => Draft::Same(old.root()),
            Some(pointers) => {
                let mut document = Draft::Same(self.present);
                for pointer in pointers {
                    take_member(&mut document, old.root(), pointer, self.budget)?;
                }
                document.charge_keeping(self.budget)?;
                document
            }
        };
        let keep = if self.request.all { Preserve::AllButProtected } else { Preserve::Annotated };
        Ok(self.applicable.preserve(document, self.present, keep))
    }
}

/// Sets the member at `pointer` to its value in `old`.
fn take_member<'v>(
    document: &mut Draft<'v>,
    old: Node<'v>,
    pointer: &Pointer,
    budget: &Budget,
) -> Result<(), Error> {
    let no_place = || Error::BadMember { pointer: pointer.to_string() };
    let Some(value) = pointer.find(old) else { return remove_member(document, pointer, budget) };
    let value = Draft::Same(value);
    let Some((last, parents)) = pointer.tokens().split_last() else {
        *document = value;
        return Ok(());
    };
    let mut parent = document;
    for token in parents {
        parent.open_charged(token, budget)?;
        let below = match parent {
            Draft::Same(_) => None,
            Draft::Object(members) => members.entry(raw(token).into_owned().into(), Draft::object),
            Draft::Array(elements) => array_index(token).and_then(|index| elements.get_mut(index)),
        };
        parent = below.ok_or_else(no_place)?;
    }
    parent.open_charged(last, budget)?;
    match parent {
        Draft::Same(_) => Err(no_place()),
        Draft::Object(members) => {
            members.insert(raw(last).into_owned(), value);
            Ok(())
        }
        Draft::Array(elements) => {
            let len = elements.len();
            let index = array_index(last).filter(|index| *index <= len).ok_or_else(no_place)?;
            match elements.get_mut(index) {
                Some(element) => *element = value,
                None => elements.push(value),
            }
            Ok(())
        }
    }
}

/// Removes a member that `old` does not have.
fn remove_member(document: &mut Draft, pointer: &Pointer, budget: &Budget) -> Result<(), Error> {
    match document.find_parent_charged(pointer, budget)? {
        Some((Draft::Object(members), last)) => drop(members.remove(last)),
        Some((Draft::Array(elements), last)) => {
            if let Some(index) = array_index(last).filter(|index| *index < elements.len()) {
                budget.charge(elements.len().saturating_mul(ELEMENT_SHIFTED))?;
                elements.remove(index);
            }
        }
        Some((Draft::Same(_), _)) | None => {}
    }
    Ok(())
}
