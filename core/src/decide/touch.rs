//! STATE.TOUCH: the user is active. Renews the expiry and the sliding deadlines.

use super::expiry::renewed;
use super::outcome::Outcome;
use super::recording::after_lapses;
use crate::context::Context;
use crate::error::Error;
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
        let touched = match state {
            None => ttl.check(context.now_ms).map(|()| Outcome::without_writes(false)).map_err(Error::from),
            Some(state) => renewed(state, ttl, context).map(|change| Outcome::of_change(change, true)),
        };
        touched.unwrap_or_else(Outcome::failed)
    })
}
