//! Whether the server is a node of a cluster.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::server::ffi::ctx::Ctx;

static IS_ON: AtomicBool = AtomicBool::new(false);

/// Asks the server once: it can't change while it runs.
pub fn look(ctx: Ctx) {
    IS_ON.store(ctx.is_in_cluster(), Ordering::Relaxed);
}

pub fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}
