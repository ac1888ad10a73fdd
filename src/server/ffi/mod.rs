//! The module API made safe: the lowest layer of the server, which the others stand on.
//!
//! What is not in here, or in the callbacks of the native type, has no unsafe code. Handles and
//! strings are made here, from pointers that Redis passes, and live no longer than what they stand
//! for.

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
pub mod data;
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
