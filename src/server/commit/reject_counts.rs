//! Number of rejections since the last commit, for each audit stream.
//!
//! The stream itself holds the rejections, so a restart, a failover or a trim needs no bookkeeping.
//! But counting them at each rejection would make a thousand rejections cost a million steps. So
//! the number is cached with the ID of the newest entry, and valid while that entry is the newest
//! one.

use std::collections::HashMap;
use std::ffi::c_int;
use std::sync::{Mutex, PoisonError};

use redis_state_core::audit::Entry;

use crate::server::commit::audit_stream::{Appended, AuditStream};
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::stream::StreamId;

/// Maximum number of cached streams. Beyond it, the cache is cleared and each stream is counted
/// again.
const STREAMS_MAX: usize = 1024;

/// Maximum number of entries that a count reads. If half of these entries are rejections and none
/// is a commit, the limit counts as reached.
const WALKED_MAX: usize = 1000;

impl AuditStream {
    /// Number of rejections since the last commit, failed rungs of recoveries included. Above
    /// `max`, the number is a lower bound.
    pub fn rejects_since_commit(&self, ctx: Ctx, max: usize) -> usize {
        self.look(ctx, |key| {
            let mut rejects = 0;
            let Some(mut entries) = key.entries_from_end() else { return rejects };
            let Some(mut next) = entries.next_id() else { return rejects };
            if let Some(known) = self.known_at(ctx, next.0) {
                return known;
            }
            for _ in 0..WALKED_MAX {
                let entry = entries.fields(next.1);
                let has = |wanted: &[u8]| entry.iter().any(|(name, _)| name == wanted);
                match entry.first().map(|(_, event)| event.as_slice()) {
                    Some(b"reject" | b"recover") if has(b"error") => rejects += 1,
                    // The entry of a commit has a patch.
                    _ if has(b"patch") => return rejects,
                    _ => {}
                }
                match entries.next_id().filter(|_| rejects <= max) {
                    Some(found) => next = found,
                    None => return rejects,
                }
            }
            if rejects > WALKED_MAX / 2 { usize::MAX } else { rejects }
        })
    }

    /// The cached number of rejections, if `newest` was the newest entry then.
    fn known_at(&self, ctx: Ctx, newest: StreamId) -> Option<usize> {
        known(ctx.database(), &self.name()?, newest)
    }

    /// Caches the number of rejections with an entry that was appended; `before` is the number
    /// without it.
    pub fn count_rejects(&self, ctx: Ctx, before: Option<usize>, entry: &Entry, appended: &Appended) {
        let Some(name) = self.name() else { return };
        // A stream that is deleted and created again within a millisecond may give out the same ID.
        let Some(before) = before else { return forget(ctx.database(), &name) };
        let rejects = before.saturating_add(usize::from(is_reject(entry)));
        cache(ctx.database(), &name, appended.id, rejects);
    }

    /// The cached number of rejections; `None` if it is not cached, or `entry` is a commit.
    pub fn known_rejects(&self, ctx: Ctx, entry: &Entry) -> Option<usize> {
        if is_empty() || is_commit(entry) {
            return None;
        }
        let newest = self.look(ctx, |key| Some(key.entries_from_end()?.next_id()?.0))?;
        self.known_at(ctx, newest)
    }
}

/// A number of rejections, and the newest entry at that time.
#[derive(Clone, Copy)]
struct Counted {
    at: StreamId,
    rejects: usize,
}

type Streams = HashMap<(c_int, Box<[u8]>), Counted>;

static COUNTED: Mutex<Option<Streams>> = Mutex::new(None);

fn with_streams<T>(look: impl FnOnce(&mut Streams) -> T) -> T {
    let mut streams = COUNTED.lock().unwrap_or_else(PoisonError::into_inner);
    look(streams.get_or_insert_default())
}

/// Whether the cache is empty. Without rejections, entries cost nothing more.
fn is_empty() -> bool {
    with_streams(|streams| streams.is_empty())
}

/// The cached count of a stream, if `newest` is still its newest entry.
fn known(database: c_int, stream: &[u8], newest: StreamId) -> Option<usize> {
    let counted = with_streams(|streams| streams.get(&(database, stream.into())).copied());
    counted.filter(|counted| counted.at == newest).map(|counted| counted.rejects)
}

/// Caches the count of a stream whose newest entry is `newest`.
fn cache(database: c_int, stream: &[u8], newest: StreamId, rejects: usize) {
    with_streams(|streams| {
        let place = (database, Box::from(stream));
        if streams.len() >= STREAMS_MAX && !streams.contains_key(&place) {
            streams.clear();
        }
        streams.insert(place, Counted { at: newest, rejects });
    });
}

/// Removes the cached count of a stream.
fn forget(database: c_int, stream: &[u8]) {
    with_streams(|streams| {
        if !streams.is_empty() {
            streams.remove(&(database, Box::from(stream)));
        }
    });
}

/// Whether an entry records a rejection, or a failed rung of a recovery.
fn is_reject(entry: &Entry) -> bool {
    matches!(entry.event(), "reject" | "recover") && entry.fields().any(|(name, _)| name == "error")
}

/// Whether an entry records a commit, which has a patch.
fn is_commit(entry: &Entry) -> bool {
    entry.fields().any(|(name, _)| name == "patch")
}
