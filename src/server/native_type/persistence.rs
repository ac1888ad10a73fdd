//! States and schemas on disk: RDB (also DUMP, RESTORE and full resync) and the rewritten AOF.
//!
//! Schemas travel as aux data of the RDB. An AOF without the RDB preamble has no place for those, so they are written
//! before the first state of a rewrite; without any state they are not carried, which docs/operations.md says.

use std::ffi::{c_char, c_int, c_void};
use std::sync::atomic::{AtomicU32, Ordering};

use redis_module::raw;
use redis_state_core::codec;
use redis_state_core::{Effect, State};

use crate::server::commands::entry::guard;
use crate::server::ffi::api;
use crate::server::ffi::ctx::{Ctx, ERR, OK};
use crate::server::global::registry;
use crate::server::value::held::{self, Held};

/// The version of the type's encoding, which Redis stores in every RDB. The bytes have a format byte of their own.
pub const ENCODING_VERSION: c_int = 1;

/// A buffer that RedisModule_LoadStringBuffer made.
struct Loaded {
    start: *mut c_char,
    len: usize,
}

impl Loaded {
    /// Reads a string; `None` when the input ends early.
    fn read(io: *mut raw::RedisModuleIO) -> Option<Loaded> {
        let mut len = 0;
        // SAFETY: R1; with HANDLE_IO_ERRORS a failed read is a null pointer.
        let start = unsafe { api!(RedisModule_LoadStringBuffer(io, &mut len)) };
        (!start.is_null()).then_some(Loaded { start, len })
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: Redis allocated `len` bytes there, and Drop frees them.
        unsafe { std::slice::from_raw_parts(self.start.cast::<u8>(), self.len) }
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        // SAFETY: allocated by Redis for us, freed once.
        unsafe { api!(RedisModule_Free(self.start.cast())) };
    }
}

fn save(io: *mut raw::RedisModuleIO, bytes: &[u8]) {
    // SAFETY: R1, R3.
    unsafe { api!(RedisModule_SaveStringBuffer(io, bytes.as_ptr().cast::<c_char>(), bytes.len())) };
}

/// Logs why something is not loaded; a null context is allowed for the log.
fn warn(message: &str) {
    Ctx::new(std::ptr::null_mut()).log(c"warning", message);
}

pub extern "C" fn rdb_load(io: *mut raw::RedisModuleIO, encoding_version: c_int) -> *mut c_void {
    let load = || -> Option<*mut c_void> {
        if encoding_version != ENCODING_VERSION {
            warn("redis-state: a state was written by a newer release; load it with that one");
            return None;
        }
        let loaded = Loaded::read(io)?;
        let state = codec::decode_state(loaded.bytes());
        if state.is_none() {
            warn("redis-state: the bytes of a state are damaged; it is not loaded");
        }
        let mut held = Held::new(state?);
        // SAFETY: R1, R2: the name lives as long as the call.
        let (db, name) =
            unsafe { (api!(RedisModule_GetDbIdFromIO(io)), api!(RedisModule_GetKeyNameFromIO(io))) };
        held::note_loaded(db, name, &mut held);
        Some(Box::into_raw(Box::new(held)).cast())
    };
    guard(load).flatten().unwrap_or(std::ptr::null_mut())
}

pub extern "C" fn rdb_save(io: *mut raw::RedisModuleIO, value: *mut c_void) {
    or_abort(|| save(io, &codec::encode_state(held::state(value))));
}

pub extern "C" fn aux_load(io: *mut raw::RedisModuleIO, _encoding_version: c_int, _when: c_int) -> c_int {
    let load = || {
        let loaded = Loaded::read(io)?;
        let applied = registry::load(loaded.bytes());
        if let Err(error) = &applied {
            warn(&format!("redis-state: the schemas in the RDB can't be loaded: {error}"));
        }
        applied.ok()
    };
    if guard(load).flatten().is_some() { OK } else { ERR }
}

/// Redis 7.0: always writes something, since it reads what is there and nothing would be a format of its own.
pub extern "C" fn aux_save(io: *mut raw::RedisModuleIO, _when: c_int) {
    or_abort(|| save(io, &registry::read().encode()));
}

/// Later servers: an RDB without schemas and states then loads without the module.
pub extern "C" fn aux_save_unless_empty(io: *mut raw::RedisModuleIO, when: c_int) {
    if !registry::read().is_empty() {
        aux_save(io, when);
    }
}

pub extern "C" fn aof_rewrite(
    aof: *mut raw::RedisModuleIO,
    key: *mut raw::RedisModuleString,
    value: *mut c_void,
) {
    or_abort(|| {
        if is_first_of_this_rewrite() && !registry::read().is_empty() {
            emit_schemas(aof);
        }
        emit_state(aof, key, held::state(value));
    });
}

/// A rewrite runs in a forked child: the first call in each process is the first of its rewrite.
fn is_first_of_this_rewrite() -> bool {
    static LAST_PROCESS: AtomicU32 = AtomicU32::new(0);
    let process = std::process::id();
    LAST_PROCESS.swap(process, Ordering::Relaxed) != process
}

fn emit_schemas(aof: *mut raw::RedisModuleIO) {
    let bytes = registry::read().encode();
    // SAFETY: R1, R3: the format names a buffer and its length.
    unsafe {
        api!(RedisModule_EmitAOF(
            aof,
            c"STATE.SCHEMAEFFECT".as_ptr(),
            c"b".as_ptr(),
            bytes.as_ptr().cast::<c_char>(),
            bytes.len()
        ));
    }
}

/// Redis itself writes the expiry behind each key, so the effect leaves it alone.
fn emit_state(aof: *mut raw::RedisModuleIO, key: *mut raw::RedisModuleString, state: &State) {
    let bytes = codec::encode_effects(&[Effect::Put(Box::new(state.clone()))]);
    // SAFETY: R1, R3: the format names a string, a buffer with its length, and a C string.
    unsafe {
        api!(RedisModule_EmitAOF(
            aof,
            c"STATE.EFFECT".as_ptr(),
            c"sbc".as_ptr(),
            key,
            bytes.as_ptr().cast::<c_char>(),
            bytes.len(),
            c"".as_ptr()
        ));
    }
}

/// Half a value on disk would be worse than no file: a child that aborts leaves the last good one.
fn or_abort(write: impl FnOnce()) {
    if guard(write).is_none() {
        warn("redis-state: a state can't be saved; giving up on this file");
        std::process::abort();
    }
}
