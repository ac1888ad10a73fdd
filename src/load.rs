//! The entry point: what happens when the server loads the module.
//!
//! Everything is registered by hand: the macros of redis-module register commands in a way that Redis 7.0 refuses, and go
//! on when a setting in redis.conf is refused, which crashes some servers.

use std::ffi::{c_int, c_void};

use redis_module::raw;

use crate::COMMANDS;
use crate::server::commands::categories;
use crate::server::commands::entry::{guard, install_panic_hook, with_arguments};
use crate::server::commands::table;
use crate::server::commit::propagation;
use crate::server::commit::slot_migration;
use crate::server::events::blocked_clients;
use crate::server::events::info;
use crate::server::events::lapse_timer;
use crate::server::events::session_end;
use crate::server::ffi::api;
use crate::server::ffi::ctx::{Ctx, ERR, OK};
use crate::server::ffi::string::RedisStr;
use crate::server::global::config;
use crate::server::global::registry;
use crate::server::global::schema_dir;
use crate::server::value::deadline_index;
use crate::server::value::held;

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
    #[cfg(not(test))]
    crate::server::ffi::alloc::keep_blocks();
    #[cfg(feature = "faults")]
    crate::server::ffi::faults::look_at_environment();
    install_panic_hook();
    let ctx = Ctx::new(ctx);
    match guard(|| with_arguments(argv, argc, |args| register(ctx, args))) {
        Some(Ok(())) => OK,
        Some(Err(problem)) => {
            ctx.log(c"warning", &format!("redis-state is not loaded: {problem}"));
            ERR
        }
        None => ERR,
    }
}

fn register(ctx: Ctx, args: &[RedisStr]) -> Result<(), String> {
    let options = raw::REDISMODULE_OPTIONS_HANDLE_IO_ERRORS
        | raw::REDISMODULE_OPTION_NO_IMPLICIT_SIGNAL_MODIFIED
        | raw::REDISMODULE_OPTIONS_HANDLE_REPL_ASYNC_LOAD;
    let options = options as c_int | slot_migration::options();
    // SAFETY: R1.
    unsafe { api!(RedisModule_SetModuleOptions(ctx.as_ptr(), options)) };
    slot_migration::look(ctx);
    config::read_arguments(args)?;
    if !held::register(ctx) {
        return Err("the type statedoc1 can't be registered".to_owned());
    }
    categories::add_own(ctx);
    for command in COMMANDS {
        if !table::register(ctx, command) {
            return Err(format!("the command {} can't be registered", table::text(command.name)));
        }
    }
    info::register(ctx);
    subscribe(ctx, raw::REDISMODULE_EVENT_LOADING, on_loading)?;
    subscribe(ctx, raw::REDISMODULE_EVENT_REPL_ASYNC_LOAD, on_async_load)?;
    subscribe(ctx, raw::REDISMODULE_EVENT_FLUSHDB, on_flush)?;
    subscribe(ctx, raw::REDISMODULE_EVENT_SWAPDB, on_swap)?;
    subscribe(ctx, raw::REDISMODULE_EVENT_FORK_CHILD, on_new_listener)?;
    subscribe(ctx, raw::REDISMODULE_EVENT_REPLICATION_ROLE_CHANGED, on_new_listener)?;
    if !session_end::subscribe(ctx) {
        return Err("the server does not tell when keys expire".to_owned());
    }
    config::register(ctx)?;
    schema_dir::read(ctx)?;
    lapse_timer::start(ctx);
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

type OnEvent = extern "C" fn(*mut raw::RedisModuleCtx, raw::RedisModuleEvent, u64, *mut c_void);

fn subscribe(ctx: Ctx, id: u64, callback: OnEvent) -> Result<(), String> {
    let event = raw::RedisModuleEvent { id, dataver: 1 };
    // SAFETY: R1; every callback looks only at the data that its event brings.
    let subscribed = unsafe { api!(RedisModule_SubscribeToServerEvent(ctx.as_ptr(), event, Some(callback))) };
    if subscribed == OK { Ok(()) } else { Err(format!("the server does not tell of its event {id}")) }
}

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

/// A replica loads its primary's dataset beside its own, which it goes on serving (`repl-diskless-load swapdb`), and the server
/// swaps them when all of it is there. What belongs to a dataset and is not in its keys is loaded aside and swapped with it.
extern "C" fn on_async_load(
    _: *mut raw::RedisModuleCtx,
    _: raw::RedisModuleEvent,
    subevent: u64,
    _: *mut c_void,
) {
    guard(|| {
        if subevent == raw::REDISMODULE_SUBEVENT_REPL_ASYNC_LOAD_STARTED {
            registry::begin_staging();
            deadline_index::begin_staging();
            return;
        }
        let is_complete = subevent == raw::REDISMODULE_SUBEVENT_REPL_ASYNC_LOAD_COMPLETED;
        registry::end_staging(is_complete);
        deadline_index::end_staging(is_complete);
        if is_complete {
            blocked_clients::dataset_changed();
        }
    });
}

/// A child may write a copy of the dataset for a first replica, and who is promoted may have replicas.
extern "C" fn on_new_listener(_: *mut raw::RedisModuleCtx, _: raw::RedisModuleEvent, _: u64, _: *mut c_void) {
    propagation::ask_again();
}

/// A database is emptied, or all of them, perhaps to load another dataset: no key tells of it. While data are loaded no
/// timer runs, so who waits is looked at when they are there.
extern "C" fn on_flush(
    _: *mut raw::RedisModuleCtx,
    _: raw::RedisModuleEvent,
    subevent: u64,
    flushed: *mut c_void,
) {
    if subevent == raw::REDISMODULE_SUBEVENT_FLUSHDB_END {
        guard(blocked_clients::dataset_changed);
    } else if !flushed.is_null() {
        // SAFETY: R2: this event brings a RedisModuleFlushInfo, which lives as long as the call.
        let db = unsafe { (*flushed.cast::<raw::RedisModuleFlushInfo>()).dbnum };
        guard(|| deadline_index::flushed((db >= 0).then_some(db)));
    }
}

/// Two databases change places.
extern "C" fn on_swap(_: *mut raw::RedisModuleCtx, _: raw::RedisModuleEvent, _: u64, swapped: *mut c_void) {
    if !swapped.is_null() {
        // SAFETY: R2: this event brings a RedisModuleSwapDbInfo, which lives as long as the call.
        let (one, other) = unsafe {
            let swapped = &*swapped.cast::<raw::RedisModuleSwapDbInfo>();
            (swapped.dbnum_first, swapped.dbnum_second)
        };
        guard(|| deadline_index::swapped(one, other));
    }
}
