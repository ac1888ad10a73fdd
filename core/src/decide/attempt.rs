//! STATE.ATTEMPT, and OPERATION on updates: the server counts attempts where they happen.

use super::idempotent::idempotent;
use super::outcome::{Outcome, StateChange};
use super::recorded::recorded;
use super::touch::renewed;
use crate::audit::entry::Entry;
use crate::context::{Context, Metadata};
use crate::error::Error;
use crate::shown::start_of;
use crate::state::State;
use crate::state::attempts::{ATTEMPT_ERROR_BYTES_MAX, Attempt, Attempted, OPERATIONS_MAX, Tally};
use crate::state::effect::Effect;
use redis_state_types::Ttl;

/// The request of STATE.ATTEMPT; the operation is in the metadata.
#[derive(Clone, Debug)]
pub struct Try {
    /// The outcome.
    pub tally: Tally,
    /// `ERROR`
    pub error: Option<String>,
    /// `ACTOR`, `COMPONENT` and the operation.
    pub metadata: Metadata,
}

/// Decides an attempt. Success and failure renew the expiry, since the user is active; a clearing
/// does not. The reply: the number of attempts.
///
/// Errors: `IDMISMATCH`, `NOSTATE`, `TOOBIG` for one operation too many.
pub fn attempt(state: Option<&State>, request: &Try, context: &Context) -> Outcome<u64> {
    // A rejected count is no failure of the operation.
    let rejected = Metadata { operation: None, ..request.metadata.clone() };
    recorded(state, &rejected, Ttl::Keep, context, |state| {
        idempotent(state, &request.metadata, context, || count(state, request, context))
    })
}

fn count(state: Option<&State>, request: &Try, context: &Context) -> Result<Outcome<u64>, Error> {
    let state = state.ok_or(Error::NoState)?;
    let metadata = &request.metadata;
    let Some(attempted) = attempted(request.tally, request.error.as_deref(), metadata, context) else {
        return Err(Error::Internal("an attempt without an operation"));
    };
    if !state.admits_attempt(&attempted) {
        return Err(too_many());
    }
    let entry = Some(Entry::attempt(state, &attempted, metadata, context));
    let counter = state.attempts().counter(&attempted.attempt.operation);
    let attempts = counter.map_or(0, |counter| counter.attempts);
    let attempt = Effect::Attempt(attempted);
    Ok(match request.tally {
        Tally::Clear => {
            let (effects, expires_at_ms) = (vec![attempt], context.expires_at_ms);
            Outcome::changed(StateChange { effects, expires_at_ms, entry, event: None }, 0)
        }
        Tally::Success | Tally::Failure => {
            let mut change = renewed(state, Ttl::Default, context)?;
            change.effects.insert(0, attempt);
            Outcome::changed(StateChange { entry, ..change }, attempts.saturating_add(1))
        }
    })
}

/// The failed attempt of a rejected command with an operation; it renews the expiry, since the user
/// is active.
pub(super) fn failed_attempt(
    state: &State,
    ttl: Ttl,
    error: &Error,
    metadata: &Metadata,
    context: &Context,
) -> Option<StateChange> {
    let attempted = attempted(Tally::Failure, Some(&error.to_string()), metadata, context)?;
    let mut change = renewed(state, ttl, context).ok()?;
    if !state.admits_attempt(&attempted) {
        return None;
    }
    change.effects.insert(0, Effect::Attempt(attempted));
    Some(change)
}

/// The successful attempt of a commit, or of an update without a change.
pub(super) fn success(
    state: Option<&State>,
    metadata: &Metadata,
    context: &Context,
) -> Result<Option<Attempted>, Error> {
    let attempted = attempted(Tally::Success, None, metadata, context);
    match (state, &attempted) {
        (Some(state), Some(attempted)) if !state.admits_attempt(attempted) => Err(too_many()),
        _ => Ok(attempted),
    }
}

fn attempted(tally: Tally, error: Option<&str>, metadata: &Metadata, context: &Context) -> Option<Attempted> {
    let attempt = Attempt {
        operation: metadata.operation.as_deref()?.into(),
        component: metadata.component.as_deref().map(Into::into),
        at_ms: context.now_ms,
        success: tally == Tally::Success,
        error: error.map(|error| start_of(error, ATTEMPT_ERROR_BYTES_MAX).into()),
    };
    Some(Attempted { tally, attempt, history_max: context.limits.attempts_history })
}

fn too_many() -> Error {
    Error::TooManyOperations { limit: OPERATIONS_MAX }
}
