//! An open key. It is closed when the handle goes out of scope, and nothing read through it lives
//! longer.
//!
//! The module API has preconditions on a key: that it is open, holds a value of a certain type, and
//! may be written. Servers differ in what they do if one does not hold: most return an error, Redis
//! 8.2 and newer read through a null pointer in GetAbsExpire. So each call is made here, or in
//! [`stream`](super::stream), after a check of our own.

use std::mem::ManuallyDrop;

use redis_module::raw;

use super::api::{Ctx, KeyHandle, OK, Raw, api};
use super::calls;
use super::data_type::DataType;
use super::string::RedisStr;

/// A handle of a key in the selected database.
pub struct Key<'a> {
    /// Null for a key that was opened for reading and does not exist.
    handle: *mut raw::RedisModuleKey,
    name: RedisStr<'a>,
    is_writable: bool,
}

const WRITE: u32 = raw::REDISMODULE_READ | raw::REDISMODULE_WRITE;

/// What a key holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    Nothing,
    Stream,
    /// A value of this module's type or of another module's.
    OfModule,
    Other,
}

impl<'a> Key<'a> {
    /// Opens for reading: no other client notices.
    pub fn open_read(ctx: Ctx, name: RedisStr<'a>) -> Key<'a> {
        Key::open(ctx, name, raw::REDISMODULE_READ)
    }

    /// Opens for writing. The caller signals changes: without the module option for this, a
    /// rejected command would break the WATCH of other clients.
    pub fn open_write(ctx: Ctx, name: RedisStr<'a>) -> Key<'a> {
        Key::open(ctx, name, WRITE)
    }

    /// As [`Key::open_write`], for the server itself, a timer or an event: eviction goes by what
    /// callers use, so the key must not look used.
    pub fn open_for_server(ctx: Ctx, name: RedisStr<'a>) -> Key<'a> {
        Key::open(ctx, name, WRITE | raw::REDISMODULE_OPEN_KEY_NOTOUCH)
    }

    fn open(ctx: Ctx, name: RedisStr<'a>, mode: u32) -> Key<'a> {
        let handle = calls::open_key(ctx, name.raw(), mode as i32);
        let is_writable = mode & raw::REDISMODULE_WRITE != 0 && !handle.is_null();
        Key { handle, name, is_writable }
    }

    /// A key that the server opened, and closes itself: to be looked at within the callback that it
    /// was passed to.
    pub(super) fn lent(handle: *mut raw::RedisModuleKey, name: RedisStr<'a>) -> ManuallyDrop<Key<'a>> {
        ManuallyDrop::new(Key { handle, name, is_writable: false })
    }

    pub fn name(&self) -> RedisStr<'a> {
        self.name
    }

    pub(super) fn handle(&self) -> KeyHandle {
        KeyHandle::new(self.handle)
    }

    pub(super) fn is_writable(&self) -> bool {
        self.is_writable
    }

    pub fn holds(&self) -> Holds {
        if self.handle.is_null() {
            return Holds::Nothing;
        }
        match calls::key_type(self.handle()) as isize {
            raw::REDISMODULE_KEYTYPE_EMPTY => Holds::Nothing,
            raw::REDISMODULE_KEYTYPE_STREAM => Holds::Stream,
            raw::REDISMODULE_KEYTYPE_MODULE => Holds::OfModule,
            _ => Holds::Other,
        }
    }

    /// Whether the value is of this type.
    pub fn is_of<T>(&self, data_type: &DataType<T>) -> bool {
        self.holds() == Holds::OfModule && calls::module_type(self.handle()) == data_type.registered()
    }

    fn pointer<T>(&self, data_type: &DataType<T>) -> Option<*mut T> {
        if !self.is_of(data_type) {
            return None;
        }
        let value: *mut T = calls::module_value(self.handle()).cast();
        (!value.is_null()).then_some(value)
    }

    /// The value of this type under this key.
    pub fn value<T>(&self, data_type: &DataType<T>) -> Option<&T> {
        // SAFETY: R2, R4; the borrow of the handle keeps the reference within the handle's life.
        self.pointer(data_type).map(|value| unsafe { &*value })
    }

    /// The value under this key, to be changed in place, which keeps its expiry.
    pub fn value_mut<T>(&mut self, data_type: &DataType<T>) -> Option<&mut T> {
        // SAFETY: R2, R4; the handle is borrowed mutably, so this is the only reference.
        self.pointer(data_type).map(|value| unsafe { &mut *value })
    }

    /// Sets the key to a value, whatever it holds; the key loses its expiry.
    pub fn set_value<T>(&mut self, data_type: &DataType<T>, value: T) {
        if !self.is_writable {
            return;
        }
        let value = Box::into_raw(Box::new(value));
        // SAFETY: R2, R4: the key is open for writing, and no iterator of a stream borrows it. A
        // value that the server has not taken is still ours.
        unsafe {
            if api!(RedisModule_ModuleTypeSetValue(self.handle, data_type.registered(), value.cast())) != OK {
                drop(Box::from_raw(value));
            }
        }
    }

    pub fn delete(&mut self) {
        if self.is_writable && self.holds() != Holds::Nothing {
            // SAFETY: R2; the key is open for writing and holds a value.
            unsafe { api!(RedisModule_DeleteKey(self.handle)) };
        }
    }

    /// The absolute expiry in Unix milliseconds; `None` for a key that does not exist or never
    /// expires.
    pub fn expires_at_ms(&self) -> Option<i64> {
        if self.holds() == Holds::Nothing {
            return None;
        }
        // SAFETY: R2; the key holds a value, without which some servers read through a null
        // pointer.
        let expires_at_ms = unsafe { api!(RedisModule_GetAbsExpire(self.handle)) };
        (expires_at_ms != i64::from(raw::REDISMODULE_NO_EXPIRE)).then_some(expires_at_ms)
    }

    /// Sets the expiry of the key, or removes it; neither replicates nor notifies.
    pub fn set_expiry(&mut self, expires_at_ms: Option<i64>) {
        if !self.is_writable || self.holds() == Holds::Nothing {
            return;
        }
        let when = expires_at_ms.unwrap_or(i64::from(raw::REDISMODULE_NO_EXPIRE));
        // SAFETY: R2; the key is open for writing and holds a value.
        unsafe { api!(RedisModule_SetAbsExpire(self.handle, when)) };
    }
}

impl Drop for Key<'_> {
    fn drop(&mut self) {
        if !self.handle.is_null() {
            // SAFETY: R2: closed once, here.
            unsafe { api!(RedisModule_CloseKey(self.handle().raw())) };
        }
    }
}
