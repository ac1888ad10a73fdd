//! The traits that a bot implements to send messages and to call the API. The roles that may use
//! them get them from the manager.
//!
//! A bot over async connections awaits its calls, one over blocking connections makes them:
//! [`Outbound`] defines the return type for each driver, a future or the value. Not `async fn` for
//! both: under a blocking driver a suspended future would never be woken, and the compiler would
//! not notice.

use redis_state_client::Driver;

use crate::channel::document::Token;

/// A boxed future, for implementing [`ApiClient`] and [`Messaging`] over an async driver.
#[cfg(feature = "tokio")]
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The return type of a bot's calls with this driver: over [`Async`](redis_state_client::Async) a
/// `BoxFuture`, over [`Blocking`](redis_state_client::Blocking) the value.
///
/// For an example see [`ApiClient`](crate::channel::ApiClient).
pub trait Outbound: Driver {
    /// A future of the value, or the value.
    type Reply<'a, T: Send + 'a>: Send + 'a;

    /// Waits for the value.
    #[doc(hidden)]
    fn settle<'a, T: Send + 'a>(reply: Self::Reply<'a, T>) -> impl Future<Output = T> + Send + 'a;
}

#[cfg(feature = "tokio")]
impl<C: redis_state_client::redis::aio::ConnectionLike + Send> Outbound for redis_state_client::Async<C> {
    type Reply<'a, T: Send + 'a> = BoxFuture<'a, T>;

    fn settle<'a, T: Send + 'a>(reply: BoxFuture<'a, T>) -> impl Future<Output = T> + Send + 'a {
        reply
    }
}

#[cfg(feature = "sync")]
impl<C: redis_state_client::redis::ConnectionLike + Send> Outbound for redis_state_client::Blocking<C> {
    type Reply<'a, T: Send + 'a> = T;

    fn settle<'a, T: Send + 'a>(reply: T) -> impl Future<Output = T> + Send + 'a {
        std::future::ready(reply)
    }
}

/// Sends a bot's messages to a channel.
///
/// ```
/// use redis_state_vimbiso::channel::Messaging;
/// use redis_state_client::{Blocking, redis};
///
/// /// Keeps what it should send.
/// struct Outbox(Vec<String>);
///
/// impl<C: redis_state_client::redis::ConnectionLike + Send> Messaging<Blocking<C>> for Outbox {
///     type Message = str;
///
///     fn send(&mut self, channel_id: &str, message: &str) -> Result<(), String> {
///         self.0.push(format!("{channel_id}: {message}"));
///         Ok(())
///     }
/// }
/// ```
///
/// Over an async connection:
///
/// ```
/// # struct Outbox(Vec<String>);
/// use redis_state_client::{Async, redis};
/// use redis_state_vimbiso::channel::{BoxFuture, Messaging};
///
/// impl<C: redis_state_client::redis::aio::ConnectionLike + Send> Messaging<Async<C>> for Outbox {
///     type Message = str;
///
///     fn send<'a>(
///         &'a mut self,
///         channel_id: &'a str,
///         message: &'a str,
///     ) -> BoxFuture<'a, Result<(), String>> {
///         Box::pin(async move {
///             self.0.push(format!("{channel_id}: {message}"));
///             Ok(())
///         })
///     }
/// }
/// ```
pub trait Messaging<D: Outbound>: Send {
    /// A message.
    type Message: Sync + ?Sized;

    /// Sends a message to the user of this channel; an error is its text, without secrets.
    fn send<'a>(
        &'a mut self,
        channel_id: &'a str,
        message: &'a Self::Message,
    ) -> D::Reply<'a, Result<(), String>>;
}

/// Calls the API. [`Api`](crate::channel::Api) has an example.
pub trait ApiClient<D: Outbound>: Send {
    /// A request.
    type Request: Sync + ?Sized;

    /// A reply.
    type Response: ApiResponse;

    /// Gets a new token for this channel.
    fn renew_token<'a>(&'a mut self, channel_id: &'a str) -> D::Reply<'a, Result<Token, ApiFailure>>;

    /// Makes a call. The token is present for each request that [needs
    /// one](ApiClient::needs_token).
    fn call<'a>(
        &'a mut self,
        request: &'a Self::Request,
        token: Option<&'a Token>,
    ) -> D::Reply<'a, Result<Self::Response, ApiFailure>>;

    /// Whether a request needs a token; a login does not, for example.
    fn needs_token(&self, _request: &Self::Request) -> bool {
        true
    }
}

/// The handlers of a reply: its parts for the state's dashboard and action. Both are written
/// together, so a reader never sees the balance of one call with the result of another.
///
/// ```
/// use redis_state_vimbiso::channel::{ApiResponse, Token};
/// use serde_json::{Value, json};
///
/// struct LoggedIn { member_id: String, token: String }
///
/// impl ApiResponse for LoggedIn {
///     fn dashboard(&self) -> Value {
///         json!({"member": {"memberID": self.member_id}})
///     }
///
///     fn action(&self) -> Value {
///         json!({"type": "login"})
///     }
///
///     fn token(&self) -> Option<Token> {
///         Some(Token::new(&self.token))
///     }
/// }
/// ```
pub trait ApiResponse: Send {
    /// The member and their accounts: an object, which replaces the dashboard.
    fn dashboard(&self) -> serde_json::Value;

    /// The API's action: an object, which replaces the last one.
    fn action(&self) -> serde_json::Value;

    /// A token in the reply.
    fn token(&self) -> Option<Token> {
        None
    }
}

/// Why a call of the API failed. The texts are audited, so they must contain no secret.
///
/// For an example see [`ApiClient`](crate::channel::ApiClient).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiFailure {
    /// The token has expired or is not accepted: it is renewed, and the call retried once.
    TokenRefused,
    /// Any other failure.
    Failed(String),
}
