//! Shows something: reads the state and sends messages, and changes nothing.

use redis_state_client::Driver;

use super::message;
use crate::channel::outbound::{Messaging, Outbound};
use crate::channel::place::Place;
use crate::channel::reads::{Reads, sealed};
use crate::channel::result::ValidationResult;

/// A component that shows something. It [`Reads`], and can't write or call the API.
///
/// ```
/// # support::example_blocking(|url| {
/// use redis_state_vimbiso::channel::{Channel, Messaging, Reads};
/// use redis_state_client::{Blocking, redis};
///
/// #[derive(Default)]
/// struct Outbox(Vec<String>);
///
/// impl<C: redis::ConnectionLike + Send> Messaging<Blocking<C>> for Outbox {
///     type Message = str;
///
///     fn send(&mut self, channel_id: &str, message: &str) -> Result<(), String> {
///         self.0.push(format!("{channel_id}: {message}"));
///         Ok(())
///     }
/// }
///
/// let states = redis_state_client::connect_blocking(url)?;
/// let mut channel = Channel::new(states, "+263771234567").with_messaging(Outbox::default());
/// channel.initialize_channel("whatsapp", "webhook")?;
///
/// let mut display = channel.display();
/// let text = format!("You are at {}.", display.get_component()?);
/// assert!(display.send_message(&text)?.is_success());
/// assert_eq!(channel.messaging().0, ["+263771234567: You are at Greeting."]);
/// # Ok(()) });
/// ```
pub struct Display<'a, D, M = ()> {
    pub(crate) place: &'a mut Place<D>,
    pub(crate) messaging: &'a mut M,
}

impl<D: Driver, M> Display<'_, D, M> {
    /// Sends a message to the user. A failure is the messaging service's.
    pub fn send_message<'r>(&'r mut self, message: &'r M::Message) -> D::Answer<'r, ValidationResult<()>>
    where
        D: Outbound,
        M: Messaging<D>,
    {
        D::answer(async move { Ok(message::send(self.messaging, &self.place.id, message).await) })
    }
}

impl<D: Driver, M> Reads for Display<'_, D, M> {
    type Driver = D;

    fn place(&mut self) -> &mut Place<D> {
        self.place
    }
}

impl<D, M> sealed::Sealed for Display<'_, D, M> {}
