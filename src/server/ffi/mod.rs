//! The module API made safe.

#[cfg(not(test))]
pub mod alloc;
mod api;
pub mod ctx;
#[cfg(feature = "faults")]
pub mod faults;
pub mod prefetch;
pub mod string;

pub(crate) use api::api;
