//! Strings of the server: borrowed from arguments, or made here and freed again.

use std::ffi::c_char;
use std::ops::Deref;

use redis_module::raw;

use super::api;

/// A string that somebody else owns: an argument of a command, or an [`OwnedString`]. It reads as bytes, since that is
/// what clients send; whether they are text is for the parser to find out.
#[derive(Clone, Copy)]
pub struct RedisStr<'a> {
    raw: *mut raw::RedisModuleString,
    bytes: &'a [u8],
}

impl<'a> RedisStr<'a> {
    /// The caller chooses the lifetime and keeps it within the call that the string came with.
    pub fn new(raw: *mut raw::RedisModuleString) -> RedisStr<'a> {
        let mut len = 0;
        // SAFETY: R2: the string outlives the callback it was passed to, or its owner below.
        let bytes = unsafe {
            let start = api!(RedisModule_StringPtrLen(raw, &mut len));
            if start.is_null() { &[] } else { std::slice::from_raw_parts(start.cast::<u8>(), len) }
        };
        RedisStr { raw, bytes }
    }

    pub fn as_ptr(self) -> *mut raw::RedisModuleString {
        self.raw
    }

    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }
}

impl Deref for RedisStr<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes
    }
}

impl AsRef<[u8]> for RedisStr<'_> {
    fn as_ref(&self) -> &[u8] {
        self.bytes
    }
}

/// A string made here; freed when it goes out of scope.
pub struct OwnedString(*mut raw::RedisModuleString);

impl OwnedString {
    pub fn new(bytes: &[u8]) -> OwnedString {
        // SAFETY: R3; without a context the string is ours to free, which Drop does.
        OwnedString(unsafe {
            api!(RedisModule_CreateString(std::ptr::null_mut(), bytes.as_ptr().cast::<c_char>(), bytes.len()))
        })
    }

    /// The digits of a number.
    pub fn of_number(number: i64) -> OwnedString {
        // SAFETY: as in `new`.
        OwnedString(unsafe { api!(RedisModule_CreateStringFromLongLong(std::ptr::null_mut(), number)) })
    }

    /// An ID as streams write it.
    pub fn of_stream_id(mut id: raw::RedisModuleStreamID) -> OwnedString {
        // SAFETY: as in `new`.
        OwnedString(unsafe { api!(RedisModule_CreateStringFromStreamID(std::ptr::null_mut(), &mut id)) })
    }

    /// Takes over a string that the API returned as ours.
    pub fn from_raw(string: *mut raw::RedisModuleString) -> Option<OwnedString> {
        // Not `then_some`: its argument would be made, and dropped, for a null pointer too.
        (!string.is_null()).then(|| OwnedString(string))
    }

    pub fn borrow(&self) -> RedisStr<'_> {
        RedisStr::new(self.0)
    }
}

impl Drop for OwnedString {
    fn drop(&mut self) {
        // SAFETY: made without a context, so nobody else frees it.
        unsafe { api!(RedisModule_FreeString(std::ptr::null_mut(), self.0)) }
    }
}
