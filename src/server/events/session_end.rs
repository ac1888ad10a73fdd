//! Session expiry on record: a key that expires or is evicted leaves an entry in its audit stream.
//!
//! When the server reports it, the value is gone. So the type's `unlink2` remembers the last state
//! that left its key, and the event takes it if it is about the very same key: the server passes
//! one string to both, which is held in between, so that no later key can be mistaken for it. Not
//! by equal names alone: after DEL and SET the string under the name may expire, and that is no
//! session.
//!
//! `unlink2` runs for every DEL, RENAME and overwrite too, so it does little: on a replica and with
//! `state.audit no` it remembers nothing but the key. The server replicates the DEL of the key; our
//! entry is an effect of its own, in front of the next command. Memory that is taken here while the
//! server evicts looks as if less had been freed, so it is little.

use std::sync::{Mutex, PoisonError};

use redis_state_core::State;
use redis_state_core::audit::{End, Ended, LastEntry};

use crate::server::commit::audit_stream::AuditStream;
use crate::server::commit::effect::{self, Expiry};
use crate::server::commit::feed;
use crate::server::commit::slot_migration;
use crate::server::ffi::ctx::{self, Ctx};
use crate::server::ffi::string::{OwnedString, RedisStr};
use crate::server::global::config;
use crate::server::global::counters;
use crate::server::global::registry;

/// A state that left its key.
struct Unlinked {
    key: OwnedString,
    /// The content of the entry, where one will be written.
    ended: Option<Ended>,
    last_entry: Option<LastEntry>,
}

static LAST: Mutex<Option<Unlinked>> = Mutex::new(None);

fn replace_last(unlinked: Option<Unlinked>) -> Option<Unlinked> {
    std::mem::replace(&mut *LAST.lock().unwrap_or_else(PoisonError::into_inner), unlinked)
}

/// A state leaves its key, for any reason.
pub fn unlinked(key: RedisStr, state: &State) {
    let is_recorded = config::AUDIT.is_on() && ctx::is_primary();
    let ended = is_recorded.then(|| Ended::of(state, &registry::read()));
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

/// Counts the end of a state and records it. A replica, and a server that loads its data, get the
/// entry from their source.
fn ended(ctx: Ctx, key: RedisStr, end: End, unlinked: &Unlinked) {
    if !ctx.is_primary() || ctx.is_replication() {
        return;
    }
    match end {
        End::Expire => counters::EXPIRED.add(),
        End::Evict => counters::EVICTED.add(),
    }
    // A key without a place for its stream, or with another type in that place, gets no entry:
    // there is no caller to report it to.
    let (Ok(stream), Some(ended)) = (AuditStream::of(&key, None), &unlinked.ended) else { return };
    let mut stream = stream.for_server();
    let now_ms = ctx.now_ms();
    if stream.check(ctx).is_err()
        || slot_migration::stream_is_elsewhere(ctx, unlinked.last_entry, &stream, now_ms)
    {
        return;
    }
    let entry = ended.entry(end, now_ms);
    // A stream that has used its last ID takes no more.
    let Ok(appended) = stream.append(ctx, &entry, now_ms) else { return };
    effect::send(ctx, key, &[], Expiry::Leave, stream.name().map(|name| (name, &appended)));
    feed::copy(ctx, key, &entry);
}
