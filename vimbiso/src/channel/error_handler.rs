//! Error handling: an error is logged with its context, counted, and turned into a text for the
//! user.
//!
//! The log has no text of a user or a service, which may contain anything, but their codes. A
//! rejection by the state server is logged in full: it has no document and no secret.

use redis_state_client::{Driver, ErrorKind};

use crate::channel::manager::Channel;
use crate::channel::result::{ErrorContext, ErrorType};

/// Handles all errors in one place.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_vimbiso::channel::{Channel, ErrorContext, ErrorHandler, FlowUpdate, Reads};
///
/// let mut channel = Channel::new(redis_state_client::connect(url).await?, "+263771234567");
/// channel.initialize_channel("whatsapp", "webhook").await?;
///
/// // The account is not reached from the greeting.
/// let skip = FlowUpdate::from("menu").step("account", "AccountDashboard");
/// let error = channel.update_state(&skip).await.unwrap_err();
/// let text = ErrorHandler::default()
///     .handle_error(&mut channel, ErrorContext::of(&error, "update"))
///     .await?;
/// assert_eq!(text, "That is not possible here. Please choose something else.");
/// assert_eq!(channel.get_validation_status("update").await?.failures, 1);
///
/// // In other words.
/// let shona = ErrorHandler::saying(|_| "Edzai zvakare.".into());
/// assert_eq!(
///     shona.handle_error(&mut channel, ErrorContext::of(&error, "update")).await?,
///     "Edzai zvakare."
/// );
/// # Ok(()) });
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ErrorHandler {
    say: fn(&ErrorContext) -> String,
}

impl Default for ErrorHandler {
    /// With English texts.
    fn default() -> Self {
        ErrorHandler::saying(text_for_person)
    }
}

impl ErrorHandler {
    /// With the texts of `say`.
    pub fn saying(say: fn(&ErrorContext) -> String) -> Self {
        ErrorHandler { say }
    }

    /// Logs an error, counts it as a failed attempt unless it is counted already, and returns the
    /// text for the user. It never fails: if counting fails, that is logged too.
    pub fn handle_error<'a, D: Driver, M: Send>(
        &self,
        channel: &'a mut Channel<D, M>,
        context: ErrorContext,
    ) -> D::Answer<'a, String> {
        let text = (self.say)(&context);
        D::answer(async move {
            log(&context);
            if can_be_counted(&context) {
                let details = &context.details;
                let counted =
                    channel.place.failed(&details.action, &details.service, &context.message, None).await;
                if let Err(error) = counted {
                    tracing::warn!(%error, "a failed attempt could not be counted");
                }
            }
            Ok(text)
        })
    }
}

fn log(context: &ErrorContext) {
    let ErrorContext { error_type, message, details, kind, .. } = context;
    // Only the state server's texts are known to have no personal data.
    let message = kind.map(|_| message.as_str());
    tracing::error!(
        error_type = error_type.as_str(),
        code = details.code,
        service = details.service,
        action = details.action,
        message = message,
        "operation failed"
    );
}

/// Not twice, and not without a state or a server to count in.
fn can_be_counted(context: &ErrorContext) -> bool {
    use ErrorKind::*;
    let unheard = matches!(context.kind, Some(NoState | Connection | Unavailable | IdMismatch | WrongType));
    !context.counted && !unheard
}

/// The English text for the user. For a failed validation it is the error's message.
///
/// ```
/// use redis_state_vimbiso::channel::{ValidationResult, text_for_person};
///
/// let failed = ValidationResult::<()>::failure("Please say yes or no.");
/// assert_eq!(failed.error().map(text_for_person).as_deref(), Some("Please say yes or no."));
/// ```
pub fn text_for_person(context: &ErrorContext) -> String {
    use ErrorKind::*;
    let text = match (context.error_type, context.kind) {
        (_, Some(Invalid)) => "That does not fit here. Please check it and send it again.",
        (_, Some(Transition)) => "That is not possible here. Please choose something else.",
        (_, Some(NoState)) => "Your session is over. Please send a message to start again.",
        (_, Some(Conflict)) => "Something has changed meanwhile. Please look again.",
        (_, Some(IdMismatch)) => "This message has been dealt with.",
        (ErrorType::Validation, None) => return context.message.clone(),
        (ErrorType::Api, _) => "The service does not answer as it should. Please try again.",
        _ => "Something went wrong on our side. Please try again.",
    };
    text.to_owned()
}
