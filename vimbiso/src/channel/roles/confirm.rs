//! Asks the user for a confirmation and writes the result. The decision applies to exactly the
//! version that is written, so a confirmation never applies to changed data.

use redis_state_client::{Driver, Error, ErrorKind};

use super::message;
use super::turn::Turn;
use crate::channel::outbound::{Messaging, Outbound};
use crate::channel::place::{Context, Place};
use crate::channel::prepare;
use crate::channel::reads::{Reads, sealed};
use crate::channel::result::ValidationResult;

/// A component that asks for a confirmation. It [`Reads`], writes only its result, and can't call
/// the API.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_vimbiso::channel::{Channel, Context, Reads, Step, ValidationResult};
///
/// let mut channel = Channel::new(redis_state_client::connect(url).await?, "+263771234567");
/// channel.initialize_channel("whatsapp", "webhook").await?;
///
/// let reply = "yes";
/// let mut confirm = channel.confirm(Step::new("login", "Greeting"));
/// let decided = confirm
///     .decide(|context: &Context| match (reply, context.current.data.as_ref()) {
///         ("yes", Some(_)) => ValidationResult::success("confirmed".to_owned()),
///         ("no", _) => ValidationResult::success("declined".to_owned()),
///         _ => ValidationResult::failure("Please say yes or no."),
///     })
///     .await?;
/// assert_eq!(decided.value().map(String::as_str), Some("confirmed"));
/// assert_eq!(channel.get_component_result().await?.as_deref(), Some("confirmed"));
/// assert_eq!(channel.get_validation_status("confirm").await?.attempts, 1);
/// # Ok(()) });
/// ```
pub struct Confirm<'a, D, M = ()> {
    turn: Turn<'a, D>,
    messaging: &'a mut M,
}

impl<'a, D: Driver, M: Send> Confirm<'a, D, M> {
    pub(crate) fn new(turn: Turn<'a, D>, messaging: &'a mut M) -> Self {
        Confirm { turn, messaging }
    }

    /// Makes a redelivery of the user's message safe.
    pub fn id(mut self, token: impl Into<String>) -> Self {
        self.turn.set_id(token.into());
        self
    }

    /// Reads the context, lets `decide` interpret the user's reply, and writes that as
    /// `component_result` of exactly this version; it retries on a conflict. Success and failure
    /// count as an attempt at `confirm`.
    ///
    /// Errors: a [conflict](redis_state_client::Error::is_conflict) when it is not this component's
    /// turn.
    pub fn decide<'r, F>(&'r mut self, mut decide: F) -> D::Answer<'r, ValidationResult<String>>
    where
        F: FnMut(&Context) -> ValidationResult<String> + Send + 'r,
    {
        D::answer(async move {
            let mut decided = None;
            let written = self.turn.write(|context| {
                match decided.insert(decide(context)) {
                    ValidationResult::Success(result) => prepare::component_result(result),
                    // Nothing is written; the reason is kept aside.
                    ValidationResult::Failure(_) => Err(Error::new(ErrorKind::Usage, "not confirmed")),
                }
            });
            match (written.await, decided) {
                (_, Some(ValidationResult::Failure(context))) => {
                    Ok(ValidationResult::Failure(self.turn.failed(context).await?))
                }
                (Ok(Ok(())), Some(success)) => Ok(success),
                (Ok(Err(context)), _) => Ok(ValidationResult::Failure(context)),
                (Err(error), _) => Err(error),
                (Ok(Ok(())), None) => {
                    Err(Error::new(ErrorKind::Unexpected, "a result was written without a decision"))
                }
            }
        })
    }

    /// Sends a message to the user. A failure is the messaging service's.
    pub fn send_message<'r>(&'r mut self, message: &'r M::Message) -> D::Answer<'r, ValidationResult<()>>
    where
        D: Outbound,
        M: Messaging<D>,
    {
        D::answer(async move { Ok(message::send(self.messaging, &self.turn.place.id, message).await) })
    }
}

impl<D: Driver, M> Reads for Confirm<'_, D, M> {
    type Driver = D;

    fn place(&mut self) -> &mut Place<D> {
        self.turn.place
    }
}

impl<D, M> sealed::Sealed for Confirm<'_, D, M> {}
