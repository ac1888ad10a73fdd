//! Memory behind pointers that the server passes: values that it keeps for the module, structures
//! and lists of its own.
//!
//! The callers choose types and lifetimes: a pointer is read back as what it was made of, and
//! nothing is kept beyond the callback or the handle that it came with.

use std::ffi::c_void;

/// A value for the server to keep, until a callback takes it back.
pub(in crate::server) fn give<T>(value: T) -> *mut c_void {
    Box::into_raw(Box::new(value)).cast()
}

/// Takes a value back; once.
pub(in crate::server) fn take<T>(data: *mut c_void) -> T {
    // SAFETY: R4: `give` made it of a value of this type; the server gives it back once, and never
    // a null pointer.
    *unsafe { Box::from_raw(data.cast()) }
}

/// The value behind a pointer that is never null.
#[inline]
pub(in crate::server) fn borrowed<'a, T>(data: *const c_void) -> &'a T {
    // SAFETY: R2, R4: it is a value of this type, which lives as long as the callback.
    unsafe { &*data.cast::<T>() }
}

/// The value behind a pointer; `None` for null.
pub(in crate::server) fn borrowed_if_any<'a, T>(data: *const c_void) -> Option<&'a T> {
    (!data.is_null()).then(|| borrowed(data))
}

/// The values of a list. The server has null for an empty one, which no slice may be.
#[inline]
pub(in crate::server) fn slice<'a, T>(start: *const T, len: usize) -> &'a [T] {
    if start.is_null() {
        return &[];
    }
    // SAFETY: R2: the list has `len` values, and lives as long as the callback or handle it came
    // with.
    unsafe { std::slice::from_raw_parts(start, len) }
}
