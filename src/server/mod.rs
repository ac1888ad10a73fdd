//! Everything that touches Redis (invariant I1).
//!
//! The raw module API is used, not the safe layer of redis-module: that one registers commands in a
//! way Redis 7.0 rejects, formats log messages as printf patterns, and panics outside the guard on
//! some error texts. Its bindings and its allocator are used.
//!
//! Layers, each of which uses those before it: `ffi`, `global`, `value`, `commit`, `events`,
//! `native_type`. `commands` describes commands to the server and stands beside them, on `ffi`
//! alone.

pub mod commands;
pub mod commit;
pub mod events;
#[expect(unsafe_code, reason = "the module API is C; every block names the rule it rests on")]
pub mod ffi;
pub mod global;
#[expect(unsafe_code, reason = "callbacks of the native type own the values that Redis passes")]
pub mod native_type;
pub mod value;
