//! The table of the module API: how a function in it is called, and which calls are safe.
//!
//! A call is safe when it takes only handles, numbers and texts, and accepts any of them: the
//! server checks the rest, and copies what it keeps. Such calls are declared in
//! [`calls`](super::calls), like the safe functions of an `extern` block. Every other call is in an
//! unsafe block of its own, after a check of its preconditions.

use std::ffi::{CStr, c_char, c_int, c_long};
use std::marker::PhantomData;
use std::ptr::null_mut;

use redis_module::raw;

/// Calls a function of the module API. It exists on every server this module loads on: `load` has
/// looked.
macro_rules! api {
    ($name:ident($($arg:expr),* $(,)?)) => {
        match redis_module::raw::$name {
            Some(function) => function($($arg),*),
            None => panic!(concat!(stringify!($name), " is missing: Redis 7.0 or later is needed")),
        }
    };
}
pub(in crate::server) use api;

/// Looks up a function that only some servers have.
///
/// # Safety
/// `F` is the type of a C function pointer, and of the function of this name.
pub unsafe fn find<F>(name: &CStr) -> Option<F> {
    let mut found: Option<F> = None;
    // SAFETY: R1; the server writes a function pointer, or nothing when it has no function of this
    // name.
    unsafe { api!(RedisModule_GetApi(name.as_ptr(), (&raw mut found).cast())) };
    found
}

/// A value as C functions take it.
pub trait Raw {
    type Raw;

    fn raw(self) -> Self::Raw;
}

/// Declares safe functions for functions of the API.
macro_rules! safe_calls {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)? = $function:ident;)*) => {$(
        $(#[$doc])*
        #[inline]
        pub fn $name($($arg: $type),*) $(-> $result)? {
            $(let $arg = Raw::raw($arg);)*
            // SAFETY: R1, R2, R3: the handles are alive, and the function has no other
            // precondition.
            unsafe { api!($function($($arg),*)) }
        }
    )*};
}
pub(super) use safe_calls;

/// Declares handles: the server's pointers, which only callbacks and API calls provide. They live
/// as long as the callback, or until their object is closed.
macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident = $raw:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name(*mut raw::$raw);

        impl $name {
            /// Takes a pointer that the server passed.
            #[inline]
            pub(in crate::server) fn new(pointer: *mut raw::$raw) -> $name {
                $name(pointer)
            }
        }

        impl Raw for $name {
            type Raw = *mut raw::$raw;

            #[inline]
            fn raw(self) -> *mut raw::$raw {
                self.0
            }
        }
    )*};
}

handles! {
    /// The context of a callback.
    Ctx = RedisModuleCtx;
    /// A key that is open, or null.
    KeyHandle = RedisModuleKey;
    /// A file that is read or written.
    Io = RedisModuleIO;
    /// The key that a callback of the native type is about.
    KeyContext = RedisModuleKeyOptCtx;
    /// The section of INFO that is written.
    InfoCtx = RedisModuleInfoCtx;
    /// A command that was registered, or null.
    Registered = RedisModuleCommand;
    /// A reply to a command of ours.
    ReplyHandle = RedisModuleCallReply;
    /// A section of INFO, as the module reads it.
    InfoHandle = RedisModuleServerInfoData;
}

/// A pointer to a string that is alive, as the API takes it.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct RawString<'a>(*mut raw::RedisModuleString, PhantomData<&'a ()>);

impl<'a> RawString<'a> {
    /// No string at all: a place for one.
    pub(super) const NULL: RawString<'static> = RawString(null_mut(), PhantomData);

    /// The caller chooses the lifetime and keeps it within the life of the string.
    #[inline]
    pub(super) fn new(string: *mut raw::RedisModuleString) -> RawString<'a> {
        RawString(string, PhantomData)
    }

    /// Whether both are the very same string, not only equal ones.
    pub fn is(self, other: RawString) -> bool {
        std::ptr::eq(self.0, other.0)
    }

    /// A list of strings as the API takes it.
    pub(in crate::server) fn list(strings: &[RawString]) -> *mut *mut raw::RedisModuleString {
        strings.as_ptr().cast_mut().cast()
    }
}

impl Raw for RawString<'_> {
    type Raw = *mut raw::RedisModuleString;

    #[inline]
    fn raw(self) -> *mut raw::RedisModuleString {
        self.0
    }
}

/// Declares handles that are ours, to be given back once.
macro_rules! owned {
    ($($(#[$doc:meta])* $name:ident = $raw:ty, freed by |$pointer:ident| $free:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name(*mut $raw);

        impl $name {
            /// Takes over a pointer that the API returned as ours; `None` for null.
            pub(in crate::server) fn new(pointer: *mut $raw) -> Option<$name> {
                // Not `then_some`: its argument would be made, and dropped, for a null pointer too.
                (!pointer.is_null()).then(|| $name(pointer))
            }

            pub(in crate::server) fn as_ptr(&self) -> *mut $raw {
                self.0
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                let $pointer = self.0;
                // SAFETY: R2: the pointer is ours and not null; it is given back once, here.
                unsafe { $free };
            }
        }
    )*};
}
pub(in crate::server) use owned;

/// What callbacks return to the server.
pub const OK: c_int = raw::REDISMODULE_OK as c_int;
pub const ERR: c_int = raw::REDISMODULE_ERR as c_int;

/// Numbers and pointers that are passed unchanged.
macro_rules! plain {
    ($($type:ty),*) => {$(
        impl Raw for $type {
            type Raw = $type;

            #[inline]
            fn raw(self) -> $type {
                self
            }
        }
    )*};
}
plain!(c_int, c_long, u64, usize);

impl Raw for &CStr {
    type Raw = *const c_char;

    #[inline]
    fn raw(self) -> *const c_char {
        self.as_ptr()
    }
}

/// Where a walk through a stream begins or ends: at this ID; `None` for the end of the stream.
pub struct StreamBound<'a>(pub Option<&'a mut raw::RedisModuleStreamID>);

impl Raw for StreamBound<'_> {
    type Raw = *mut raw::RedisModuleStreamID;

    #[inline]
    fn raw(self) -> *mut raw::RedisModuleStreamID {
        self.0.map_or(null_mut(), std::ptr::from_mut)
    }
}

impl<T> Raw for &mut T {
    type Raw = *mut T;

    #[inline]
    fn raw(self) -> *mut T {
        self
    }
}
