//! The settings `state.*`: `CONFIG SET`, redis.conf, `MODULE LOADEX`, and words behind the path in `loadmodule`.
//!
//! A word given to `loadmodule` becomes the setting's default, so that CONFIG REWRITE, which writes the loadmodule line
//! with its words and leaves out what equals its default, keeps it either way.

use std::ffi::{CStr, CString, c_char, c_int, c_longlong, c_void};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use redis_module::raw;
use redis_state_core::Limits;

use crate::server::commands::entry::guard;
use crate::server::commit::feed;
use crate::server::ffi::api;
use crate::server::ffi::ctx::{Ctx, ERR, OK};
use crate::server::ffi::string::{OwnedString, RedisStr};
use crate::server::global::misspelt;

/// A setting that is a number.
pub struct Number {
    name: &'static CStr,
    value: AtomicI64,
    min: i64,
    max: i64,
    flags: u32,
}

impl Number {
    const fn new(name: &'static CStr, default: i64, min: i64, max: i64) -> Number {
        Number { name, value: AtomicI64::new(default), min, max, flags: raw::REDISMODULE_CONFIG_DEFAULT }
    }

    /// A number of bytes, which may be written `1mb`.
    const fn memory(name: &'static CStr, default: i64, min: i64, max: i64) -> Number {
        Number { flags: raw::REDISMODULE_CONFIG_MEMORY, ..Number::new(name, default, min, max) }
    }

    pub fn get(&self) -> i64 {
        self.value.load(Ordering::Relaxed)
    }

    fn size(&self) -> usize {
        usize::try_from(self.get()).unwrap_or(0)
    }
}

/// A setting that is yes or no.
pub struct Switch {
    name: &'static CStr,
    value: AtomicBool,
}

impl Switch {
    const fn new(name: &'static CStr, default: bool) -> Switch {
        Switch { name, value: AtomicBool::new(default) }
    }

    pub fn is_on(&self) -> bool {
        self.value.load(Ordering::Relaxed)
    }
}

const MIB: i64 = 1024 * 1024;
const DAY_S: i64 = 24 * 60 * 60;

static SNAPSHOTS: Number = Number::new(c"snapshots", 10, 0, 1000);
static LABELS: Number = Number::new(c"labels", 8, 0, 64);
static DEFAULT_TTL_S: Number = Number::new(c"default-ttl", 300, 1, 365 * DAY_S);
static ATTEMPTS_HISTORY: Number = Number::new(c"attempts-history", 100, 0, 1000);
static IDEMPOTENCY_IDS: Number = Number::new(c"idempotency-ids", 64, 0, 1000);
static MAX_BYTES: Number = Number::memory(c"max-bytes", MIB, 1024, 64 * MIB);
static MAX_DEPTH: Number = Number::new(c"max-depth", 64, 1, 128);
static MAX_COST: Number = Number::new(c"max-cost", 25_000_000, 1_000_000, 1_000_000_000_000);
pub static AUDIT_MAXLEN: Number = Number::new(c"audit-maxlen", 200, 1, 1_000_000);
pub static AUDIT_TTL_S: Number = Number::new(c"audit-ttl", DAY_S, 1, 365 * DAY_S);
static AUDIT_PATCH_BYTES: Number = Number::memory(c"audit-patch-bytes", 4096, 0, MIB);
static AUDIT_DOCUMENT_BYTES: Number = Number::memory(c"audit-document-bytes", 65_536, 0, 64 * MIB);
pub static AUDIT_REJECTS: Number = Number::new(c"audit-rejects", 100, 0, 100_000);
pub static FEED_MAXLEN: Number = Number::new(c"feed-maxlen", 100_000, 1, 100_000_000);
pub static AUDIT: Switch = Switch::new(c"audit", true);
pub static AUDIT_CONFLICTS: Switch = Switch::new(c"audit-conflicts", false);

