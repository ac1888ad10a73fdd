//! STATE.ATTEMPT, and OPERATION on updates: the server counts attempts where they happen.

use super::idempotent::idempotent;
use super::outcome::{Course, Outcome};
use super::touch;
use crate::audit::entry::Entry;
use crate::context::{Context, Metadata};
use crate::error::Error;
use crate::expiry::Ttl;
use crate::shown::start_of;
use crate::state::State;
use crate::state::attempts::{ATTEMPT_ERROR_BYTES_MAX, Attempt, Attempted, OPERATIONS_MAX, Tally};
use crate::state::effect::Effect;
use crate::state::idempotency::Made;

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
/// does not.
///
/// Errors: `IDMISMATCH`, `NOSTATE`, `TOOBIG` for one operation too many.
pub fn attempt(state: Option<&State>, request: &Try, context: &Context) -> Result<Outcome, Error> {
    idempotent(state, &request.metadata, context, || count(state, request, context))
}

fn count(state: Option<&State>, request: &Try, context: &Context) -> Result<(Outcome, Made), Error> {
    let state = state.ok_or(Error::NoState)?;
    let metadata = &request.metadata;
    let Some(attempted) = attempted(request.tally, request.error.as_deref(), metadata, context) else {
        return Err(Error::Internal("an attempt without an operation"));
    };
    if !state.admits_attempt(&attempted) {
        return Err(too_many());
    }
    let touched = match request.tally {
        Tally::Clear => None,
        Tally::Success | Tally::Failure => touch(Some(state), Ttl::Default, context)?,
    };
    let entry = Some(Entry::attempt(state, &attempted, metadata, context));
    let expires_at_ms = touched.as_ref().map_or(context.expires_at_ms, |touched| touched.expires_at_ms);
    let moved = touched.map(|touched| touched.effects).unwrap_or_default();
    let made = Made::Attempts(match request.tally {
        Tally::Clear => 0,
        Tally::Success | Tally::Failure => {
            let counter = state.attempts().counter(&attempted.attempt.operation);
            counter.map_or(0, |counter| counter.attempts).saturating_add(1)
        }
    });
    let effects = std::iter::once(Effect::Attempt(attempted)).chain(moved).collect();
    let course = Course::Plain;
    Ok((Outcome { effects, event: None, etag: state.etag(), expires_at_ms, entry, course }, made))
}

/// The failed attempt of a rejected command with an operation; it renews the expiry, since the user
/// is active.
pub fn failed_attempt(
    state: &State,
    ttl: Ttl,
    error: &Error,
    metadata: &Metadata,
    context: &Context,
) -> Option<Outcome> {
    let attempted = attempted(Tally::Failure, Some(&error.to_string()), metadata, context)?;
    let mut outcome = touch(Some(state), ttl, context).ok()??;
    if !state.admits_attempt(&attempted) {
        return None;
    }
    outcome.effects.insert(0, Effect::Attempt(attempted));
    Some(outcome)
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
