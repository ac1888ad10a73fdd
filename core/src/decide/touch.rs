//! STATE.TOUCH: the user is active. Renews the expiry and the sliding deadlines.

use super::expiry::renewed;
use super::outcome::Outcome;
use super::recorded::after_lapses;
use crate::context::Context;
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
