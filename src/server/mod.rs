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

#[cfg(not(test))]
pub mod alloc;
pub mod audit;
mod categories;
pub mod cluster;
mod command_info;
pub mod config;
pub mod ctx;
pub mod deadlines;
pub mod effect;
mod ends;
pub mod entry;
#[cfg(feature = "faults")]
pub mod faults;
pub mod feed;
pub mod fields;
pub mod info;
pub mod key;
mod load;
mod memory;
mod misspelt;
mod persistence;
mod positions;
pub mod prefetch;
mod propagation;
pub mod registry;
mod rejects;
mod schema_dir;
mod stream;
pub mod string;
pub mod table;
pub mod target;
mod timer;
pub mod value;
pub mod waiting;

/// Calls a function of the module API. It is there on every server this module loads on: `load` has looked.
macro_rules! api {
    ($name:ident($($arg:expr),* $(,)?)) => {
        match redis_module::raw::$name {
            Some(function) => function($($arg),*),
            None => panic!(concat!(stringify!($name), " is missing: Redis 7.0 or later is needed")),
        }
    };
}
pub(crate) use api;
