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

use crate::server::ffi::stream::StreamId;

/// Maximum number of cached streams. Beyond it, the cache is cleared and each stream is counted
/// again.
const STREAMS_MAX: usize = 1024;

/// Maximum number of entries that a count reads. If half of these entries are rejections and none
/// is a commit, the limit counts as reached.
pub const WALKED_MAX: usize = 1000;

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
pub fn is_empty() -> bool {
    with_streams(|streams| streams.is_empty())
}

/// The cached count of a stream, if `newest` is still its newest entry.
pub fn known(database: c_int, stream: &[u8], newest: StreamId) -> Option<usize> {
    let counted = with_streams(|streams| streams.get(&(database, stream.into())).copied());
    counted.filter(|counted| counted.at == newest).map(|counted| counted.rejects)
}

/// Caches the count of a stream whose newest entry is `newest`.
pub fn cache(database: c_int, stream: &[u8], newest: StreamId, rejects: usize) {
    with_streams(|streams| {
        let place = (database, Box::from(stream));
        if streams.len() >= STREAMS_MAX && !streams.contains_key(&place) {
            streams.clear();
        }
        streams.insert(place, Counted { at: newest, rejects });
    });
}

/// Removes the cached count of a stream.
pub fn forget(database: c_int, stream: &[u8]) {
    with_streams(|streams| {
        if !streams.is_empty() {
            streams.remove(&(database, Box::from(stream)));
        }
    });
}

/// Whether an entry records a rejection, or a failed rung of a recovery.
pub fn is_reject(entry: &Entry) -> bool {
    matches!(entry.event(), "reject" | "recover") && entry.fields().any(|(name, _)| name == "error")
}

/// Whether an entry records a commit, which has a patch.
pub fn is_commit(entry: &Entry) -> bool {
    entry.fields().any(|(name, _)| name == "patch")
}