static NUMBERS: [&Number; 14] = [
    &SNAPSHOTS,
    &LABELS,
    &ATTEMPTS_HISTORY,
    &IDEMPOTENCY_IDS,
    &DEFAULT_TTL_S,
    &MAX_BYTES,
    &MAX_DEPTH,
    &MAX_COST,
    &AUDIT_MAXLEN,
    &AUDIT_TTL_S,
    &AUDIT_PATCH_BYTES,
    &AUDIT_DOCUMENT_BYTES,
    &AUDIT_REJECTS,
    &FEED_MAXLEN,
];
static SWITCHES: [&Switch; 2] = [&AUDIT, &AUDIT_CONFLICTS];

/// `state.schema-dir`: a folder of schemas to load; set at start only.
const SCHEMA_DIR: &CStr = c"schema-dir";
static SCHEMA_DIR_VALUE: Mutex<Option<SchemaDir>> = Mutex::new(None);

/// CONFIG GET wants a string of the server's that stays valid after the call.
struct SchemaDir(OwnedString);

// SAFETY: the string is made and read on the main thread only; the lock is there because a static needs one.
unsafe impl Send for SchemaDir {}

/// The limits in force, for one command.
pub fn limits() -> Limits {
    Limits {
        snapshots: SNAPSHOTS.size(),
        labels: LABELS.size(),
        bytes_max: MAX_BYTES.size(),
        depth_max: MAX_DEPTH.size(),
        cost_max: u64::try_from(MAX_COST.get()).unwrap_or(0),
        default_ttl_ms: DEFAULT_TTL_S.get().saturating_mul(1000),
        attempts_history: ATTEMPTS_HISTORY.size(),
        idempotency_ids: IDEMPOTENCY_IDS.size(),
        audit_patch_bytes: AUDIT_PATCH_BYTES.size(),
        audit_document_bytes: AUDIT_DOCUMENT_BYTES.size(),
    }
}

/// The folder of schemas; `None` when it is not set.
pub fn schema_dir() -> Option<String> {
    let value = SCHEMA_DIR_VALUE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = String::from_utf8_lossy(&value.as_ref()?.0.borrow()).into_owned();
    (!dir.is_empty()).then_some(dir)
}

fn set_schema_dir(dir: &[u8]) {
    *SCHEMA_DIR_VALUE.lock().unwrap_or_else(PoisonError::into_inner) = Some(SchemaDir(OwnedString::new(dir)));
}

/// Reads the words behind the module's path: pairs of a setting, with or without `state.`, and its value.
pub fn read_arguments(args: &[RedisStr]) -> Result<(), String> {
    for pair in args.chunks(2) {
        let name = String::from_utf8_lossy(&pair[0]).to_lowercase();
        let Some(value) = pair.get(1) else { return Err(format!("loadmodule: {name} has no value")) };
        let value = String::from_utf8_lossy(value);
        let name = name.strip_prefix("state.").unwrap_or(&name);
        read_argument(name, &value).map_err(|problem| format!("loadmodule: {name} {value}: {problem}"))?;
    }
    Ok(())
}

fn read_argument(name: &str, value: &str) -> Result<(), String> {
    let is = |setting: &CStr| setting.to_bytes() == name.as_bytes();
    if let Some(number) = NUMBERS.iter().find(|number| is(number.name)) {
        let in_range = parse_number(value).filter(|value| (number.min..=number.max).contains(value));
        let wanted = || format!("must be a number from {} to {}", number.min, number.max);
        number.value.store(in_range.ok_or_else(wanted)?, Ordering::Relaxed);
    } else if let Some(switch) = SWITCHES.iter().find(|switch| is(switch.name)) {
        let on = match value {
            "yes" => true,
            "no" => false,
            _ => return Err("must be yes or no".to_owned()),
        };
        switch.value.store(on, Ordering::Relaxed);
    } else if is(SCHEMA_DIR) {
        set_schema_dir(value.as_bytes());
    } else if is(feed::SETTING) {
        feed::set(value.as_bytes())?;
    } else {
        return Err(misspelt::advice(name));
    }
    Ok(())
}

/// A number, or one with a unit of memory as redis.conf writes them.
fn parse_number(text: &str) -> Option<i64> {
    let text = text.to_lowercase();
    let units =
        [("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1 << 30), ("k", 1000), ("m", 1_000_000), ("b", 1), ("", 1)];
    let (digits, unit) = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))?;
    digits.parse::<i64>().ok()?.checked_mul(unit)
}

