//! The module API made safe: the lowest layer of the server, which the others stand on.
//!
//! What is not in here, or in the callbacks of the native type, has no unsafe code. Handles and
//! strings are made here, from pointers that Redis passes, and live no longer than what they stand
//! for.
//!
//! Rules that the SAFETY lines name:
//! * R1: API functions are called on the main thread, inside a callback that Redis made, with the
//!   context it passed.
//! * R2: a pointer that Redis returns is valid until the handle or string it belongs to is closed
//!   or freed.
//! * R3: Redis copies what it is given (replies, fields, names) before the call returns.
//! * R4: a value pointer of our type was made by `Box::into_raw(Box<Held>)` and is owned by the
//!   keyspace.

mod acl;
#[cfg(not(test))]
pub mod alloc;
pub mod api;
pub mod arguments;
pub mod blocked_client;
mod call;
pub mod calls;
pub mod command;
pub mod ctx;
pub mod data_type;
#[cfg(feature = "faults")]
pub mod faults;
pub mod guard;
pub mod info_section;
pub mod key;
pub mod module;
pub mod named_key;
pub mod prefetch;
mod propagate;
mod reply;
pub mod scan;
pub mod server_info;
pub mod setting;
pub mod size_classes;
pub mod stream;
pub mod string;
pub mod subscription;
pub mod text;
pub mod timer;
