//! Results of operations, and the context of failures.
//!
//! A failure is not an [`Error`]: the user typed "abc" instead of an amount, or the bank said no. A
//! role returns it after counting it as an attempt. An `Error` means that the result is unknown.

use redis_state_client::{Error, ErrorKind};
use serde::Serialize;

/// The result of an operation.
///
/// ```
/// use redis_state_vimbiso::channel::ValidationResult;
///
/// fn amount(text: &str) -> ValidationResult<u32> {
///     match text.parse() {
///         Ok(amount) if amount > 0 => ValidationResult::success(amount),
///         _ => ValidationResult::failure("Please send a whole number above zero."),
///     }
/// }
///
/// assert_eq!(amount("25").value(), Some(&25));
/// let rejected = amount("many");
/// assert!(!rejected.is_success());
/// assert_eq!(
///     rejected.error().map(|error| error.message.as_str()),
///     Some("Please send a whole number above zero.")
/// );
/// assert!(amount("-3").into_result().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValidationResult<T> {
    /// Success.
    Success(T),
    /// Failure.
    Failure(ErrorContext),
}

impl<T> ValidationResult<T> {
    /// Success, with this result.
    pub fn success(value: T) -> Self {
        ValidationResult::Success(value)
    }

    /// The user's input is invalid; the text is for the user.
    pub fn failure(message: impl Into<String>) -> Self {
        ValidationResult::Failure(ErrorContext::new(
            ErrorType::Validation,
            message,
            "VALIDATION_ERROR",
            "component",
            "validate",
        ))
    }

    /// Whether it succeeded.
    pub fn is_success(&self) -> bool {
        matches!(self, ValidationResult::Success(_))
    }

    /// The result.
    pub fn value(&self) -> Option<&T> {
        match self {
            ValidationResult::Success(value) => Some(value),
            ValidationResult::Failure(_) => None,
        }
    }

    /// Why it failed.
    pub fn error(&self) -> Option<&ErrorContext> {
        match self {
            ValidationResult::Success(_) => None,
            ValidationResult::Failure(context) => Some(context),
        }
    }

    /// As a `Result`, for `?`.
    pub fn into_result(self) -> Result<T, ErrorContext> {
        match self {
            ValidationResult::Success(value) => Ok(value),
            ValidationResult::Failure(context) => Err(context),
        }
    }
}

/// The origin of an error.
///
/// For an example see [`ErrorContext`](crate::channel::ErrorContext).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ErrorType {
    /// The input, or the step that it leads to, is not allowed.
    Validation,
    /// The API rejected the call or did not reply.
    Api,
    /// A message could not be sent.
    Messaging,
    /// The state could not be read or written.
    System,
}

impl ErrorType {
    /// The word, as in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorType::Validation => "validation",
            ErrorType::Api => "api",
            ErrorType::Messaging => "messaging",
            ErrorType::System => "system",
        }
    }
}

/// An error with its context.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_vimbiso::channel::{Channel, ErrorContext, ErrorType, Reads};
///
/// let mut channel = Channel::new(redis_state_client::connect(url).await?, "+263771234567");
/// let error = channel.get_path().await.expect_err("it is not initialized");
/// let context = ErrorContext::of(&error, "get");
/// assert_eq!(context.error_type, ErrorType::System);
/// assert_eq!(
///     (context.details.code.as_str(), context.details.service.as_str()),
///     ("STATE_GET_ERROR", "state_manager")
/// );
/// # Ok(()) });
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ErrorContext {
    /// The origin.
    pub error_type: ErrorType,
    /// The error. For a failed validation it is the text for the user.
    pub message: String,
    /// Where it happened.
    pub details: ErrorDetails,
    /// The kind of the [`Error`] that it was made from.
    #[serde(skip)]
    pub kind: Option<ErrorKind>,
    /// Whether the server has counted it as a failed attempt.
    #[serde(skip)]
    pub(crate) counted: bool,
}

/// Where an error happened.
///
/// For an example see [`ErrorContext`](crate::channel::ErrorContext).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ErrorDetails {
    /// For a program, such as `STATE_GET_ERROR`.
    pub code: String,
    /// The part of the program: `state_manager`, or a component.
    pub service: String,
    /// The action, such as `get`.
    pub action: String,
}

impl ErrorContext {
    /// The context of an error of the client during `action`: the code is `STATE_…_ERROR` with the
    /// action in it.
    pub fn of(error: &Error, action: &str) -> ErrorContext {
        let error_type =
            if is_by_the_rules(error.kind()) { ErrorType::Validation } else { ErrorType::System };
        let code = format!("STATE_{}_ERROR", action.to_uppercase());
        let context = ErrorContext::new(error_type, error.to_string(), code, "state_manager", action);
        ErrorContext { kind: Some(error.kind()), ..context }
    }

    /// The context of another error. The message is audited, so it must contain no secret.
    pub fn new(
        error_type: ErrorType,
        message: impl Into<String>,
        code: impl Into<String>,
        service: impl Into<String>,
        action: impl Into<String>,
    ) -> ErrorContext {
        let details = ErrorDetails { code: code.into(), service: service.into(), action: action.into() };
        ErrorContext { error_type, message: message.into(), details, kind: None, counted: false }
    }

    /// The same, counted for this component.
    pub(crate) fn counted_for(mut self, component: &str) -> ErrorContext {
        self.counted = true;
        self.details.service = component.to_owned();
        self
    }
}

/// Whether this is a rejection by a rule: it is then audited, and counted if the command named an
/// operation.
pub(crate) fn is_by_the_rules(kind: ErrorKind) -> bool {
    use ErrorKind::*;
    matches!(kind, Invalid | Transition | Protected | Immutable | BadPatch | TooBig | TooDeep | TooCostly)
}
