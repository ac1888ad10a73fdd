//! Clients that the server keeps blocked until a key is signalled.

use std::ffi::{c_int, c_void};
use std::ptr::null_mut;

use redis_module::raw;

use super::api::{Ctx, Raw, api};
use super::arguments::Entry;
use super::data;
use super::guard::guard;
use super::string::RedisStr;

/// A blocked client. It is valid until the server has called `on_release`.
#[derive(Clone, Copy)]
pub struct BlockedClient(*mut raw::RedisModuleBlockedClient);

// SAFETY: the pointer is used on the main thread only (R1); a lock around it is there because a
// static needs one.
unsafe impl Send for BlockedClient {}

/// What a client is blocked for.
pub struct Block<'a> {
    pub key: RedisStr<'a>,
    /// 0 blocks forever.
    pub timeout_ms: i64,
    /// Whether to call when the key is deleted, too; Redis 7.0 does not.
    pub wakes_on_delete: bool,
    /// Answers, or leaves the client blocked.
    pub on_change: Entry,
    /// Answers that nothing has come.
    pub on_timeout: Entry,
}

impl Block<'_> {
    /// Blocks the caller. The server calls `on_release` once: when the client was answered, timed
    /// out or disconnected.
    pub fn start<F: FnOnce() + 'static>(self, ctx: Ctx, on_release: F) -> BlockedClient {
        unsafe extern "C" fn release<F: FnOnce()>(_: *mut raw::RedisModuleCtx, on_release: *mut c_void) {
            guard(data::take::<F>(on_release));
        }
        let (ctx, timeout_ms, mut key) = (ctx.raw(), self.timeout_ms, self.key.raw().raw());
        let (on_change, on_timeout) = (Some(self.on_change), Some(self.on_timeout));
        let flags = if self.wakes_on_delete { raw::REDISMODULE_BLOCK_UNBLOCK_DELETED as c_int } else { 0 };
        let data = data::give(on_release);
        let release = Some(release::<F> as unsafe extern "C" fn(_, _));
        // SAFETY: R1, R3: the server keeps the key's name, and gives the box back once. The table
        // of the API is filled when the module is loaded, and not written again.
        BlockedClient(unsafe {
            match raw::RedisModule_BlockClientOnKeysWithFlags {
                Some(block) => {
                    block(ctx, on_change, on_timeout, release, timeout_ms, &mut key, 1, data, flags)
                }
                None => api!(RedisModule_BlockClientOnKeys(
                    ctx, on_change, on_timeout, release, timeout_ms, &mut key, 1, data
                )),
            }
        })
    }
}

impl BlockedClient {
    /// Answers the client as its timeout would.
    pub fn unblock(&self) {
        // SAFETY: R1; the caller keeps this only until `on_release` is called, which happens in the
        // event loop.
        unsafe { api!(RedisModule_UnblockClient(self.0, null_mut())) };
    }
}
