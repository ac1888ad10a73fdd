//! STATE.RESET: the defaults of the schema everywhere, but for what is protected, immutable or secret.

use super::applicable_schema::Obeyed;
use super::expected::check_expected;
use super::idempotent::{once, with_etag};
use super::outcome::Outcome;
use super::proposal::Proposal;
use crate::context::{Context, Remarks};
use crate::error::Error;
use crate::etag::Expected;
use crate::expiry::Ttl;
use crate::json::draft::Draft;
use crate::json::written::Written;
use crate::schema::annotations::preserve::Keep;
use crate::state::State;
use crate::state::version::Event;

/// The request of a reset.
#[derive(Clone, Debug)]
pub struct Reset {
    /// Which state the caller has read.
    pub expected: Expected,
    /// The expiry words.
    pub ttl: Ttl,
    /// `EVENT`, `ACTOR`, `NOTE`, `ID`
    pub remarks: Remarks,
}

/// Decides a reset. One that changes nothing makes no version.
///
/// Errors, in the order they are looked for: `IDMISMATCH`, `NOSTATE`, `CONFLICT`, `NOSCHEMA`, `INVALID`, `TOOBIG`.
pub fn reset(state: Option<&State>, request: &Reset, context: &Context) -> Result<Outcome, Error> {
    once(state, &request.remarks, context, || defaults(state, request, context).map(with_etag))
}

fn defaults(state: Option<&State>, request: &Reset, context: &Context) -> Result<Outcome, Error> {
    request.ttl.check(context.now_ms)?;
    let state = state.ok_or(Error::NoState)?;
    check_expected(state, request.expected)?;
    let obeyed = Obeyed::find(context, Some(state), None, false)?;
    let (initial, present) = (obeyed.initial(), state.head().document.tree());
    let after = obeyed.keep_present(Draft::Same(initial.root()), present.root(), Keep::GuardedIfThere);
    let proposal = Proposal {
        event: Event::Reset,
        rung: None,
        parent: state.head().number,
        before: Some(present.root()),
        after,
        written: Written::Differing,
        obeyed: &obeyed,
        label: None,
        ttl: request.ttl,
        remarks: &request.remarks,
    };
    proposal.settle(Some(state), context)
}
