//! Values as Redis passes them to the callbacks of the type.

use std::ffi::c_void;

use crate::server::value::held::Held;

/// The value behind a pointer; callbacks keep nothing beyond their call.
pub fn held<'a>(value: *const c_void) -> &'a Held {
    // SAFETY: R4; Redis passes the callbacks of the type nothing but values of the type.
    unsafe { &*value.cast::<Held>() }
}

/// A new value, for Redis to own.
pub fn into_pointer(held: Held) -> *mut c_void {
    Box::into_raw(Box::new(held)).cast()
}
