//! STATE.UPDATE and STATE.SETPROTECTED: apply a change to a state, or create one.

use super::applicable_schema::ApplicableSchema;
use super::expected::check_expected;
use super::idempotent::idempotent;
use super::outcome::{Course, Outcome};
use super::proposal::Proposal;
use super::rebase;
use super::recording::recording_rejections;
use crate::context::{Context, Metadata};
use crate::error::Error;
use crate::json::change::Change;
use crate::json::tree::Tree;
use crate::state::State;
use crate::state::version::Event;
use redis_state_types::{Expected, Ttl};

/// The request of an update.
#[derive(Clone, Debug)]
pub struct Update {
    /// The change, or the error of its JSON. `TOOBIG` and `TOODEEP` are rejections, which the audit
    /// stream records, so the parser leaves the error to the decision.
    pub change: Result<Change, Error>,
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

/// Decides an update.
///
/// Errors, in the order of the checks: `BADJSON`, `IDMISMATCH`, the limits of [`Change::parse`], an
/// expiry that has passed, `NOSTATE`, `CONFLICT` (with REBASE after the schema's errors),
/// `BADSCHEMA`, `NOSCHEMA`, those of `ApplicableSchema::apply_change`, `INVALID`, `TRANSITION`,
/// `TOOBIG`. `TOOCOSTLY` at any step after the schema's.
pub fn update(state: Option<&State>, request: &Update, context: &Context) -> Outcome {
    let Update { change, metadata, ttl, .. } = request;
    recording_rejections(state, metadata, *ttl, context, |state| {
        // In this order: due lapses, the change's syntax, the token, the change. The limits come
        // after the token: one that was lowered since must not reject a replay.
        if let Err(error @ Error::BadJson { .. }) = change {
            return Err(error.clone());
        }
        idempotent(state, Some(request.expected), metadata, context, || {
            let change = change.as_ref().map_err(Error::clone)?;
            decide_new_request(state, request, change, context)
        })
    })
}

fn decide_new_request(
    state: Option<&State>,
    request: &Update,
    change: &Change,
    context: &Context,
) -> Result<Outcome, Error> {
    request.ttl.check(context.now_ms)?;
    let mismatch = match (state, request.expected) {
        (Some(state), expected) => check_expected(state, expected).err(),
        (None, Expected::Any | Expected::Absent) => None,
        (None, _) => return Err(Error::NoState),
    };
    let to_rebase = match mismatch {
        Some(conflict) if !request.rebase => return Err(conflict),
        mismatch => mismatch,
    };
    let applicable =
        ApplicableSchema::find(context, state, request.schema.as_deref(), context.rights.writes_protected)?;
    // A tree is text with the places of the values found so far, a node one value in it. One tree
    // for all steps, so that each place is found once.
    let tree = state.map(|state| state.head().document.tree());
    let before = tree.as_ref().map(Tree::root);
    let rebased_from = match (state, before, to_rebase) {
        (Some(state), Some(present), Some(conflict)) => {
            let (expected, budget) = (request.expected, context.budget);
            // `None`: the version is not kept, or a member of the change has changed since.
            let from = rebase::rebased_from(state, present, expected, change, &applicable, budget)?;
            Some(from.ok_or(conflict)?)
        }
        _ => None,
    };
    let initial = if before.is_some() { Tree::default() } else { applicable.initial() };
    let base = before.unwrap_or(initial.root());
    let (event, parent) = state.map_or((Event::Create, 0), |state| (Event::Update, state.head().number));
    // For deadlines: a member written with its old value renews its deadline too.
    let written = applicable.written_members(change);
    let proposal = Proposal {
        event,
        rung: None,
        parent,
        before,
        after: applicable.apply_change(base, before.is_some(), change, context)?,
        written,
        applicable: &applicable,
        label: request.label.as_deref(),
        ttl: request.ttl,
        metadata: &request.metadata,
    };
    let mut outcome = proposal.into_outcome(state, context)?;
    if let Some(version) = rebased_from {
        outcome.course = Course::Rebased;
        if let Some(entry) = outcome.own_change_mut().and_then(|change| change.entry.as_mut()) {
            entry.push_rebased(version);
        }
    }
    Ok(outcome)
}
