//! The end of a session on record: a key that expires or is evicted leaves an entry in its audit stream.
//!
//! When the server tells, the value is gone. So the type's `unlink2` remembers the one state that was let go last, and the
//! event takes it if it is about the very same key: the server passes one string to both, which is held in between, so
//! that no later key can be mistaken for it. An entry for a key of the same name alone was rejected: after DEL and SET the
//! string under it may expire, and that is no session.
//!
//! `unlink2` runs for every DEL, RENAME and overwriting too, hence it does no more than it must: on a replica and with
//! `state.audit no` nothing but the key is remembered. The server replicates the DEL of the key by itself; our entry is an
//! effect of its own beside it, in front of whatever follows. Memory that is taken here while the server evicts looks as if
//! less had been freed, so it is little.
//!
//! Only EXPIRED and EVICTED are subscribed to: with GENERIC some servers leave a client in another database.

use std::sync::{Mutex, PoisonError};

use redis_state_core::State;
use redis_state_core::audit::{End, Ended, LastEntry};

use crate::server::commit::audit_stream::Trail;
use crate::server::commit::effect::{self, Expiry};
use crate::server::commit::feed;
use crate::server::commit::slot_migration;
use crate::server::ffi::ctx::{self, Ctx};
use crate::server::ffi::string::{OwnedString, RedisStr};
use crate::server::global::config;
use crate::server::global::counters;
use crate::server::global::registry;

/// A state that was let go.
struct Unlinked {
    key: OwnedString,
    /// What there is to say, where it will be said.
    ended: Option<Ended>,
    last_entry: Option<LastEntry>,
}

static LAST: Mutex<Option<Unlinked>> = Mutex::new(None);

fn replace_last(unlinked: Option<Unlinked>) -> Option<Unlinked> {
    std::mem::replace(&mut *LAST.lock().unwrap_or_else(PoisonError::into_inner), unlinked)
}

/// A key lets go of its state, for whatever reason.
pub fn unlinked(key: RedisStr, state: &State) {
    let is_told = config::AUDIT.is_on() && ctx::is_primary();
    let ended = is_told.then(|| Ended::of(state, &registry::read()));
    let key = OwnedString::hold(key.raw());
    let last_entry = state.last_entry();
    replace_last(key.map(|key| Unlinked { key, ended, last_entry }));
}

/// A key has expired or was evicted.
pub fn on_end(ctx: Ctx, is_evicted: bool, key: RedisStr) {
    let end = if is_evicted { End::Evict } else { End::Expire };
    let unlinked = replace_last(None).filter(|unlinked| unlinked.key.raw().is(key.raw()));
    if let Some(unlinked) = unlinked {
        ended(ctx, key, end, &unlinked);
    }
}

/// Counts the end of a state and puts it on record. A replica, and a server that loads its data, get theirs from elsewhere.
fn ended(ctx: Ctx, key: RedisStr, end: End, unlinked: &Unlinked) {
    if !ctx.is_primary() || ctx.is_replication() {
        return;
    }
    match end {
        End::Expire => counters::EXPIRED.add(),
        End::Evict => counters::EVICTED.add(),
    }
    // A key without a place for its stream, or with something else in that place: there is nobody to refuse it to.
    let (Ok(trail), Some(ended)) = (Trail::of(&key, None), &unlinked.ended) else { return };
    let mut trail = trail.unasked();
    let now_ms = ctx.now_ms();
    if trail.check(ctx).is_err()
        || slot_migration::trail_is_elsewhere(ctx, unlinked.last_entry, &trail, now_ms)
    {
        return;
    }
    let entry = ended.entry(end, now_ms);
    // A stream that has used its last ID takes no more.
    let Ok(appended) = trail.append(ctx, &entry, now_ms) else { return };
    effect::send(ctx, key, &[], Expiry::Leave, trail.name().map(|name| (name, &appended)));
    feed::tell(ctx, key, &entry);
}
