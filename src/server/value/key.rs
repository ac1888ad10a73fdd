//! An open key. It is closed when the handle goes out of scope, and nothing read through it lives longer.
//!
//! The module API has preconditions on a key: that it is open, holds a value, of a certain type, and may be written. Servers
//! differ in what they do where one does not hold: most answer an error, Redis 8.2 and newer read through a null pointer in
//! GetAbsExpire. So each call is made here, or in [`stream`](super::stream), behind a check of our own.

use std::mem::ManuallyDrop;

use redis_module::raw;

use crate::server::ffi::api;
use crate::server::ffi::ctx::{Ctx, OK};
use crate::server::ffi::string::RedisStr;
use crate::server::value::held::{self, Held};

/// A handle of a key in the selected database.
pub struct Key<'a> {
    /// Null for a key that was opened for reading and is not there.
    handle: *mut raw::RedisModuleKey,
    name: RedisStr<'a>,
    is_writable: bool,
}

const WRITE: u32 = raw::REDISMODULE_READ | raw::REDISMODULE_WRITE;

/// What is under a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Nothing,
    State,
    Stream,
    Other,
}

impl<'a> Key<'a> {
    /// Opens for reading: no other client notices.
    pub fn open_read(ctx: Ctx, name: RedisStr<'a>) -> Key<'a> {
        Key::open(ctx, name, raw::REDISMODULE_READ)
    }

    /// Opens for writing. What is changed must be signalled by hand: without the module option that says so, a
    /// refused command would break the WATCH of other clients.
    pub fn open_write(ctx: Ctx, name: RedisStr<'a>) -> Key<'a> {
        Key::open(ctx, name, WRITE)
    }

    /// As [`Key::open_write`], for what no caller asked for: the server evicts by what callers look at, so the key must not
    /// look as if it had been used.
    pub fn open_unasked(ctx: Ctx, name: RedisStr<'a>) -> Key<'a> {
        Key::open(ctx, name, WRITE | raw::REDISMODULE_OPEN_KEY_NOTOUCH)
    }

    fn open(ctx: Ctx, name: RedisStr<'a>, mode: u32) -> Key<'a> {
        // SAFETY: R1.
        let handle = unsafe { api!(RedisModule_OpenKey(ctx.as_ptr(), name.as_ptr(), mode as i32)) };
        let is_writable = mode & raw::REDISMODULE_WRITE != 0 && !handle.is_null();
        Key { handle, name, is_writable }
    }

    /// A key that the server opened, and closes itself: to be looked at within the callback that it was passed to.
    pub fn lent(handle: *mut raw::RedisModuleKey, name: RedisStr<'a>) -> ManuallyDrop<Key<'a>> {
        ManuallyDrop::new(Key { handle, name, is_writable: false })
    }

    pub fn name(&self) -> RedisStr<'a> {
        self.name
    }

    pub(super) fn handle(&self) -> *mut raw::RedisModuleKey {
        self.handle
    }

    pub(super) fn is_writable(&self) -> bool {
        self.is_writable
    }

    pub fn kind(&self) -> Kind {
        if self.handle.is_null() {
            return Kind::Nothing;
        }
        // SAFETY: R2; the handle is not null.
        let kind = unsafe { api!(RedisModule_KeyType(self.handle)) } as isize;
        match kind {
            raw::REDISMODULE_KEYTYPE_EMPTY => Kind::Nothing,
            raw::REDISMODULE_KEYTYPE_STREAM => Kind::Stream,
            raw::REDISMODULE_KEYTYPE_MODULE if self.is_of_our_type() => Kind::State,
            _ => Kind::Other,
        }
    }

    /// Asked of a key that holds a value of some module.
    fn is_of_our_type(&self) -> bool {
        // SAFETY: R2; the handle is not null and the key holds a value. The type pointer is only compared.
        unsafe { api!(RedisModule_ModuleTypeGetType(self.handle)) == held::data_type() }
    }

    fn value(&self) -> Option<*mut Held> {
        if self.kind() != Kind::State {
            return None;
        }
        // SAFETY: R2; the key holds a value of our type.
        let value: *mut Held = unsafe { api!(RedisModule_ModuleTypeGetValue(self.handle)) }.cast();
        (!value.is_null()).then_some(value)
    }

    /// The state under this key.
    pub fn held(&self) -> Option<&Held> {
        // SAFETY: R2, R4; the borrow of the handle keeps the reference within the handle's life.
        self.value().map(|value| unsafe { &*value })
    }

    /// The state under this key, to be changed in place, which keeps its expiry.
    pub fn held_mut(&mut self) -> Option<&mut Held> {
        // SAFETY: R2, R4; the handle is borrowed mutably, so this is the only reference.
        self.value().map(|value| unsafe { &mut *value })
    }

    /// Puts a state in place of whatever is there; the key loses its expiry.
    pub fn put(&mut self, held: Held) {
        if !self.is_writable {
            return;
        }
        let value = Box::into_raw(Box::new(held));
        // SAFETY: R2, R4: the key is open for writing, and no iterator of a stream borrows it.
        let put =
            unsafe { api!(RedisModule_ModuleTypeSetValue(self.handle, held::data_type(), value.cast())) };
        if put != OK {
            // SAFETY: R4; the server has not taken the value.
            drop(unsafe { Box::from_raw(value) });
        }
    }

    pub fn delete(&mut self) {
        if self.is_writable && self.kind() != Kind::Nothing {
            // SAFETY: R2; the key is open for writing and holds a value.
            unsafe { api!(RedisModule_DeleteKey(self.handle)) };
        }
    }

    /// The absolute expiry in Unix milliseconds; none where no value is.
    pub fn expires_at_ms(&self) -> Option<i64> {
        if self.kind() == Kind::Nothing {
            return None;
        }
        // SAFETY: R2; the key holds a value, without which some servers read through a null pointer.
        let expires_at_ms = unsafe { api!(RedisModule_GetAbsExpire(self.handle)) };
        (expires_at_ms != i64::from(raw::REDISMODULE_NO_EXPIRE)).then_some(expires_at_ms)
    }

    /// Sets or takes away the expiry of what is there; it neither replicates nor notifies.
    pub fn set_expiry(&mut self, expires_at_ms: Option<i64>) {
        if !self.is_writable || self.kind() == Kind::Nothing {
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
            unsafe { api!(RedisModule_CloseKey(self.handle)) };
        }
    }
}
