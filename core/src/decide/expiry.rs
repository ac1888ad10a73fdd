//! The expiry of a key after a command, and the deadlines of its members.

use super::outcome::StateChange;
use crate::context::Context;
use crate::error::Error;
use crate::schema::annotations::lapses::Clock;
use crate::schema::compiled::Schema;
use crate::state::State;
use crate::state::deadlines::Deadlines;
use crate::state::effect::Effect;
use redis_state_types::Ttl;

/// The expiry that `ttl` asks for. By default the key lives at least as long as its last deadline.
pub(super) fn expiry(
    ttl: Ttl,
    state: Option<&State>,
    schema: Option<&Schema>,
    deadlines: &Deadlines,
    context: &Context,
) -> Result<Option<i64>, Error> {
    let default_ms = schema.and_then(Schema::ttl_ms).unwrap_or(context.limits.default_ttl_ms);
    let longest_ms = deadlines.last_ms().map_or(0, |at_ms| at_ms.saturating_sub(context.now_ms));
    let present = state.map(|_| context.expires_at_ms);
    Ok(ttl.resolve(context.now_ms, present, default_ms.max(longest_ms))?)
}

/// The effect that moves deadlines, if any moves.
pub(super) fn deadlines_effect(state: &State, deadlines: Deadlines) -> Option<Effect> {
    (deadlines != state.head().deadlines).then_some(Effect::Deadlines(deadlines))
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
    let effects = deadlines_effect(state, deadlines).into_iter().collect();
    Ok(StateChange { effects, expires_at_ms, entry: None, event: None })
}
