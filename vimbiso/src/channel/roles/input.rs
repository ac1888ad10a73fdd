//! Receives input: writes it if it is valid, counts the attempt if not, and reads nothing.

use redis_state_client::Driver;
use serde::Serialize;

use super::message;
use super::turn::Turn;
use crate::channel::outbound::{Messaging, Outbound};
use crate::channel::prepare;
use crate::channel::result::ValidationResult;

/// A component that receives input. It writes its own data, in its own turn, and can't read the
/// state or call the API.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_vimbiso::channel::{Channel, FlowUpdate, Reads, Step, ValidationResult};
/// use serde_json::{Value, json};
///
/// fn name(text: &str) -> ValidationResult<Value> {
///     match text.trim() {
///         "" => ValidationResult::failure("Please send your name."),
///         name => ValidationResult::success(json!({"name": name})),
///     }
/// }
///
/// let mut channel = Channel::new(redis_state_client::connect(url).await?, "+263771234567");
/// channel.initialize_channel("whatsapp", "webhook").await?;
///
/// // Greeting asks for a name; the first answer is none.
/// let greeting = Step::new("login", "Greeting");
/// let rejected = channel.input(greeting.clone()).submit(name(" ")).await?;
/// let reason = rejected.error().map(|error| error.message.as_str());
/// assert_eq!(reason, Some("Please send your name."));
/// let taken = channel.input(greeting.clone()).submit(name("Tariro")).await?;
/// assert!(taken.is_success());
/// assert_eq!(channel.get_validation_status("Greeting").await?.attempts, 2);
///
/// // A message that comes when its component's turn is over changes nothing.
/// channel.update_state(&FlowUpdate::from("greeting").step("login", "LoginApiCall")).await?;
/// let late = channel.input(greeting).submit(name("Rudo")).await;
/// assert!(late.unwrap_err().is_conflict());
/// assert_eq!(channel.get_component_data::<Value>().await?, Some(json!({"name": "Tariro"})));
/// # Ok(()) });
/// ```
pub struct Input<'a, D, M = ()> {
    turn: Turn<'a, D>,
    messaging: &'a mut M,
}

impl<'a, D: Driver, M: Send> Input<'a, D, M> {
    pub(crate) fn new(turn: Turn<'a, D>, messaging: &'a mut M) -> Self {
        Input { turn, messaging }
    }

    /// The name under which its attempts are counted; the component's name by default.
    pub fn operation(mut self, name: impl Into<String>) -> Self {
        self.turn.set_operation(name.into());
        self
    }

    /// Makes a redelivery of the user's message safe.
    pub fn id(mut self, token: impl Into<String>) -> Self {
        self.turn.set_id(token.into());
        self
    }

    /// Merges valid input into the data of the flow; counts the attempt in any case. A rejection by
    /// the schema is a failure too.
    ///
    /// Errors: a [conflict](redis_state_client::Error::is_conflict) when it is not this component's
    /// turn; [`Usage`](redis_state_client::ErrorKind::Usage) for a value that is not an object.
    pub fn submit<'r, T>(&'r mut self, input: ValidationResult<T>) -> D::Answer<'r, ValidationResult<T>>
    where
        T: Serialize + Send + 'r,
    {
        D::answer(async move {
            let value = match input {
                ValidationResult::Success(value) => value,
                ValidationResult::Failure(context) => {
                    return Ok(ValidationResult::Failure(self.turn.failed(context).await?));
                }
            };
            let change = prepare::component_data(&value)?;
            Ok(match self.turn.write(|_| Ok(change.clone())).await? {
                Ok(()) => ValidationResult::Success(value),
                Err(context) => ValidationResult::Failure(context),
            })
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
