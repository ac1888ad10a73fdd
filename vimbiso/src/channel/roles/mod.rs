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
pub(crate) mod turn;

pub use api::Api;
pub use confirm::Confirm;
pub use display::Display;
pub use input::Input;

use crate::channel::outbound::{Messaging, Outbound};
use crate::channel::result::{ErrorContext, ErrorType, ValidationResult};

/// Sends a message to the user.
pub(crate) async fn send<D: Outbound, M: Messaging<D>>(
    messaging: &mut M,
    channel_id: &str,
    message: &M::Message,
) -> ValidationResult<()> {
    match D::settle(messaging.send(channel_id, message)).await {
        Ok(()) => ValidationResult::Success(()),
        Err(text) => ValidationResult::Failure(ErrorContext::new(
            ErrorType::Messaging,
            text,
            "MESSAGE_SEND_ERROR",
            "messaging",
            "send",
        )),
    }
}
