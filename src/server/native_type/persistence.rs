//! States and schemas on disk: RDB (also DUMP, RESTORE and full resync) and the rewritten AOF.
//!
//! The RDB has the schemas as aux data. An AOF without the RDB preamble has no place for aux data,
//! so a rewrite puts them before the first state; without states it omits them, as
//! docs/operations.md says.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, Ordering};

use redis_module::raw;
use redis_state_core::codec;
use redis_state_core::{Effect, State};

use crate::server::ffi::api::{ERR, Io, OK, Raw, api, owned};
use crate::server::ffi::calls;
use crate::server::ffi::ctx::warn;
use crate::server::ffi::data;
use crate::server::ffi::guard::guard;
use crate::server::ffi::string::{OwnedString, RawString, RedisStr};
use crate::server::global::registry;
use crate::server::value::held::Held;

/// The version of the type's encoding, which Redis stores in every RDB. The bytes have a format
/// byte of their own.
pub const ENCODING_VERSION: c_int = 1;

owned! {
    /// A buffer that the server made.
    Buffer = c_char, freed by |buffer| api!(RedisModule_Free(buffer.cast()));
}

/// Reads a string, and calls `use_it` with its bytes; `None` when the input ends early.
fn load<T>(io: Io, use_it: impl FnOnce(&[u8]) -> T) -> Option<T> {
    let mut len = 0;
    let buffer = Buffer::new(calls::load_string(io, &mut len))?;
    Some(use_it(data::slice(buffer.as_ptr().cast::<u8>(), len)))
}

fn save(io: Io, bytes: &[u8]) {
    // SAFETY: R1, R3.
    unsafe { api!(RedisModule_SaveStringBuffer(io.raw(), bytes.as_ptr().cast::<c_char>(), bytes.len())) };
}

pub extern "C" fn rdb_load(io: *mut raw::RedisModuleIO, encoding_version: c_int) -> *mut c_void {
    let run = || -> Option<*mut c_void> {
        if encoding_version != ENCODING_VERSION {
            warn("redis-state: a state was written by a newer release; load it with that one");
            return None;
        }
        let io = Io::new(io);
        let state = load(io, codec::decode_state)?.inspect_err(|error| {
            warn(&format!("redis-state: a state can't be loaded: {error}"));
        });
        let mut held = Held::new(state.ok()?);
        let db = calls::io_db(io);
        // A tool that only reads a value names no key.
        if let Some(name) = RedisStr::name(calls::io_key(io)) {
            held.note_loaded_deadlines(db, &name);
        }
        Some(data::give(held))
    };
    guard(run).flatten().unwrap_or(null_mut())
}

pub extern "C" fn rdb_save(io: *mut raw::RedisModuleIO, value: *mut c_void) {
    or_abort(|| save(Io::new(io), &codec::encode_state(data::borrowed::<Held>(value).state())));
}

pub extern "C" fn aux_load(io: *mut raw::RedisModuleIO, _encoding_version: c_int, _when: c_int) -> c_int {
    let run = || {
        let applied = load(Io::new(io), registry::load)?;
        if let Err(error) = &applied {
            warn(&format!("redis-state: the schemas in the RDB can't be loaded: {error}"));
        }
        applied.ok()
    };
    if guard(run).flatten().is_some() { OK } else { ERR }
}

/// Redis 7.0: always writes the schemas, since an empty record would be another format.
pub extern "C" fn aux_save(io: *mut raw::RedisModuleIO, _when: c_int) {
    or_abort(|| save(Io::new(io), &registry::read().encode()));
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
            emit_schemas(Io::new(aof));
        }
        emit_state(Io::new(aof), &RedisStr::new(key), data::borrowed::<Held>(value).state());
    });
}

/// A rewrite runs in a forked child: the first call in each process is the first of its rewrite.
fn is_first_of_this_rewrite() -> bool {
    static LAST_PROCESS: AtomicU32 = AtomicU32::new(0);
    let process = std::process::id();
    LAST_PROCESS.swap(process, Ordering::Relaxed) != process
}

fn emit_schemas(aof: Io) {
    emit(aof, c"STATE.SCHEMAEFFECT", &[OwnedString::of(&registry::read().encode()).raw()]);
}

/// Redis itself writes the expiry after each key, so the effect does not set it.
fn emit_state(aof: Io, key: &[u8], state: &State) {
    // The key is on the server's stack, where a list may not take it from.
    let key = OwnedString::of(key);
    let effects = OwnedString::of(&codec::encode_effects(&[Effect::Put(Box::new(state.clone()))]));
    emit(aof, c"STATE.EFFECT", &[key.raw(), effects.raw(), OwnedString::of(b"").raw()]);
}

fn emit(aof: Io, command: &CStr, args: &[RawString]) {
    let list = RawString::list(args);
    // SAFETY: R1, R3: `v` takes a list of strings, which are alive, and its length.
    unsafe { api!(RedisModule_EmitAOF(aof.raw(), command.as_ptr(), c"v".as_ptr(), list, args.len())) };
}

/// Half a value on disk would be worse than no file: a child that aborts leaves the last good one.
fn or_abort(write: impl FnOnce()) {
    if guard(write).is_none() {
        warn("redis-state: a state can't be saved; giving up on this file");
        std::process::abort();
    }
}
