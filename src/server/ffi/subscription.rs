//! Events of the server: what happens to datasets and nodes, and keys that end.

use std::ffi::{c_char, c_int, c_void};

use redis_module::raw;

use super::api::{Ctx, OK, Raw, api};
use super::data;
use super::guard::guard;
use super::string::RedisStr;

/// An event of the server.
pub enum ServerEvent {
    /// Another dataset is about to be loaded in place of this one.
    LoadingStarts,
    /// A replica begins to load its primary's dataset beside its own, which it goes on serving
    /// (`repl-diskless-load swapdb`).
    AsyncLoadStarts,
    /// The server has swapped both, or has given up.
    AsyncLoadEnds {
        is_complete: bool,
    },
    /// A database is being emptied; all of them without a number.
    FlushStarts(Option<c_int>),
    FlushEnds,
    /// Two databases change places.
    Swapped(c_int, c_int),
    /// A child was forked, perhaps to write a copy of the dataset.
    Forked,
    RoleChanged,
}

/// Receives events.
pub trait Listener {
    fn on_server(event: ServerEvent);

    /// A key has expired or was evicted.
    fn on_end(ctx: Ctx, is_evicted: bool, key: RedisStr);
}

const EVENTS: [u64; 6] = [
    raw::REDISMODULE_EVENT_LOADING,
    raw::REDISMODULE_EVENT_REPL_ASYNC_LOAD,
    raw::REDISMODULE_EVENT_FLUSHDB,
    raw::REDISMODULE_EVENT_SWAPDB,
    raw::REDISMODULE_EVENT_FORK_CHILD,
    raw::REDISMODULE_EVENT_REPLICATION_ROLE_CHANGED,
];

/// Subscribes to the events of the server; the error is the number of one that it rejects.
pub fn to_server<L: Listener>(ctx: Ctx) -> Result<(), u64> {
    extern "C" fn on_event<L: Listener>(
        _: *mut raw::RedisModuleCtx,
        event: raw::RedisModuleEvent,
        subevent: u64,
        payload: *mut c_void,
    ) {
        guard(|| read(event.id, subevent, payload).into_iter().for_each(L::on_server));
    }
    let rejected = EVENTS.into_iter().find(|id| {
        let event = raw::RedisModuleEvent { id: *id, dataver: 1 };
        // SAFETY: R1; the callback looks only at the data that its event brings.
        unsafe { api!(RedisModule_SubscribeToServerEvent(ctx.raw(), event, Some(on_event::<L>))) != OK }
    });
    rejected.map_or(Ok(()), Err)
}

fn read(event: u64, subevent: u64, payload: *mut c_void) -> Option<ServerEvent> {
    const LOADING_STARTS: [u64; 3] = [
        raw::REDISMODULE_SUBEVENT_LOADING_RDB_START,
        raw::REDISMODULE_SUBEVENT_LOADING_AOF_START,
        raw::REDISMODULE_SUBEVENT_LOADING_REPL_START,
    ];
    Some(match event {
        raw::REDISMODULE_EVENT_LOADING if LOADING_STARTS.contains(&subevent) => ServerEvent::LoadingStarts,
        raw::REDISMODULE_EVENT_REPL_ASYNC_LOAD => match subevent {
            raw::REDISMODULE_SUBEVENT_REPL_ASYNC_LOAD_STARTED => ServerEvent::AsyncLoadStarts,
            _ => {
                let is_complete = subevent == raw::REDISMODULE_SUBEVENT_REPL_ASYNC_LOAD_COMPLETED;
                ServerEvent::AsyncLoadEnds { is_complete }
            }
        },
        raw::REDISMODULE_EVENT_FLUSHDB if subevent == raw::REDISMODULE_SUBEVENT_FLUSHDB_END => {
            ServerEvent::FlushEnds
        }
        raw::REDISMODULE_EVENT_FLUSHDB => {
            let db = data::borrowed_if_any::<raw::RedisModuleFlushInfo>(payload)?.dbnum;
            ServerEvent::FlushStarts((db >= 0).then_some(db))
        }
        raw::REDISMODULE_EVENT_SWAPDB => {
            let swapped = data::borrowed_if_any::<raw::RedisModuleSwapDbInfo>(payload)?;
            ServerEvent::Swapped(swapped.dbnum_first, swapped.dbnum_second)
        }
        raw::REDISMODULE_EVENT_FORK_CHILD => ServerEvent::Forked,
        raw::REDISMODULE_EVENT_REPLICATION_ROLE_CHANGED => ServerEvent::RoleChanged,
        _ => return None,
    })
}

/// Subscribes to keys that expire or are evicted; false when the server rejects it. Not to GENERIC
/// events: with those some servers leave a client in another database.
pub fn to_ends<L: Listener>(ctx: Ctx) -> bool {
    extern "C" fn on_end<L: Listener>(
        ctx: *mut raw::RedisModuleCtx,
        kind: c_int,
        _event: *const c_char,
        key: *mut raw::RedisModuleString,
    ) -> c_int {
        let is_evicted = kind == raw::REDISMODULE_NOTIFY_EVICTED;
        guard(|| L::on_end(Ctx::new(ctx), is_evicted, RedisStr::new(key)));
        OK
    }
    let kinds = raw::REDISMODULE_NOTIFY_EXPIRED | raw::REDISMODULE_NOTIFY_EVICTED;
    // SAFETY: R1; the callback has the type that Redis expects.
    unsafe { api!(RedisModule_SubscribeToKeyspaceEvents(ctx.raw(), kinds, Some(on_end::<L>))) == OK }
}
