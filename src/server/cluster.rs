//! What a state in a cluster remembers, so that a slot that moves does not split its audit stream.
//!
//! While a slot moves, key by key, a state may be here and its stream still elsewhere, or the other way round. A command
//! that names the stream with AUDIT is stopped by the server itself. One that does not is stopped here, and timers wait:
//! an entry written now would begin a second stream, and the first one could not follow (BUSYKEY).
//!
//! Outside a cluster nothing is remembered: no slot moves there, and a state need not carry what nobody asks for.

use std::sync::atomic::{AtomicBool, Ordering};

use redis_state_core::audit::LastEntry;

use super::audit::Trail;
use super::ctx::Ctx;
use super::key::Key;

static IS_ON: AtomicBool = AtomicBool::new(false);

/// Asks the server once: it can't change while it runs.
pub fn look(ctx: Ctx) {
    IS_ON.store(ctx.is_in_cluster(), Ordering::Relaxed);
}

pub fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}

/// Lets a state, if there is one, remember the entry that was written about it: here, and on replicas from the same words.
pub fn remember(key: &mut Key, id: (u64, u64), expires_at_ms: i64) {
    if !is_on() {
        return;
    }
    if let (Some(held), Some(last)) = (key.held_mut(), LastEntry::new(id, expires_at_ms)) {
        held.set_last_entry(last);
    }
}

/// Whether the stream must be on another node: it is not here, and has not expired. Timers wait then.
pub fn trail_is_elsewhere(ctx: Ctx, last: Option<LastEntry>, trail: &Trail, now_ms: i64) -> bool {
    is_on() && last.is_some_and(|last| last.is_kept(now_ms)) && trail.is_missing(ctx)
}
