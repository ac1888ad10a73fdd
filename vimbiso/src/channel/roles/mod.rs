//! The components' permissions as types: a role has no method for what it may not do, so a wrong
//! call does not compile.
//!
//! | role | reads | writes | messages | API |
//! |---|---|---|---|---|
//! | [`Display`] | yes | – | yes | – |
//! | [`Input`] | – | its own data | yes | – |
//! | [`Api`] | yes | dashboard and action, together | – | yes |
//! | [`Confirm`] | yes | its result | yes | – |
//!
//! Not one type with flags at run time, which would find the mistake in front of a user.

mod api;
mod confirm;
mod display;
mod input;
pub(crate) mod message;
pub(crate) mod turn;

pub use api::Api;
pub use confirm::Confirm;
pub use display::Display;
pub use input::Input;
