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
use crate::server::ffi::stream::{Fields, StreamId, Trim};
use crate::server::ffi::string::{OwnedString, RedisStr};
use crate::server::global::config;
use crate::server::global::counters;
use crate::server::value::state_key::Kind;

/// The events that it gets.
const FED: [&str; 4] = ["lapse", "expire", "evict", "reject"];

/// How many entries one PURGE examines: some ten milliseconds.
const EXAMINED_MAX: usize = 10_000;

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

/// What PURGE has removed from the feed.
#[derive(Default)]
pub struct Erased {
    /// The number of entries.
    pub entries: usize,
    /// The next entry to examine; `None` when all were examined.
    pub next: Option<StreamId>,
}

/// Deletes the entries about `key`, a key of the selected database, here and on replicas. Examines
/// entries from the newest, or from this one, back, and only so many at once.
pub fn erase(ctx: Ctx, key: RedisStr, from: Option<StreamId>) -> Erased {
    let Some(name) = config::FEED.get() else { return Erased::default() };
    let database = Selected::zero(ctx);
    let mut feed = Key::open_write(ctx, name.borrow());
    let (found, next) = entries_about(&feed, key, database.before, from);
    let deleted: Vec<OwnedString> =
        found.into_iter().filter(|id| feed.delete_entry(*id)).map(StreamId::to_string).collect();
    if !deleted.is_empty() {
        ctx.signal_modified(name.borrow());
        let ids = deleted.iter().map(OwnedString::raw);
        ctx.replicate(c"XDEL", &std::iter::once(name.raw()).chain(ids).collect::<Vec<_>>());
    }
    Erased { entries: deleted.len(), next }
}

/// The IDs of the entries about a key of this database, and the next entry to examine.
fn entries_about(
    feed: &Key,
    key: RedisStr,
    database: c_int,
    from: Option<StreamId>,
) -> (Vec<StreamId>, Option<StreamId>) {
    let (mut found, mut examined) = (Vec::new(), 0);
    let Some(mut entries) = feed.entries_back_from(from) else { return (found, None) };
    while let Some((id, fields)) = entries.next_id() {
        if examined == EXAMINED_MAX {
            return (found, Some(id));
        }
        examined += 1;
        if is_about(&entries.fields(fields), key, database) {
            found.push(id);
        }
    }
    (found, None)
}

fn is_about(fields: &Fields, key: RedisStr, database: c_int) -> bool {
    let value = |wanted: &[u8]| fields.iter().rfind(|(name, _)| name == wanted).map(|(_, value)| value);
    let its_database = value(b"db").map_or(Some(0), |db| std::str::from_utf8(db).ok()?.parse().ok());
    value(b"key").is_some_and(|name| *name == *key) && its_database == Some(database)
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
