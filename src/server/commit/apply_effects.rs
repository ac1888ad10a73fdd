//! Applies effects to a key: the one place where a state changes, on a primary and on a replica,
//! except for the last audit entry that it remembers in a cluster.

use redis_state_core::Effect;

use crate::server::commit::effect::Expiry;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::key::Key;
use crate::server::value::held::Held;

/// Applies effects that [`Effect::admit`] admits, moves the key's expiry, and signals blocked
/// clients. A decision makes only such effects; a replica checks them first. WATCH is signalled
/// with [`Expiry::Set`], which comes with every effect.
pub fn apply_effects(ctx: Ctx, key: &mut Key, effects: Vec<Effect>, expiry: Expiry) {
    let has_effects = !effects.is_empty();
    effects.into_iter().for_each(|effect| apply_effect(ctx, key, effect));
    if let Expiry::Set(expires_at_ms) = expiry {
        key.set_expiry(expires_at_ms);
        ctx.signal_modified(key.name());
    }
    if has_effects {
        ctx.signal_ready(key.name());
    }
}

fn apply_effect(ctx: Ctx, key: &mut Key, effect: Effect) {
    match (effect, key.held_mut()) {
        // A new state: the server frees the former value.
        (Effect::Put(state), _) => key.put(Held::new(*state)),
        (effect, Some(held)) => held.apply(effect),
        // Admitted effects find a state.
        (_, None) => {}
    }
    let name = key.name();
    if let Some(held) = key.held_mut() {
        held.note_deadlines(ctx.database(), &name);
    }
}
