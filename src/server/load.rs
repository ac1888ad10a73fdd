//! The entry point: what happens when the server loads the module.
//!
//! Everything is registered by hand: the macros of redis-module register commands in a way that Redis 7.0 refuses, and go
//! on when a setting in redis.conf is refused, which crashes some servers.

use std::ffi::{c_int, c_void};

use redis_module::raw;

use super::ctx::{Ctx, ERR, OK};
use super::entry::{guard, install_panic_hook};
use super::string::RedisStr;
use super::{api, config, info, registry, schema_dir, table, value, waiting};
use crate::COMMANDS;

/// The prefix of settings and the name of the INFO section.
const MODULE: &std::ffi::CStr = c"state";
/// 0.1.0 as one number.
const VERSION: c_int = 100;

/// Called by the server, once.
// SAFETY: the name and the type are those of the module API; no other symbol of this name is linked in.
#[unsafe(no_mangle)]
pub extern "C" fn RedisModule_OnLoad(
    ctx: *mut raw::RedisModuleCtx,
    argv: *mut *mut raw::RedisModuleString,
    argc: c_int,
) -> c_int {
    // Before this call nothing may be allocated: the allocator is the server's.
    // SAFETY: `ctx` is what the server passed.
    let ready = unsafe {
        raw::Export_RedisModule_Init(ctx, MODULE.as_ptr(), VERSION, raw::REDISMODULE_APIVER_1 as c_int)
    };
    if ready != OK {
        return ERR;
    }
    install_panic_hook();
    let ctx = Ctx::new(ctx);
    match guard(|| register(ctx, &super::entry::arguments(argv, argc))) {
        Some(Ok(())) => OK,
        Some(Err(problem)) => {
            ctx.log(c"warning", &format!("redis-state is not loaded: {problem}"));
            ERR
        }
        None => ERR,
    }
}

fn register(ctx: Ctx, args: &[RedisStr]) -> Result<(), String> {
    let options =
        raw::REDISMODULE_OPTIONS_HANDLE_IO_ERRORS | raw::REDISMODULE_OPTION_NO_IMPLICIT_SIGNAL_MODIFIED;
    // SAFETY: R1.
    unsafe { api!(RedisModule_SetModuleOptions(ctx.as_ptr(), options as c_int)) };
    config::read_arguments(args)?;
    if !value::register(ctx) {
        return Err("the type statedoc1 can't be registered".to_owned());
    }
    for command in COMMANDS {
        if !table::register(ctx, command) {
            return Err(format!("the command {} can't be registered", table::text(command.name)));
        }
    }
    info::register(ctx);
    // SAFETY: R1; the callback has the type that the event wants.
    let subscribed =
        unsafe { api!(RedisModule_SubscribeToServerEvent(ctx.as_ptr(), LOADING, Some(on_loading))) };
    if subscribed != OK {
        return Err("the server does not tell when it loads data".to_owned());
    }
    // SAFETY: as above.
    let subscribed = unsafe { api!(RedisModule_SubscribeToServerEvent(ctx.as_ptr(), FLUSH, Some(on_flush))) };
    if subscribed != OK {
        return Err("the server does not tell when it is emptied".to_owned());
    }
    if !config::register(ctx) {
        return Err("a setting state.* is refused; the line above names it".to_owned());
    }
    schema_dir::load_soon(ctx);
    warn_of_aof_without_preamble(ctx);
    Ok(())
}

/// That mode has no place for schemas but beside the first state: who runs it should know.
fn warn_of_aof_without_preamble(ctx: Ctx) {
    // SAFETY: R1, R3: the format names two C strings; the reply is freed below, its text is read before.
    let preamble = unsafe {
        let command = c"CONFIG".as_ptr();
        api!(RedisModule_Call(
            ctx.as_ptr(),
            command,
            c"cc".as_ptr(),
            c"GET".as_ptr(),
            c"aof-use-rdb-preamble".as_ptr()
        ))
    };
    if preamble.is_null() {
        return;
    }
    // SAFETY: R2: the text is read before the reply is freed; an element that is not there is null.
    let is_no = unsafe {
        let mut len = 0;
        let value = api!(RedisModule_CallReplyArrayElement(preamble, 1));
        !value.is_null() && {
            let text = api!(RedisModule_CallReplyStringPtr(value, &mut len));
            !text.is_null() && std::slice::from_raw_parts(text.cast::<u8>(), len) == b"no"
        }
    };
    // SAFETY: made by Call above, freed once.
    unsafe { api!(RedisModule_FreeCallReply(preamble)) };
    if is_no {
        let advice = "redis-state: with aof-use-rdb-preamble no, a rewritten AOF has the schemas only beside a state; \
                      set it to yes, or set state.schema-dir";
        ctx.log(c"warning", advice);
    }
}

const LOADING: raw::RedisModuleEvent =
    raw::RedisModuleEvent { id: raw::REDISMODULE_EVENT_LOADING, dataver: 1 };

/// Another dataset is coming: its schemas come with it, and none are left of the old one.
extern "C" fn on_loading(
    _: *mut raw::RedisModuleCtx,
    _: raw::RedisModuleEvent,
    subevent: u64,
    _: *mut c_void,
) {
    let starts = [
        raw::REDISMODULE_SUBEVENT_LOADING_RDB_START,
        raw::REDISMODULE_SUBEVENT_LOADING_AOF_START,
        raw::REDISMODULE_SUBEVENT_LOADING_REPL_START,
    ];
    if starts.contains(&subevent) {
        guard(registry::clear);
    }
}

const FLUSH: raw::RedisModuleEvent = raw::RedisModuleEvent { id: raw::REDISMODULE_EVENT_FLUSHDB, dataver: 1 };

/// A database was emptied, or all of them, perhaps to load another dataset: no key tells of it. While data are loaded no
/// timer runs, so who waits is looked at when they are there.
extern "C" fn on_flush(_: *mut raw::RedisModuleCtx, _: raw::RedisModuleEvent, subevent: u64, _: *mut c_void) {
    if subevent == raw::REDISMODULE_SUBEVENT_FLUSHDB_END {
        guard(waiting::dataset_changed);
    }
}
