//! Timers of the event loop.

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

use redis_module::raw;

use super::api::{Ctx, Raw, api};
use super::calls;
use super::data;
use super::guard::guard;

/// Calls `work` once, after `after_ms` milliseconds; not while the server loads its data.
pub fn start<F: FnOnce(Ctx) + 'static>(ctx: Ctx, after_ms: i64, work: F) {
    extern "C" fn run<F: FnOnce(Ctx)>(ctx: *mut raw::RedisModuleCtx, work: *mut c_void) {
        let work = data::take::<F>(work);
        guard(|| work(Ctx::new(ctx)));
    }
    let work = data::give(work);
    // SAFETY: R1; the callback takes the box back.
    unsafe { api!(RedisModule_CreateTimer(ctx.raw(), after_ms, Some(run::<F>), work)) };
}

/// A context that lives as long as the module: timers can be started with it where the present one
/// must not be used.
pub fn lasting_ctx(ctx: Ctx) -> Ctx {
    if LASTING.load(Ordering::Relaxed).is_null() {
        LASTING.store(calls::detached_context(ctx), Ordering::Relaxed);
    }
    Ctx::new(LASTING.load(Ordering::Relaxed))
}

/// That context, where it has been made.
pub fn known_lasting_ctx() -> Option<Ctx> {
    let ctx = LASTING.load(Ordering::Relaxed);
    (!ctx.is_null()).then(|| Ctx::new(ctx))
}

static LASTING: AtomicPtr<raw::RedisModuleCtx> = AtomicPtr::new(null_mut());
