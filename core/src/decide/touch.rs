//! STATE.TOUCH: the user is active. Renews the expiry and the sliding deadlines.

use super::expiry::{expiry, moved};
use super::outcome::{Course, Outcome};
use crate::context::Context;
use crate::error::Error;
use crate::expiry::Ttl;
use crate::schema::annotations::lapses::Clock;
use crate::state::State;

/// Decides the new expiry of the key and of its sliding members; `None` without a state.
///
/// A removed schema does not stop the session from being renewed: `state.default-ttl` applies.
///
/// Errors: `ERR invalid expire time`.
pub fn touch(state: Option<&State>, ttl: Ttl, context: &Context) -> Result<Option<Outcome>, Error> {
    ttl.check(context.now_ms)?;
    let Some(state) = state else { return Ok(None) };
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
    let (etag, course) = (state.etag(), Course::Plain);
    Ok(Some(Outcome { effects, event: None, etag, expires_at_ms, entry: None, course }))
}
