//! What a bot brings along: a way to send messages, and a way to call the API. The crate defines
//! the traits and passes what it is given to the roles that may use it.
//!
//! A bot over async connections awaits its own calls, one over blocking connections makes them:
//! [`Outbound`] says for each driver what such a call hands back, a future or the value. Plain
//! `async fn` for both was rejected: under a blocking driver a future that really waits would never
//! be woken, and the compiler would not notice.

use redis_state_client::Driver;

use crate::channel::document::Token;

/// A future in a box, for implementing [`ApiClient`] and [`Messaging`] over an async driver.
#[cfg(feature = "tokio")]
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a bot's own calls hand back beside this driver: over [`Async`](redis_state_client::Async) a
/// `BoxFuture`, over [`Blocking`](redis_state_client::Blocking) the value.
///
/// For an example see [`ApiClient`](crate::channel::ApiClient).
pub trait Outbound: Driver {
    /// A future of the value, or the value.
    type Reply<'a, T: Send + 'a>: Send + 'a;

    /// Waits for the value, if it is not there yet.
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

/// How a bot sends messages to a channel.
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
/// use redis_state_vimbiso::channel::{BoxFuture, Messaging};
/// use redis_state_client::{Async, redis};
///
/// impl<C: redis_state_client::redis::aio::ConnectionLike + Send> Messaging<Async<C>> for Outbox {
///     type Message = str;
///
///     fn send<'a>(&'a mut self, channel_id: &'a str, message: &'a str) -> BoxFuture<'a, Result<(), String>> {
///         Box::pin(async move {
///             self.0.push(format!("{channel_id}: {message}"));
///             Ok(())
///         })
///     }
/// }
/// ```
pub trait Messaging<D: Outbound>: Send {
    /// What is sent.
    type Message: Sync + ?Sized;

    /// Sends it to the user on this channel; an error is its text, without anything secret.
    fn send<'a>(
        &'a mut self,
        channel_id: &'a str,
        message: &'a Self::Message,
    ) -> D::Reply<'a, Result<(), String>>;
}

/// How a bot calls the API. [`Api`](crate::channel::Api) has an example.
pub trait ApiClient<D: Outbound>: Send {
    /// What is asked for.
    type Request: Sync + ?Sized;

    /// What comes back.
    type Response: ApiResponse;

    /// Gets a new token for this channel.
    fn renew_token<'a>(&'a mut self, channel_id: &'a str) -> D::Reply<'a, Result<Token, ApiFailure>>;

    /// Makes a call. The token is there for each request that [needs one](ApiClient::needs_token).
    fn call<'a>(
        &'a mut self,
        request: &'a Self::Request,
        token: Option<&'a Token>,
    ) -> D::Reply<'a, Result<Self::Response, ApiFailure>>;

    /// Whether a request needs a token: not a login, for one, that brings the token.
    fn needs_token(&self, _request: &Self::Request) -> bool {
        true
    }
}

/// The handlers of an answer: what of it becomes the state's dashboard and action. Both, since they
/// are written together: a reader never sees the balance of one call beside the result of another.
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
    /// The member and their accounts, as they are now: an object, which replaces the one before.
    fn dashboard(&self) -> serde_json::Value;

    /// What the API did: an object, which replaces the one before.
    fn action(&self) -> serde_json::Value;

    /// A token that came with it.
    fn token(&self) -> Option<Token> {
        None
    }
}

/// Why a call of the API came to nothing. The texts go on record: nothing secret in them.
///
/// For an example see [`ApiClient`](crate::channel::ApiClient).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiFailure {
    /// The token has expired or is not accepted: it is renewed, and the call is made once more.
    TokenRefused,
    /// Anything else.
    Failed(String),
}
