//! Whether an effect has a consumer: an AOF, a replica, or one that reconnects and needs the
//! backlog.
//!
//! The server discards an effect without consumers, but only after it was made, and that takes a
//! tenth of an update. The default configuration of Redis, snapshots alone, need not pay it.
//! Consumers are:
//!
//! - the AOF, which each context knows;
//! - replicas, and the backlog from which a disconnected one resumes (`repl-backlog-size`). INFO
//!   knows both, and is too slow to be asked each time;
//! - in a cluster also a slot that migrates, and on a replica its own AOF: there everything is
//!   sent.
//!
//! The answer of INFO holds for a second, or until an event that precedes every change of it. A
//! first replica gets a copy of the dataset that a child writes: commits before the fork are in the
//! copy, and the fork event comes before another command runs. A backlog without a child comes with
//! the dataset that a server starts with, before anything is asked, or with a promotion, which is
//! an event. Not REPLICA_CHANGE: it comes when the copy has arrived, and commits meanwhile would be
//! lost.
//!
//! Should a server act otherwise, nothing is lost either: in place of the effect the server gets
//! the command itself, which no server passes on without consumers.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::server_info::ServerInfo;

/// How long an answer holds at most.
const HOLDS_MS: u64 = 1_000;
const NEVER: i64 = i64::MIN;

static HAS_CONSUMERS: AtomicBool = AtomicBool::new(true);
/// When that was asked, in Unix milliseconds.
static ASKED_AT_MS: AtomicI64 = AtomicI64::new(NEVER);

/// A consumer may have come.
pub fn ask_again() {
    ASKED_AT_MS.store(NEVER, Ordering::Relaxed);
}

/// Whether an effect would have a consumer.
pub fn has_consumers(ctx: Ctx, now_ms: i64) -> bool {
    if ctx.always_propagates() {
        return true;
    }
    if now_ms.abs_diff(ASKED_AT_MS.load(Ordering::Relaxed)) >= HOLDS_MS {
        HAS_CONSUMERS.store(may_replicate(ctx), Ordering::Relaxed);
        ASKED_AT_MS.store(now_ms, Ordering::Relaxed);
    }
    HAS_CONSUMERS.load(Ordering::Relaxed)
}

/// Asks INFO for replicas and for a backlog. Where it has no answer, there may be some.
fn may_replicate(ctx: Ctx) -> bool {
    let Some(info) = ServerInfo::of(ctx, c"replication") else { return true };
    [c"connected_slaves", c"repl_backlog_active"].iter().any(|field| info.number(field) != Some(0))
}