/// The names of all settings, without `state.`.
pub fn names() -> impl Iterator<Item = &'static str> {
    let numbers = NUMBERS.iter().map(|number| number.name);
    let switches = SWITCHES.iter().map(|switch| switch.name);
    numbers.chain(switches).chain([SCHEMA_DIR, feed::SETTING]).map(|name| name.to_str().unwrap_or_default())
}

/// Registers every setting and reads the server's configuration. The error says which setting there is not, or that a value
/// is none we can take.
pub fn register(ctx: Ctx) -> Result<(), String> {
    let numbers = NUMBERS.iter().all(|number| {
        // SAFETY: R1, R3; privdata is a static.
        unsafe {
            api!(RedisModule_RegisterNumericConfig(
                ctx.as_ptr(),
                number.name.as_ptr(),
                number.get(),
                number.flags,
                number.min,
                number.max,
                Some(get_number),
                Some(set_number),
                None,
                (&raw const **number).cast_mut().cast()
            )) == OK
        }
    });
    let switches = SWITCHES.iter().all(|switch| {
        // SAFETY: R1, R3; privdata is a static.
        unsafe {
            api!(RedisModule_RegisterBoolConfig(
                ctx.as_ptr(),
                switch.name.as_ptr(),
                c_int::from(switch.is_on()),
                raw::REDISMODULE_CONFIG_DEFAULT,
                Some(get_switch),
                Some(set_switch),
                None,
                (&raw const **switch).cast_mut().cast()
            )) == OK
        }
    });
    let dir = CString::new(schema_dir().unwrap_or_default()).unwrap_or_default();
    // SAFETY: R1, R3.
    let strings = unsafe {
        api!(RedisModule_RegisterStringConfig(
            ctx.as_ptr(),
            SCHEMA_DIR.as_ptr(),
            dir.as_ptr(),
            raw::REDISMODULE_CONFIG_IMMUTABLE,
            Some(get_dir),
            Some(set_dir),
            None,
            std::ptr::null_mut()
        )) == OK
    };
    // SAFETY: R1. The result matters: going on after a failure crashes some servers.
    let taken = numbers
        && switches
        && strings
        && feed::register(ctx)
        && unsafe { api!(RedisModule_LoadConfigs(ctx.as_ptr())) } == OK;
    if !taken {
        return Err("a setting state.* is refused; the line above names it".to_owned());
    }
    misspelt::look(ctx)
}

extern "C" fn get_number(_name: *const c_char, number: *mut c_void) -> c_longlong {
    // SAFETY: privdata is the static that was registered.
    unsafe { &*number.cast::<Number>() }.get()
}

extern "C" fn set_number(
    _name: *const c_char,
    value: c_longlong,
    number: *mut c_void,
    _error: *mut *mut raw::RedisModuleString,
) -> c_int {
    // SAFETY: privdata is the static that was registered. Redis has checked the range.
    unsafe { &*number.cast::<Number>() }.value.store(value, Ordering::Relaxed);
    OK
}

extern "C" fn get_switch(_name: *const c_char, switch: *mut c_void) -> c_int {
    // SAFETY: privdata is the static that was registered.
    c_int::from(unsafe { &*switch.cast::<Switch>() }.is_on())
}

extern "C" fn set_switch(
    _name: *const c_char,
    value: c_int,
    switch: *mut c_void,
    _error: *mut *mut raw::RedisModuleString,
) -> c_int {
    // SAFETY: privdata is the static that was registered.
    unsafe { &*switch.cast::<Switch>() }.value.store(value != 0, Ordering::Relaxed);
    OK
}

extern "C" fn get_dir(_name: *const c_char, _: *mut c_void) -> *mut raw::RedisModuleString {
    let value = SCHEMA_DIR_VALUE.lock().unwrap_or_else(PoisonError::into_inner);
    value.as_ref().map_or(std::ptr::null_mut(), |dir| dir.0.as_ptr())
}

extern "C" fn set_dir(
    _name: *const c_char,
    value: *mut raw::RedisModuleString,
    _: *mut c_void,
    _error: *mut *mut raw::RedisModuleString,
) -> c_int {
    guard(|| set_schema_dir(RedisStr::new(value).bytes())).map_or(ERR, |()| OK)
}
