//! STATE.UPDATE and STATE.SETPROTECTED: what a change makes of a state, or of none.

use super::applicable_schema::Obeyed;
use super::expected::check_expected;
use super::idempotent::{once, with_etag};
use super::outcome::{Course, Outcome};
use super::proposal::Proposal;
use super::rebase;
use crate::context::Rights;
use crate::context::{Context, Remarks};
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
    /// Which state the caller has read.
    pub expected: Expected,
    /// `SCHEMA`
    pub schema: Option<String>,
    /// `LABEL`
    pub label: Option<String>,
    /// `REBASE`: a change of other members than those that have changed since is no conflict.
    pub rebase: bool,
    /// The expiry words.
    pub ttl: Ttl,
    /// `EVENT`, `ACTOR`, `NOTE`, `OPERATION`, `COMPONENT`, `ID`
    pub remarks: Remarks,
}

/// Decides an update of `state` by `change`.
///
/// Errors, in the order they are looked for: `IDMISMATCH`, `NOSTATE`, `CONFLICT`, `NOSCHEMA`, `BADSCHEMA`, `BADPATCH`, `IMMUTABLE`,
/// `PROTECTED`, `INVALID`, `TRANSITION`, `TOOBIG`, `TOODEEP`.
pub fn update(
    state: Option<&State>,
    request: &Update,
    rights: Rights,
    change: Change,
    context: &Context,
) -> Result<Outcome, Error> {
    once(state, &request.remarks, context, || changed(state, request, rights, change, context).map(with_etag))
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
    let obeyed = Obeyed::find(context, state, request.schema.as_deref(), rights.protect)?;
    // What one has found in the present document, all others know.
    let present = state.map(|state| state.head().document.tree());
    let before = present.as_ref().map(Tree::root);
    let rebased = match (state, before, conflict) {
        (Some(state), Some(present), Some(conflict)) => {
            Some(rebase::base(state, present, request.expected, &change, &obeyed).ok_or(conflict)?)
        }
        _ => None,
    };
    let initial = if before.is_some() { Tree::default() } else { obeyed.initial() };
    let base = before.unwrap_or(initial.root());
    let (event, parent) = state.map_or((Event::Create, 0), |state| (Event::Update, state.head().number));
    let written = obeyed.written(&change);
    let proposal = Proposal {
        event,
        rung: None,
        parent,
        before,
        after: obeyed.changed(base, before.is_some(), &change, rights, context)?,
        written,
        obeyed: &obeyed,
        label: request.label.as_deref(),
        ttl: request.ttl,
        remarks: &request.remarks,
    };
    let mut outcome = proposal.settle(state, context)?;
    if let Some(version) = rebased {
        outcome.course = Course::Rebased;
        outcome.entry.iter_mut().for_each(|entry| entry.push_rebased(version));
    }
    Ok(outcome)
}
