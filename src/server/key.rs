//! An open key. It is closed when the handle goes out of scope, and nothing read through it lives longer.

use redis_module::raw;

use super::api;
use super::ctx::Ctx;
use super::string::RedisStr;
use super::value::{self, Held};

/// A handle of a key in the selected database.
pub struct Key<'a> {
    handle: *mut raw::RedisModuleKey,
    name: RedisStr<'a>,
}

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
        Key::open(ctx, name, raw::REDISMODULE_READ | raw::REDISMODULE_WRITE)
    }

    fn open(ctx: Ctx, name: RedisStr<'a>, mode: u32) -> Key<'a> {
        // SAFETY: R1. A key opened for reading that is not there is a null handle, which the API functions take.
        let handle = unsafe { api!(RedisModule_OpenKey(ctx.as_ptr(), name.as_ptr(), mode as i32)) };
        Key { handle, name }
    }

    pub fn name(&self) -> RedisStr<'a> {
        self.name
    }

    pub fn handle(&self) -> *mut raw::RedisModuleKey {
        self.handle
    }

    pub fn kind(&self) -> Kind {
        // SAFETY: R2.
        let kind = unsafe { api!(RedisModule_KeyType(self.handle)) } as isize;
        match kind {
            raw::REDISMODULE_KEYTYPE_EMPTY => Kind::Nothing,
            raw::REDISMODULE_KEYTYPE_STREAM => Kind::Stream,
            raw::REDISMODULE_KEYTYPE_MODULE if self.is_state() => Kind::State,
            _ => Kind::Other,
        }
    }

    fn is_state(&self) -> bool {
        // SAFETY: R2; the type pointer is only compared.
        unsafe { api!(RedisModule_ModuleTypeGetType(self.handle)) == value::data_type() }
    }

    fn value(&self) -> Option<*mut Held> {
        // SAFETY: R2; the value is of our type, so it is not null. For a key of another type there is no module type.
        self.is_state().then(|| unsafe { api!(RedisModule_ModuleTypeGetValue(self.handle)) }.cast())
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
        let value = Box::into_raw(Box::new(held));
        // SAFETY: R2, R4: the key is open for writing, so Redis takes the value and owns it.
        unsafe { api!(RedisModule_ModuleTypeSetValue(self.handle, value::data_type(), value.cast())) };
    }

    pub fn delete(&mut self) {
        // SAFETY: R2.
        unsafe { api!(RedisModule_DeleteKey(self.handle)) };
    }

    /// The absolute expiry in Unix milliseconds.
    pub fn expires_at_ms(&self) -> Option<i64> {
        // SAFETY: R2.
        let expires_at_ms = unsafe { api!(RedisModule_GetAbsExpire(self.handle)) };
        (expires_at_ms != i64::from(raw::REDISMODULE_NO_EXPIRE)).then_some(expires_at_ms)
    }

    /// Sets or takes away the expiry; it neither replicates nor notifies.
    pub fn set_expiry(&mut self, expires_at_ms: Option<i64>) {
        let when = expires_at_ms.unwrap_or(i64::from(raw::REDISMODULE_NO_EXPIRE));
        // SAFETY: R2; the key is open for writing.
        unsafe { api!(RedisModule_SetAbsExpire(self.handle, when)) };
    }
}

impl Drop for Key<'_> {
    fn drop(&mut self) {
        // SAFETY: R2: closed once, here; closing a null handle is allowed.
        unsafe { api!(RedisModule_CloseKey(self.handle)) };
    }
}
