//! Settings of the server's configuration: what CONFIG GET and CONFIG SET do with them.

use std::ffi::{CStr, c_char, c_int, c_longlong, c_void};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use redis_module::raw;

use super::api::{Ctx, ERR, OK, Raw, api};
use super::calls;
use super::data::borrowed;
use super::guard::guard;
use super::string::{OwnedString, RedisStr, create};
use super::text::c_string;
use crate::error::Error;

/// A setting that is a number.
pub struct Number {
    pub name: &'static CStr,
    value: AtomicI64,
    pub min: i64,
    pub max: i64,
    flags: u32,
}

impl Number {
    pub const fn new(name: &'static CStr, default: i64, min: i64, max: i64) -> Number {
        Number { name, value: AtomicI64::new(default), min, max, flags: raw::REDISMODULE_CONFIG_DEFAULT }
    }

    /// A number of bytes, which may be written `1mb`.
    pub const fn memory(name: &'static CStr, default: i64, min: i64, max: i64) -> Number {
        Number { flags: raw::REDISMODULE_CONFIG_MEMORY, ..Number::new(name, default, min, max) }
    }

    pub fn get(&self) -> i64 {
        self.value.load(Ordering::Relaxed)
    }

    pub fn size(&self) -> usize {
        usize::try_from(self.get()).unwrap_or(0)
    }

    pub fn set(&self, value: i64) {
        self.value.store(value, Ordering::Relaxed);
    }

    /// Registers the setting; its present value is the default. False when the server rejects it.
    pub fn register(&'static self, ctx: Ctx) -> bool {
        extern "C" fn get(_: *const c_char, number: *mut c_void) -> c_longlong {
            borrowed::<Number>(number).get()
        }
        extern "C" fn set(
            _: *const c_char,
            value: c_longlong,
            number: *mut c_void,
            _: *mut *mut raw::RedisModuleString,
        ) -> c_int {
            // Redis has checked the range.
            borrowed::<Number>(number).set(value);
            OK
        }
        let (name, default) = (self.name.as_ptr(), self.get());
        let (min, max, data) = (self.min, self.max, data(self));
        // SAFETY: R1, R3; the callbacks get the setting that they expect.
        unsafe {
            api!(RedisModule_RegisterNumericConfig(
                ctx.raw(),
                name,
                default,
                self.flags,
                min,
                max,
                Some(get),
                Some(set),
                None,
                data
            )) == OK
        }
    }
}

/// A setting that is yes or no.
pub struct Switch {
    pub name: &'static CStr,
    value: AtomicBool,
}

impl Switch {
    pub const fn new(name: &'static CStr, default: bool) -> Switch {
        Switch { name, value: AtomicBool::new(default) }
    }

    pub fn is_on(&self) -> bool {
        self.value.load(Ordering::Relaxed)
    }

    pub fn set(&self, value: bool) {
        self.value.store(value, Ordering::Relaxed);
    }

    /// As [`Number::register`].
    pub fn register(&'static self, ctx: Ctx) -> bool {
        extern "C" fn get(_: *const c_char, switch: *mut c_void) -> c_int {
            c_int::from(borrowed::<Switch>(switch).is_on())
        }
        extern "C" fn set(
            _: *const c_char,
            value: c_int,
            switch: *mut c_void,
            _: *mut *mut raw::RedisModuleString,
        ) -> c_int {
            borrowed::<Switch>(switch).set(value != 0);
            OK
        }
        let (name, default) = (self.name.as_ptr(), c_int::from(self.is_on()));
        let (flags, data) = (raw::REDISMODULE_CONFIG_DEFAULT, data(self));
        // SAFETY: R1, R3; the callbacks get the setting that they expect.
        unsafe {
            api!(RedisModule_RegisterBoolConfig(
                ctx.raw(),
                name,
                default,
                flags,
                Some(get),
                Some(set),
                None,
                data
            )) == OK
        }
    }
}

/// A setting that is a text.
pub struct Text {
    pub name: &'static CStr,
    /// CONFIG GET takes a string of the server's that stays valid after the call.
    value: Mutex<Option<OwnedString>>,
    /// How often it was set.
    times_set: AtomicI64,
    /// Says what is wrong with a value.
    check: fn(&[u8]) -> Result<(), Error>,
    flags: u32,
}

impl Text {
    pub const fn new(name: &'static CStr, check: fn(&[u8]) -> Result<(), Error>) -> Text {
        Text::with(name, check, raw::REDISMODULE_CONFIG_DEFAULT)
    }

    /// The same for a setting that only the start of the server sets.
    pub const fn fixed(name: &'static CStr, check: fn(&[u8]) -> Result<(), Error>) -> Text {
        Text::with(name, check, raw::REDISMODULE_CONFIG_IMMUTABLE)
    }

    const fn with(name: &'static CStr, check: fn(&[u8]) -> Result<(), Error>, flags: u32) -> Text {
        Text { name, value: Mutex::new(None), times_set: AtomicI64::new(0), check, flags }
    }

    fn value(&self) -> MutexGuard<'_, Option<OwnedString>> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text; `None` when it is empty.
    pub fn get(&self) -> Option<OwnedString> {
        let value = self.value();
        let text = value.as_ref()?;
        if text.borrow().is_empty() { None } else { OwnedString::hold(text.raw()) }
    }

    /// Goes up each time it is set, even to the same text.
    pub fn times_set(&self) -> i64 {
        self.times_set.load(Ordering::Relaxed)
    }

    pub fn set(&self, text: &[u8]) -> Result<(), Error> {
        (self.check)(text)?;
        *self.value() = Some(OwnedString::of(text));
        self.times_set.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// As [`Number::register`].
    pub fn register(&'static self, ctx: Ctx) -> bool {
        extern "C" fn get(_: *const c_char, text: *mut c_void) -> *mut raw::RedisModuleString {
            borrowed::<Text>(text).value().as_ref().map_or(std::ptr::null_mut(), |text| text.raw().raw())
        }
        extern "C" fn set(
            _: *const c_char,
            value: *mut raw::RedisModuleString,
            text: *mut c_void,
            error: *mut *mut raw::RedisModuleString,
        ) -> c_int {
            match guard(|| borrowed::<Text>(text).set(RedisStr::new(value).bytes())) {
                Some(Ok(())) => OK,
                Some(Err(problem)) => {
                    // SAFETY: R1; the server frees the string that it is given here.
                    unsafe { *error = create(problem.to_string().as_bytes()) };
                    ERR
                }
                None => ERR,
            }
        }
        let default =
            self.get().map_or_else(String::new, |text| String::from_utf8_lossy(&text.borrow()).into_owned());
        let (name, default, data) = (self.name.as_ptr(), c_string(&default), data(self));
        // SAFETY: R1, R3; the callbacks get the setting that they expect.
        unsafe {
            api!(RedisModule_RegisterStringConfig(
                ctx.raw(),
                name,
                default.as_ptr(),
                self.flags,
                Some(get),
                Some(set),
                None,
                data
            )) == OK
        }
    }
}

/// Reads the server's configuration into the registered settings; false when it has a value that
/// none can take.
pub fn load(ctx: Ctx) -> bool {
    calls::load_configs(ctx) == OK
}

/// What the callbacks of a setting get: each is registered with the callbacks of its own type.
fn data<T>(setting: &'static T) -> *mut c_void {
    std::ptr::from_ref(setting).cast_mut().cast()
}
