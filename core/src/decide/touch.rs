//! STATE.TOUCH: somebody is there. A new expiry, and new deadlines for what lasts as long as somebody is.

use super::expiry::{expiry, moved};
use super::outcome::{Course, Outcome};
use crate::context::Context;
use crate::error::Error;
use crate::expiry::Ttl;
use crate::schema::annotations::lapses::Clock;
use crate::state::State;

/// Decides when the key and its sliding members end from now on; `None` where no state is.
///
/// A schema that is gone does not stop anybody from keeping a session alive: `state.default-ttl` counts then.
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
