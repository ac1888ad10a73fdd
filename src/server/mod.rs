//! Everything that touches Redis, and the only unsafe code (invariant I1).
//!
//! The raw module API is used, not the safe layer of redis-module: that one registers commands in a way Redis 7.0
//! refuses, formats log messages as printf patterns, and panics outside the guard on some error texts. What is used of
//! the crate are the bindings and the allocator.
//!
//! Rules that the SAFETY lines name:
//! * R1: API functions are called on the main thread, inside a callback that Redis made, with the context it passed.
//! * R2: a pointer that Redis returns is valid until the handle or string it belongs to is closed or freed.
//! * R3: Redis copies what it is given (replies, fields, names) before the call returns.
//! * R4: a value pointer of our type was made by `Box::into_raw(Box<Held>)` and is owned by the keyspace.

pub mod commands;
pub mod commit;
pub mod events;
pub mod ffi;
pub mod global;
pub mod native_type;
pub mod value;
