//! How many rejections stand behind the last commit of an audit stream.
//!
//! The stream itself has the answer, so a restart, a failover or a trim needs no bookkeeping. But
//! walking it at each rejection makes a thousand rejections cost a million steps. So the count is
//! cached with the ID of the newest entry: while that is the newest one, the count is right.

use std::collections::HashMap;
use std::ffi::c_int;
use std::sync::{Mutex, PoisonError};

use redis_state_core::audit::Entry;

use crate::server::ffi::stream::StreamId;

/// How many streams have their count kept. Beyond that all are counted anew, once each.
const STREAMS_MAX: usize = 1024;

/// A walk looks at no more entries than this, and takes half as many rejections without a commit
/// for more than any setting allows.
pub const WALKED_MAX: usize = 1000;

/// A count, and the newest entry when it was made.
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

/// Whether any count is kept: while nothing is rejected, entries cost nothing more.
pub fn is_empty() -> bool {
    with_streams(|streams| streams.is_empty())
}

/// The count of a stream whose newest entry is `newest`, if it is known.
pub fn known(database: c_int, stream: &[u8], newest: StreamId) -> Option<usize> {
    let counted = with_streams(|streams| streams.get(&(database, stream.into())).copied());
    counted.filter(|counted| counted.at == newest).map(|counted| counted.rejects)
}

/// Keeps the count of a stream whose newest entry is `newest` now.
pub fn keep(database: c_int, stream: &[u8], newest: StreamId, rejects: usize) {
    with_streams(|streams| {
        let place = (database, Box::from(stream));
        if streams.len() >= STREAMS_MAX && !streams.contains_key(&place) {
            streams.clear();
        }
        streams.insert(place, Counted { at: newest, rejects });
    });
}

/// Forgets the count of a stream.
pub fn forget(database: c_int, stream: &[u8]) {
    with_streams(|streams| {
        if !streams.is_empty() {
            streams.remove(&(database, Box::from(stream)));
        }
    });
}

/// Whether an entry is about a rejection, a failed rung of a recovery included.
pub fn is_reject(entry: &Entry) -> bool {
    matches!(entry.event(), "reject" | "recover") && entry.fields().any(|(name, _)| name == "error")
}

/// Whether an entry is about a version that was made: it says what changed.
pub fn is_commit(entry: &Entry) -> bool {
    entry.fields().any(|(name, _)| name == "patch")
}
