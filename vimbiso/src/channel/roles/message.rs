//! Messages to the user, which several roles may send.

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
