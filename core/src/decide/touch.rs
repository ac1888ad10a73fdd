//! STATE.TOUCH: a new expiry and nothing else.

use super::{Context, expiry};
use crate::error::Error;
use crate::expiry::Ttl;
use crate::state::State;

/// Decides when the key expires from now on (`Some(None)`: never); `None` where no state is.
///
/// A schema that is gone does not stop anybody from keeping a session alive: `state.default-ttl` counts then.
///
/// Errors: `ERR invalid expire time`.
pub fn touch(state: Option<&State>, ttl: Ttl, context: &Context) -> Result<Option<Option<i64>>, Error> {
    ttl.check(context.now_ms)?;
    let Some(state) = state else { return Ok(None) };
    let schema = state.schema().and_then(|schema| context.registry.get(&schema.name).ok());
    expiry(ttl, Some(state), schema.map(|schema| &**schema), context).map(Some)
}
