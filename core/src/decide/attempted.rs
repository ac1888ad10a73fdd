//! The attempt that a command counts: by STATE.ATTEMPT, or as the operation of an update.

use super::expiry::renewed;
use super::outcome::StateChange;
use crate::context::{Context, Metadata};
use crate::error::Error;
use crate::shown::start_of;
use crate::state::State;
use crate::state::attempts::{ATTEMPT_ERROR_BYTES_MAX, Attempt, Attempted, OPERATIONS_MAX, Tally};
use crate::state::effect::Effect;
use redis_state_types::Ttl;

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

/// An attempt at the operation that the metadata names; `None` without one.
pub(super) fn attempted(
    tally: Tally,
    error: Option<&str>,
    metadata: &Metadata,
    context: &Context,
) -> Option<Attempted> {
    let attempt = Attempt {
        operation: metadata.operation.as_deref()?.into(),
        component: metadata.component.as_deref().map(Into::into),
        at_ms: context.now_ms,
        success: tally == Tally::Success,
        error: error.map(|error| start_of(error, ATTEMPT_ERROR_BYTES_MAX).into()),
    };
    Some(Attempted { tally, attempt, history_max: context.limits.attempts_history })
}

pub(super) fn too_many() -> Error {
    Error::TooManyOperations { limit: OPERATIONS_MAX }
}
