//! STATE.UPDATE and STATE.SETPROTECTED: apply a change to a state, or create one.

use super::applicable_schema::ApplicableSchema;
use super::expected::check_expected;
use super::idempotent::{idempotent, with_etag};
use super::outcome::{Course, Outcome};
use super::proposal::Proposal;
use super::rebase;
use crate::context::{Context, Metadata, Rights};
use crate::error::Error;
use crate::etag::Expected;
use crate::expiry::Ttl;
use crate::json::change::Change;
use crate::json::tree::Tree;
use crate::state::State;
use crate::state::version::Event;

/// The request of an update.
#[derive(Clone, Debug)]
pub struct Update {
    /// The expected version.
    pub expected: Expected,
    /// `SCHEMA`
    pub schema: Option<String>,
    /// `LABEL`
    pub label: Option<String>,
    /// `REBASE`: a change of members that have not changed since is not a conflict.
    pub rebase: bool,
    /// The expiry arguments.
    pub ttl: Ttl,
    /// `EVENT`, `ACTOR`, `NOTE`, `OPERATION`, `COMPONENT`, `ID`
    pub metadata: Metadata,
}

/// Decides an update of `state` by `change`.
///
/// Errors, in the order of the checks: `IDMISMATCH`, `NOSTATE`, `CONFLICT`, `NOSCHEMA`,
/// `BADSCHEMA`, `BADPATCH`, `IMMUTABLE`, `PROTECTED`, `INVALID`, `TRANSITION`, `TOOBIG`, `TOODEEP`.
pub fn update(
    state: Option<&State>,
    request: &Update,
    rights: Rights,
    change: Change,
    context: &Context,
) -> Result<Outcome, Error> {
    idempotent(state, &request.metadata, context, || {
        changed(state, request, rights, change, context).map(with_etag)
    })
}

fn changed(
    state: Option<&State>,
    request: &Update,
    rights: Rights,
    change: Change,
    context: &Context,
) -> Result<Outcome, Error> {
    request.ttl.check(context.now_ms)?;
    let conflict = match (state, request.expected) {
        (Some(state), expected) => check_expected(state, expected).err(),
        (None, Expected::Any | Expected::Absent) => None,
        (None, _) => return Err(Error::NoState),
    };
    let conflict = match conflict {
        Some(conflict) if !request.rebase => return Err(conflict),
        conflict => conflict,
    };
    let applicable = ApplicableSchema::find(context, state, request.schema.as_deref(), rights.protect)?;
    // One tree for all steps: each step uses what earlier ones have found in the text.
    let present = state.map(|state| state.head().document.tree());
    let before = present.as_ref().map(Tree::root);
    let rebased = match (state, before, conflict) {
        (Some(state), Some(present), Some(conflict)) => {
            let (expected, budget) = (request.expected, context.budget);
            Some(rebase::base(state, present, expected, &change, &applicable, budget)?.ok_or(conflict)?)
        }
        _ => None,
    };
    let initial = if before.is_some() { Tree::default() } else { applicable.initial() };
    let base = before.unwrap_or(initial.root());
    let (event, parent) = state.map_or((Event::Create, 0), |state| (Event::Update, state.head().number));
    let written = applicable.written(&change);
    let proposal = Proposal {
        event,
        rung: None,
        parent,
        before,
        after: applicable.changed(base, before.is_some(), &change, rights, context)?,
        written,
        applicable: &applicable,
        label: request.label.as_deref(),
        ttl: request.ttl,
        metadata: &request.metadata,
    };
    let mut outcome = proposal.settle(state, context)?;
    if let Some(version) = rebased {
        outcome.course = Course::Rebased;
        outcome.entry.iter_mut().for_each(|entry| entry.push_rebased(version));
    }
    Ok(outcome)
}
