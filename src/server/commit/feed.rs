//! `state.feed`: one stream in database 0 that gets every lapse, session expiry and rejection.
//!
//! A consumer group on it needs to know no key. The entry is the one that the state's audit stream
//! got in the same step, with `key`, and with `db` where that is not 0. It is replicated with its
//! ID and the stream's length: a replica needs no setting for it. The server owns the stream: the
//! caller's permissions do not matter.
//!
//! Not in a cluster: one stream lies in one slot, and no node may write into the slot of another.

use std::ffi::c_int;
use std::sync::atomic::{AtomicI64, Ordering};

use redis_state_core::audit::Entry;

use crate::server::commit::audit_stream::Appended;
use crate::server::commit::effect::{self, Expiry};
use crate::server::commit::stream_entry::EntryStrings;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::key::Key;
use crate::server::ffi::stream::Trim;
use crate::server::ffi::string::RedisStr;
use crate::server::global::config;
use crate::server::global::counters;
use crate::server::value::state_key::Kind;

/// The events that it gets.
const FED: [&str; 4] = ["lapse", "expire", "evict", "reject"];

/// How often the setting was set when the log got a warning: the key holds another type.
static WARNED_AT: AtomicI64 = AtomicI64::new(0);

/// Copies an entry about `key`, a key of the selected database, to the feed, if the feed gets its
/// event.
pub fn copy(ctx: Ctx, key: RedisStr, entry: &Entry) {
    if !FED.contains(&entry.event()) {
        return;
    }
    let Some(name) = config::FEED.get() else { return };
    let database = Selected::zero(ctx);
    let mut strings = EntryStrings::of(entry);
    strings.push("key", key.bytes());
    if database.before != 0 {
        strings.push("db", database.before.to_string().as_bytes());
    }
    append(ctx, name.borrow(), strings);
}

/// Appends to the feed, here and on replicas. It never expires, so an expiry that a client has set
/// is removed.
fn append(ctx: Ctx, name: RedisStr, strings: EntryStrings) {
    let mut key = Key::open_write(ctx, name);
    if !matches!(key.kind(), Kind::Nothing | Kind::Stream) {
        warn_of(ctx, &name);
        return;
    }
    // Only a stream that has used its last ID takes no more.
    let Some(id) = key.add(None, strings.as_slice()) else { return };
    let len = key.trim(usize::try_from(config::FEED_MAXLEN.get()).unwrap_or(1), Trim::About);
    key.set_expiry(None);
    ctx.signal_modified(name);
    counters::FEED_ENTRIES.add();
    let appended = Appended { id, len, expires_at_ms: None, strings };
    effect::send(ctx, name, &[], Expiry::Leave, Some((name, &appended)));
}

/// Logs that the key is of no use, once each time the setting is set.
fn warn_of(ctx: Ctx, name: &[u8]) {
    let times_set = config::FEED.times_set();
    if WARNED_AT.swap(times_set, Ordering::Relaxed) != times_set {
        let shown = String::from_utf8_lossy(name);
        let advice = "delete or rename that key, or name another one";
        ctx.log(c"warning", &format!("redis-state: state.feed {shown} is no stream: {advice}"));
    }
}

/// Database 0, until this goes out of scope.
struct Selected {
    ctx: Ctx,
    before: c_int,
}

impl Selected {
    fn zero(ctx: Ctx) -> Selected {
        let before = ctx.database();
        ctx.select(0);
        Selected { ctx, before }
    }
}

impl Drop for Selected {
    fn drop(&mut self) {
        self.ctx.select(self.before);
    }
}
