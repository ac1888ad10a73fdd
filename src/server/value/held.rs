//! The native type `statedoc1`: what the keyspace holds, and the functions Redis calls on it.
//!
//! RDB and AOF have a file of their own; here are life, death, size and digest. `free` may run on the lazy-free
//! thread, so what dies with a value are memory, atomics and reference counts, nothing else.

use std::cell::Cell;
use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use redis_module::raw;
use redis_state_core::audit::LastEntry;
use redis_state_core::{Effect, State, codec};

use crate::server::commands::entry::guard;
use crate::server::events::blocked_clients;
use crate::server::events::info;
use crate::server::events::session_end;
use crate::server::ffi::api;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::RedisStr;
use crate::server::global::registry;
use crate::server::native_type::persistence;
use crate::server::value::deadline_index::{self, Line};
use crate::server::value::memory;

/// The name of the type: nine characters, as Redis wants; TYPE prints it.
const NAME: &std::ffi::CStr = c"statedoc1";

static DATA_TYPE: AtomicPtr<raw::RedisModuleType> = AtomicPtr::new(std::ptr::null_mut());

/// A state as the keyspace holds it, with what INFO and STATE.SCHEMA LIST count. What a read looks at comes first, in one line of
/// the processor's cache.
#[repr(C)]
pub struct Held {
    /// The generation of schemas by which the present document was found to have no secret in it; 0 for none.
    open_since: Cell<u64>,
    /// While it is open: when the first of its members lapses, in Unix milliseconds; `i64::MAX` for never.
    open_until_ms: Cell<i64>,
    state: State,
    bytes: usize,
    /// The name of its schema; counts as a user of it as long as it is held.
    schema: Option<Arc<str>>,
    /// Where it stands in the index of deadlines.
    line: Line,
}

