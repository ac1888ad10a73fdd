//! Everything that touches Redis (invariant I1).
//!
//! The raw module API is used, not the safe layer of redis-module: that one registers commands in a
//! way Redis 7.0 rejects, formats log messages as printf patterns, and panics outside the guard on
//! some error texts. Its bindings and its allocator are used.
//!
//! Layers, each of which uses those before it: `ffi`, `global`, `value`, `commit`, `events`,
//! `native_type`. `commands` describes commands to the server and stands beside them, on `ffi`
//! alone.
//!
//! Rules that the SAFETY lines name:
//! * R1: API functions are called on the main thread, inside a callback that Redis made, with the
//!   context it passed.
//! * R2: a pointer that Redis returns is valid until the handle or string it belongs to is closed
//!   or freed.
//! * R3: Redis copies what it is given (replies, fields, names) before the call returns.
//! * R4: a value pointer, of our type or of a callback, was made by `ffi::data::give`, and the
//!   server owns it until a callback takes it back.

pub mod commands;
pub mod commit;
pub mod events;
#[expect(unsafe_code, reason = "the module API is C; every block names the rule it rests on")]
pub mod ffi;
pub mod global;
#[expect(unsafe_code, reason = "callbacks of the native type own the values that Redis passes")]
pub mod native_type;
pub mod value;
