//! STATE.RESET: sets all members to the defaults of the schema, except protected, immutable and
//! secret ones; with `ALL` all but immutable ones.

use super::applicable_schema::ApplicableSchema;
use super::expected::check_expected;
use super::idempotent::idempotent;
use super::outcome::Outcome;
use super::proposal::Proposal;
use super::recording::recording_rejections;
use crate::context::{Context, Metadata};
use crate::error::Error;
use crate::json::draft::Draft;
use crate::json::written::WrittenMembers;
use crate::schema::annotations::preserve::Preserve;
use crate::state::State;
use crate::state::version::Event;
use redis_state_types::{Expected, Ttl};

/// The request of a reset.
#[derive(Clone, Debug)]
pub struct Reset {
    /// The expected version.
    pub expected: Expected,
    /// `ALL`: reset protected and secret members too.
    pub all: bool,
    /// The expiry arguments.
    pub ttl: Ttl,
    /// `EVENT`, `ACTOR`, `NOTE`, `ID`
    pub metadata: Metadata,
}

/// Decides a reset. One without a change makes no version.
///
/// Errors, in the order of the checks: `IDMISMATCH`, `NOSTATE`, `CONFLICT`, `NOSCHEMA`, `INVALID`,
/// `TOOBIG`.
pub fn reset(state: Option<&State>, request: &Reset, context: &Context) -> Outcome {
    let Reset { metadata, ttl, .. } = request;
    recording_rejections(state, metadata, *ttl, context, |state| {
        idempotent(state, Some(request.expected), metadata, context, || defaults(state, request, context))
    })
}

fn defaults(state: Option<&State>, request: &Reset, context: &Context) -> Result<Outcome, Error> {
    request.ttl.check(context.now_ms)?;
    let state = state.ok_or(Error::NoState)?;
    check_expected(state, request.expected)?;
    let applicable = ApplicableSchema::find(context, Some(state), None, false)?;
    let (initial, present) = (applicable.initial(), state.head().document.tree());
    applicable.charge_preserving(initial.root(), present.root(), context.budget)?;
    let keep = if request.all { Preserve::ImmutableIfPresent } else { Preserve::AnnotatedIfPresent };
    let after = applicable.preserve(Draft::Same(initial.root()), present.root(), keep);
    let proposal = Proposal {
        event: Event::Reset,
        rung: None,
        parent: state.head().number,
        before: Some(present.root()),
        after,
        written: WrittenMembers::Differing,
        applicable: &applicable,
        label: None,
        ttl: request.ttl,
        metadata: &request.metadata,
    };
    proposal.into_outcome(Some(state), context)
}
