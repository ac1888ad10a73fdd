//! STATE.ATTEMPT, and OPERATION on updates: the server counts attempts where they happen.

use super::attempted::{attempted, too_many};
use super::expiry::renewed;
use super::idempotent::idempotent;
use super::outcome::{Outcome, StateChange};
use super::recording::recording_rejections;
use crate::audit::entry::Entry;
use crate::context::{Context, Metadata};
use crate::error::Error;
use crate::state::State;
use crate::state::attempts::Tally;
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
    recording_rejections(state, &rejected, Ttl::Keep, context, |state| {
        idempotent(state, None, &request.metadata, context, || count(state, request, context))
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
            Outcome::of_change(StateChange { effects, expires_at_ms, entry, event: None }, 0)
        }
        Tally::Success | Tally::Failure => {
            let mut change = renewed(state, Ttl::Default, context)?;
            change.effects.insert(0, attempt);
            Outcome::of_change(StateChange { entry, ..change }, attempts.saturating_add(1))
        }
    })
}
