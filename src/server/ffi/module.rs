//! The module itself: its entry point and its options.

use std::ffi::{CStr, c_int};

use redis_module::raw;

use super::api::{Ctx, ERR, OK, find};
use super::arguments::with_arguments;
use super::calls;
use super::guard::{guard, install_panic_hook};
use super::string::RedisStr;
use crate::error::Error;

/// The prefix of settings and the name of the INFO section.
const MODULE: &CStr = c"state";
/// 0.1.0 as one number.
const VERSION: c_int = 100;

/// Defines the function that the server calls once, which runs `load`.
macro_rules! entry_point {
    ($load:expr) => {
        // SAFETY: the name and the type are those of the module API; no other symbol of this name
        // is linked in.
        #[expect(unsafe_code, reason = "an exported symbol")]
        #[unsafe(no_mangle)]
        pub extern "C" fn RedisModule_OnLoad(
            ctx: *mut redis_module::raw::RedisModuleCtx,
            argv: *mut *mut redis_module::raw::RedisModuleString,
            argc: std::ffi::c_int,
        ) -> std::ffi::c_int {
            $crate::server::ffi::module::on_load(ctx, argv, argc, $load)
        }
    };
}
pub(crate) use entry_point;

/// The body of the entry point.
pub fn on_load(
    ctx: *mut raw::RedisModuleCtx,
    argv: *mut *mut raw::RedisModuleString,
    argc: c_int,
    load: impl FnOnce(Ctx, &[RedisStr]) -> Result<(), Error>,
) -> c_int {
    // Before this call nothing may be allocated: the allocator is the server's.
    // SAFETY: `ctx` is what the server passed.
    let ready = unsafe {
        raw::Export_RedisModule_Init(ctx, MODULE.as_ptr(), VERSION, raw::REDISMODULE_APIVER_1 as c_int)
    };
    if ready != OK {
        return ERR;
    }
    #[cfg(not(test))]
    super::alloc::keep_blocks();
    #[cfg(feature = "faults")]
    super::faults::look_at_environment();
    install_panic_hook();
    let ctx = Ctx::new(ctx);
    match guard(|| with_arguments(argv, argc, |args| load(ctx, args))) {
        Some(Ok(())) => OK,
        Some(Err(problem)) => {
            ctx.log(c"warning", &format!("redis-state is not loaded: {problem}"));
            ERR
        }
        None => ERR,
    }
}

/// Declares to the server what the module handles itself.
pub fn set_options(ctx: Ctx) {
    let options = raw::REDISMODULE_OPTIONS_HANDLE_IO_ERRORS
        | raw::REDISMODULE_OPTION_NO_IMPLICIT_SIGNAL_MODIFIED
        | raw::REDISMODULE_OPTIONS_HANDLE_REPL_ASYNC_LOAD;
    calls::set_module_options(ctx, options as c_int | atomic_slot_migration());
}

/// The bit by which a module says that it bears slots that migrate in one step. Valkey 9 does not
/// move them while one does not.
const HANDLE_ATOMIC_SLOT_MIGRATION: c_int = 1 << 5;

/// That bit; 0 where it is unknown or means something else: Redis gives bits of its own to the same
/// places, and only Valkey has a function of this name, beside the one that Redis has.
pub fn atomic_slot_migration() -> c_int {
    type Known = unsafe extern "C" fn() -> c_int;
    // SAFETY: R1; the function has this type.
    let known = unsafe { find::<Known>(c"ValkeyModule_GetModuleOptionsAll").map_or(0, |known| known()) };
    known & HANDLE_ATOMIC_SLOT_MIGRATION
}
