//! Callbacks of the type: free, copy, unlink, memory usage, digest.
//!
//! `free` may run on the lazy-free thread, the others only on the main thread.

use std::ffi::{c_char, c_void};
use std::ptr::null_mut;

use redis_module::raw;
use redis_state_core::codec;

use crate::server::events::blocked_clients;
use crate::server::events::session_end;
use crate::server::ffi::api::{KeyContext, api};
use crate::server::ffi::calls;
use crate::server::ffi::data;
use crate::server::ffi::guard::guard;
use crate::server::ffi::string::RedisStr;
use crate::server::value::held::Held;

pub extern "C" fn digest(digest: *mut raw::RedisModuleDigest, value: *mut c_void) {
    guard(|| {
        let bytes = codec::encode_state(data::borrowed::<Held>(value).state());
        // SAFETY: R1, R3.
        unsafe {
            api!(RedisModule_DigestAddStringBuffer(digest, bytes.as_ptr().cast::<c_char>(), bytes.len()));
            api!(RedisModule_DigestEndSequence(digest));
        }
    });
}

pub extern "C" fn free(value: *mut c_void) {
    guard(|| drop(data::take::<Held>(value)));
}

pub extern "C" fn mem_usage(
    _: *mut raw::RedisModuleKeyOptCtx,
    value: *const c_void,
    _samples: usize,
) -> usize {
    guard(|| data::borrowed::<Held>(value).bytes()).unwrap_or(0)
}

/// About one allocation for each version. Redis frees values above 64 on another thread.
pub extern "C" fn free_effort(_: *mut raw::RedisModuleKeyOptCtx, value: *const c_void) -> usize {
    guard(|| data::borrowed::<Held>(value).state().history().len() + 1).unwrap_or(1)
}

pub extern "C" fn copy(copied: *mut raw::RedisModuleKeyOptCtx, value: *const c_void) -> *mut c_void {
    let copy = || {
        let mut state = data::borrowed::<Held>(value).state().clone();
        // The stream stays with the key it is named after.
        state.set_last_entry(None);
        let mut held = Held::new(state);
        let copied = KeyContext::new(copied);
        let db = calls::key_context_to_db(copied);
        if let Some(name) = RedisStr::name(calls::key_context_to_name(copied)) {
            held.note_deadlines(db, &name);
        }
        data::give(held)
    };
    guard(copy).unwrap_or(null_mut())
}

/// Called on the main thread when a value leaves its key, to be freed or moved to another key.
pub extern "C" fn unlink(unlinked: *mut raw::RedisModuleKeyOptCtx, value: *const c_void) {
    guard(|| {
        let unlinked = KeyContext::new(unlinked);
        let db = calls::key_context_db(unlinked);
        let Some(name) = RedisStr::name(calls::key_context_name(unlinked)) else { return };
        blocked_clients::state_left(db, &name);
        session_end::unlinked(name, data::borrowed::<Held>(value).state());
        // SAFETY: R4; no other reference to the value is in use now.
        unsafe { &mut *value.cast_mut().cast::<Held>() }.leave_index(db, &name);
    });
}
