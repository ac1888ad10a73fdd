//! STATE.TOUCH: the user is active. Renews the expiry and the sliding deadlines.

use super::expiry::{expiry, moved};
use super::outcome::{Outcome, StateChange};
use super::recorded::after_lapses;
use crate::context::Context;
use crate::error::Error;
use crate::schema::annotations::lapses::Clock;
use crate::state::State;
use redis_state_types::Ttl;

/// Decides the new expiry of the key and of its sliding members. The reply: whether there is a
/// state.
///
/// A removed schema does not stop the session from being renewed: `state.default-ttl` applies.
///
/// Errors: `ERR invalid expire time`.
pub fn touch(state: Option<&State>, ttl: Ttl, context: &Context) -> Outcome<bool> {
    after_lapses(state, context, |state| {
        if let Err(error) = ttl.check(context.now_ms) {
            return Outcome::failed(error.into());
        }
        match state.map(|state| renewed(state, ttl, context)) {
            None => Outcome::unchanged(false),
            Some(Ok(change)) => Outcome::changed(change, true),
            Some(Err(error)) => Outcome::failed(error),
        }
    })
}

/// The renewal of the expiry and of the sliding members, without an audit entry.
pub(super) fn renewed(state: &State, ttl: Ttl, context: &Context) -> Result<StateChange, Error> {
    ttl.check(context.now_ms)?;
    let schema = state.schema().and_then(|schema| context.registry.get(&schema.name).ok());
    let deadlines = match schema.filter(|schema| schema.rules().has_lifetimes()) {
        Some(schema) => {
            let document = state.head().document.tree();
            let before = Some((document.root(), &state.head().deadlines));
            schema
                .rules()
                .deadlines(document.root(), &Clock { now_ms: context.now_ms, before, written: None })?
        }
        None => state.head().deadlines.clone(),
    };
    let expires_at_ms = expiry(ttl, Some(state), schema.map(|schema| &**schema), &deadlines, context)?;
    let effects = moved(state, deadlines).into_iter().collect();
    Ok(StateChange { effects, expires_at_ms, entry: None, event: None })
}
