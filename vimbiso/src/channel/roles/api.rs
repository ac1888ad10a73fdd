//! Calls the API and stores its reply by the handlers. It can't send messages.
//!
//! A token that has lapsed, or that the API rejects, is renewed, and the call retried once: an API
//! that rejects a fresh token will reject the next one too.

use redis_state_client::{Driver, Result};
use serde::de::IgnoredAny;

use super::turn::{Turn, ensure_turn};
use crate::channel::document::Token;
use crate::channel::outbound::{ApiClient, ApiFailure, ApiResponse, Outbound};
use crate::channel::place::Place;
use crate::channel::prepare;
use crate::channel::reads::{Reads, sealed};
use crate::channel::result::{ErrorContext, ErrorType, ValidationResult};

/// A component that calls the API. It [`Reads`], makes the call, and writes dashboard and action in
/// one commit, by STATE.SETPROTECTED.
///
/// ```
/// # support::example_blocking(|url| {
/// use redis_state_client::{Blocking, redis};
/// use redis_state_vimbiso::channel::{
///     ApiClient, ApiFailure, ApiResponse, Channel, FlowUpdate, Reads, Step, Token,
/// };
/// use serde_json::{Value, json};
///
/// /// An API that knows one member.
/// struct Bank;
/// struct Balance(f64);
///
/// impl ApiResponse for Balance {
///     fn dashboard(&self) -> Value {
///         json!({"member": {"memberID": "7d1f"}, "balance": self.0})
///     }
///     fn action(&self) -> Value {
///         json!({"type": "balance"})
///     }
/// }
///
/// impl<C: redis::ConnectionLike + Send> ApiClient<Blocking<C>> for Bank {
///     type Request = &'static str;
///     type Response = Balance;
///
///     fn renew_token(&mut self, _channel_id: &str) -> Result<Token, ApiFailure> {
///         Ok(Token::new("eyJhbGciOi"))
///     }
///     fn call(&mut self, request: &&str, token: Option<&Token>) -> Result<Balance, ApiFailure> {
///         match (*request, token) {
///             (_, None) => Err(ApiFailure::TokenRefused),
///             ("/balance", Some(_)) => Ok(Balance(12.5)),
///             _ => Err(ApiFailure::Failed("no such page".into())),
///         }
///     }
/// }
///
/// let mut channel = Channel::new(redis_state_client::connect_blocking(url)?, "+263771234567");
/// channel.initialize_channel("whatsapp", "webhook")?;
/// channel.update_state(&FlowUpdate::from("greeting").step("login", "LoginApiCall"))?;
///
/// let mut bank = Bank;
/// let answer =
///     channel.api(Step::new("login", "LoginApiCall"), &mut bank).make_api_request(&"/balance")?;
/// assert!(answer.is_success());
/// assert_eq!(channel.get_member_id()?.as_deref(), Some("7d1f"));
/// assert_eq!(channel.get_action_data::<Value>()?, Some(json!({"type": "balance"})));
/// # Ok(()) });
/// ```
pub struct Api<'a, D, A> {
    turn: Turn<'a, D>,
    client: &'a mut A,
}

impl<'a, D: Driver, A: Send> Api<'a, D, A> {
    pub(crate) fn new(turn: Turn<'a, D>, client: &'a mut A) -> Self {
        Api { turn, client }
    }

    /// The name under which its attempts are counted; the component's name by default.
    pub fn operation(mut self, name: impl Into<String>) -> Self {
        self.turn.set_operation(name.into());
        self
    }

    /// Calls the API with the state's token, and stores the reply by its handlers. A failure of the
    /// API is counted as an attempt, and changes nothing.
    ///
    /// Errors: a [conflict](redis_state_client::Error::is_conflict) when it is not this component's
    /// turn: the API is not called then. After the call, the reply is stored whatever the user does
    /// meanwhile, since it is true.
    pub fn make_api_request<'r>(
        &'r mut self,
        request: &'r A::Request,
    ) -> D::Answer<'r, ValidationResult<A::Response>>
    where
        D: Outbound,
        A: ApiClient<D>,
    {
        D::answer(async move {
            match self.answer_of(request).await? {
                Ok(response) => self.store(response).await,
                Err(failure) => {
                    let context = failed_call(&failure);
                    Ok(ValidationResult::Failure(self.turn.failed(context).await?))
                }
            }
        })
    }

    /// Stores a reply by its handlers: the bot made the call itself.
    pub fn handle_api_response<'r, R: ApiResponse + 'r>(
        &'r mut self,
        response: R,
    ) -> D::Answer<'r, ValidationResult<R>> {
        D::answer(self.store(response))
    }

    async fn store<R: ApiResponse>(&mut self, response: R) -> Result<ValidationResult<R>> {
        let change = prepare::answer(&response)?;
        let edit = self.turn.edit_protected();
        let written = D::resolve(edit.with(|_: &IgnoredAny| Ok(change.clone()))).await.map(drop);
        Ok(match self.turn.settled(written)? {
            Ok(()) => ValidationResult::Success(response),
            Err(context) => ValidationResult::Failure(context),
        })
    }

    async fn answer_of(&mut self, request: &A::Request) -> Result<Result<A::Response, ApiFailure>>
    where
        D: Outbound,
        A: ApiClient<D>,
    {
        let (held, step) = self.turn.place.token_and_step().await?;
        ensure_turn(&self.turn.step, &step)?;
        if !self.client.needs_token(request) {
            return Ok(D::settle(self.client.call(request, held.as_ref())).await);
        }
        if let Some(token) = held {
            match D::settle(self.client.call(request, Some(&token))).await {
                Err(ApiFailure::TokenRefused) => {}
                answer => return Ok(answer),
            }
        }
        match self.renewed().await? {
            Ok(token) => Ok(D::settle(self.client.call(request, Some(&token))).await),
            Err(failure) => Ok(Err(failure)),
        }
    }

    async fn renewed(&mut self) -> Result<Result<Token, ApiFailure>>
    where
        D: Outbound,
        A: ApiClient<D>,
    {
        let renewed = D::settle(self.client.renew_token(&self.turn.place.id)).await;
        if let Ok(token) = &renewed {
            self.turn.place.set_token(token, &self.turn.step.component).await?;
        }
        Ok(renewed)
    }
}

fn failed_call(failure: &ApiFailure) -> ErrorContext {
    let (code, message) = match failure {
        ApiFailure::TokenRefused => ("API_TOKEN_REFUSED", "the API does not accept the token"),
        ApiFailure::Failed(message) => ("API_CALL_ERROR", message.as_str()),
    };
    ErrorContext::new(ErrorType::Api, message, code, "api", "call")
}

impl<D: Driver, A> Reads for Api<'_, D, A> {
    type Driver = D;

    fn place(&mut self) -> &mut Place<D> {
        self.turn.place
    }
}

impl<D, A> sealed::Sealed for Api<'_, D, A> {}