impl Held {
    pub fn new(state: State) -> Held {
        let bytes = memory::state_bytes(&state);
        info::STATES.change(1);
        info::BYTES.change(bytes as i64);
        let mut held = Held {
            open_since: Cell::new(0),
            open_until_ms: Cell::new(i64::MAX),
            state,
            bytes,
            schema: None,
            line: Line::default(),
        };
        held.use_schema();
        held
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether everybody may read the present document as it is: there is no secret in it, and nothing in it has lapsed. Asked at
    /// every read, so what was found is remembered until the schemas or the state change.
    pub fn is_open(&self, now_ms: impl FnOnce(i64) -> i64) -> bool {
        let generation = registry::generation();
        if self.open_since.get() != generation {
            let head = self.state.head();
            if !matches!(registry::read().hiding_present(self.state.schema(), head), Ok(None)) {
                return false;
            }
            self.open_since.set(generation);
            self.open_until_ms.set(head.deadlines.first_ms().unwrap_or(i64::MAX));
        }
        let until_ms = self.open_until_ms.get();
        // Most states have nothing that lapses, and ask no clock.
        until_ms == i64::MAX || now_ms(until_ms) < until_ms
    }

    /// What MEMORY USAGE counts.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Carries out an effect on the state that is here.
    pub fn apply(&mut self, effect: Effect) {
        self.state.apply(effect);
        self.use_schema();
        self.recount();
    }

    pub fn line_mut(&mut self) -> &mut Line {
        &mut self.line
    }

    pub fn set_last_entry(&mut self, last: LastEntry) {
        self.state.set_last_entry(Some(last));
    }

    /// Counts as a user of the schema that the state obeys now.
    fn use_schema(&mut self) {
        let name = self.state.schema().map(|schema| &*schema.name);
        if name != self.schema.as_deref() {
            self.schema = name.map(registry::user_of);
        }
    }

    fn recount(&mut self) {
        self.open_since.set(0);
        let bytes = memory::state_bytes(&self.state);
        info::BYTES.change(bytes as i64 - self.bytes as i64);
        self.bytes = bytes;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        info::STATES.change(-1);
        info::BYTES.change(-(self.bytes as i64));
    }
}

/// The registered type; null before the module is loaded.
pub fn data_type() -> *mut raw::RedisModuleType {
    DATA_TYPE.load(Ordering::Relaxed)
}

/// Registers the type; false when the server refuses.
pub fn register(ctx: Ctx) -> bool {
    let mut methods = raw::RedisModuleTypeMethods {
        version: u64::from(raw::REDISMODULE_TYPE_METHOD_VERSION),
        rdb_load: Some(persistence::rdb_load),
        rdb_save: Some(persistence::rdb_save),
        aof_rewrite: Some(persistence::aof_rewrite),
        aux_load: Some(persistence::aux_load),
        aux_save: Some(persistence::aux_save),
        aux_save_triggers: raw::REDISMODULE_AUX_BEFORE_RDB as i32,
        aux_save2: Some(persistence::aux_save_unless_empty),
        digest: Some(digest),
        free: Some(free),
        mem_usage2: Some(mem_usage),
        free_effort2: Some(free_effort),
        copy2: Some(copy),
        mem_usage: None,
        free_effort: None,
        unlink: None,
        copy: None,
        defrag: None,
        unlink2: Some(unlink),
    };
    // SAFETY: R1, R3; the callbacks have the types that the structure asks for.
    let data_type = unsafe {
        api!(RedisModule_CreateDataType(
            ctx.as_ptr(),
            NAME.as_ptr(),
            persistence::ENCODING_VERSION,
            &mut methods
        ))
    };
    DATA_TYPE.store(data_type, Ordering::Relaxed);
    !data_type.is_null()
}

/// The state behind a value pointer that Redis passes to a callback of the type.
pub fn state<'a>(value: *const c_void) -> &'a State {
    // SAFETY: R4; callbacks keep nothing beyond their call.
    unsafe { &(*value.cast::<Held>()).state }
}

extern "C" fn digest(digest: *mut raw::RedisModuleDigest, value: *mut c_void) {
    guard(|| {
        let bytes = codec::encode_state(state(value));
        // SAFETY: R1, R3.
        unsafe {
            api!(RedisModule_DigestAddStringBuffer(digest, bytes.as_ptr().cast::<c_char>(), bytes.len()));
            api!(RedisModule_DigestEndSequence(digest));
        }
    });
}

extern "C" fn free(value: *mut c_void) {
    // SAFETY: R4: Redis gives the value back, once.
    guard(|| drop(unsafe { Box::from_raw(value.cast::<Held>()) }));
}

extern "C" fn mem_usage(_: *mut raw::RedisModuleKeyOptCtx, value: *const c_void, _samples: usize) -> usize {
    // SAFETY: R4.
    guard(|| unsafe { (*value.cast::<Held>()).bytes() }).unwrap_or(0)
}

/// One allocation for each version, about; Redis frees on another thread what is above 64.
extern "C" fn free_effort(_: *mut raw::RedisModuleKeyOptCtx, value: *const c_void) -> usize {
    guard(|| state(value).history().len() + 1).unwrap_or(1)
}

extern "C" fn copy(copied: *mut raw::RedisModuleKeyOptCtx, value: *const c_void) -> *mut c_void {
    let copy = || {
        let mut state = state(value).clone();
        // The stream stays with the key it is named after.
        state.set_last_entry(None);
        let mut held = Held::new(state);
        // SAFETY: R1, R2: the name lives as long as the call.
        let (db, name) = unsafe {
            (api!(RedisModule_GetToDbIdFromOptCtx(copied)), api!(RedisModule_GetToKeyNameFromOptCtx(copied)))
        };
        note(db, name, &mut held);
        Box::into_raw(Box::new(held)).cast()
    };
    guard(copy).unwrap_or(std::ptr::null_mut())
}

/// The value leaves its key, on the main thread; whether it dies is another matter.
extern "C" fn unlink(unlinked: *mut raw::RedisModuleKeyOptCtx, value: *const c_void) {
    guard(|| {
        // SAFETY: R1, R2: the name lives as long as the call.
        let (db, name) = unsafe {
            (api!(RedisModule_GetDbIdFromOptCtx(unlinked)), api!(RedisModule_GetKeyNameFromOptCtx(unlinked)))
        };
        if name.is_null() {
            return;
        }
        let name = RedisStr::new(name.cast_mut());
        blocked_clients::state_left(db, &name);
        session_end::unlinked(name, state(value));
        // SAFETY: R4; nobody else holds the value now.
        deadline_index::unlinked(db, &name, unsafe { &mut *value.cast_mut().cast::<Held>() });
    });
}

/// Brings the index up to date about a value that comes to a key.
fn note(db: i32, name: *const raw::RedisModuleString, held: &mut Held) {
    if !name.is_null() {
        deadline_index::note(db, &RedisStr::new(name.cast_mut()), held);
    }
}

/// The same for a value out of a file; a tool that only reads one names no key.
pub fn note_loaded(db: i32, name: *const raw::RedisModuleString, held: &mut Held) {
    if !name.is_null() {
        deadline_index::note_loaded(db, &RedisStr::new(name.cast_mut()), held);
    }
}
