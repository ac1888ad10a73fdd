//! Whether anybody is to be told what a command did: an AOF, a replica, or one that comes back and is sent what it missed.
//!
//! The server throws an effect away when nobody is, but only once it is made, and that takes a tenth of an update. A server
//! that keeps nothing but snapshots, which is how Redis comes, need not pay it. Three things listen:
//!
//! - the AOF, which each context knows;
//! - replicas, and the backlog from which one that was cut off goes on (Redis's `repl-backlog-size`). INFO knows both, and is
//!   too slow to be asked each time;
//! - in a cluster also a slot that moves, and on a replica its own AOF: there everything is sent.
//!
//! What INFO said holds for a second, or until something happens without which none of it can change. A first replica gets a
//! copy of the dataset, which a child of the server writes: what was committed before the fork is in the copy, and the fork is told
//! of before another command runs. A backlog that is there without a child comes with the dataset that a server starts with, before
//! anything is asked, or with a replica that is promoted, and that is told of. REPLICA_CHANGE was rejected: it comes when the copy has
//! arrived, and what was committed while it was written would be lost.
//!
//! Should a server do it otherwise, nothing is lost either: what is handed over instead of the effect is the command itself, which
//! no server passes on when nobody listens.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::server_info::ServerInfo;

/// How long an answer holds at most.
const HOLDS_MS: u64 = 1_000;
const NEVER: i64 = i64::MIN;

static SOMEBODY_LISTENS: AtomicBool = AtomicBool::new(true);
/// When that was asked, in Unix milliseconds.
static ASKED_AT_MS: AtomicI64 = AtomicI64::new(NEVER);

/// What has happened may have brought somebody.
pub fn ask_again() {
    ASKED_AT_MS.store(NEVER, Ordering::Relaxed);
}

/// Whether an effect would be heard by anybody.
pub fn has_listeners(ctx: Ctx, now_ms: i64) -> bool {
    if ctx.always_propagates() {
        return true;
    }
    if now_ms.abs_diff(ASKED_AT_MS.load(Ordering::Relaxed)) >= HOLDS_MS {
        SOMEBODY_LISTENS.store(may_replicate(ctx), Ordering::Relaxed);
        ASKED_AT_MS.store(now_ms, Ordering::Relaxed);
    }
    SOMEBODY_LISTENS.load(Ordering::Relaxed)
}

/// Asks INFO for replicas and for a backlog. Where it has no answer, there may be some.
fn may_replicate(ctx: Ctx) -> bool {
    let Some(info) = ServerInfo::of(ctx, c"replication") else { return true };
    [c"connected_slaves", c"repl_backlog_active"].iter().any(|field| info.number(field) != Some(0))
}
