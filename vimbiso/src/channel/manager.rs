//! The manager of a channel: its connection, its operations, and the roles of its components.

use redis_state_client::{Driver, Etag, State, States};

use crate::channel::document::{ChannelState, Step, Token};
use crate::channel::outbound::{Messaging, Outbound};
use crate::channel::place::Place;
use crate::channel::prepare::FlowUpdate;
use crate::channel::reads::{Reads, sealed};
use crate::channel::result::ValidationResult;
use crate::channel::roles::turn::Turn;
use crate::channel::roles::{Api, Confirm, Display, Input, message};
use crate::channel::writes::Initialized;

/// The state manager of one channel: the only way to its state, for headquarters and components.
///
/// It has a connection, the channel's ID and the messaging service, and no document. It [`Reads`].
///
/// ```
/// # support::example(async |url| {
/// use redis_state_vimbiso::channel::{Channel, FlowUpdate, Reads};
///
/// let states = redis_state_client::connect(url).await?;
/// let mut channel = Channel::new(states, "+263771234567");
/// assert!(channel.initialize_channel("whatsapp", "webhook").await?.created);
///
/// channel
///     .update_state(&FlowUpdate::from("greeting").component("LoginApiCall").awaiting_input(false))
///     .await?;
/// let state = channel.get_state().await?;
/// assert_eq!(
///     (state.etag.version, state.document.current.component.as_str()),
///     (2, "LoginApiCall")
/// );
/// assert_eq!(state.document.channel.identifier, "+263771234567");
///
/// channel.reset_state("menu").await?;
/// assert_eq!(channel.get_component().await?, "Greeting");
/// # Ok(()) });
/// ```
#[derive(Clone)]
pub struct Channel<D, M = ()> {
    pub(crate) place: Place<D>,
    messaging: M,
}

impl<D: Driver> Channel<D> {
    /// The channel with this ID, such as `+263771234567`; its state is at `channel:{id}`.
    pub fn new(states: States<D>, id: impl Into<String>) -> Channel<D> {
        let id = id.into();
        Channel { place: Place { states, key: crate::keys::channel(&id), id }, messaging: () }
    }
}

impl<D: Driver, M: Send> Channel<D, M> {
    /// The same channel, with this messaging service for its components.
    pub fn with_messaging<N>(self, messaging: N) -> Channel<D, N> {
        Channel { place: self.place, messaging }
    }

    /// The messaging service.
    pub fn messaging(&mut self) -> &mut M {
        &mut self.messaging
    }

    /// The key of the state.
    pub fn key(&self) -> &str {
        &self.place.key
    }

    /// The connection, for requests without a method here.
    pub fn states(&mut self) -> &mut States<D> {
        &mut self.place.states
    }

    /// Creates the state at the first step of the flow if it is missing. An existing channel's type
    /// and identifier never change. A creation is audited with this actor.
    pub fn initialize_channel<'a>(
        &'a mut self,
        channel_type: &'a str,
        actor: &'a str,
    ) -> D::Answer<'a, Initialized> {
        D::answer(async move { self.place.initialize(channel_type, actor).await })
    }

    /// Moves the flow on: see [`FlowUpdate`]. Retries on a conflict.
    ///
    /// Errors: [`NoState`](redis_state_client::ErrorKind::NoState); a rejection by the schema, as
    /// [`Invalid`](redis_state_client::ErrorKind::Invalid) or
    /// [`Transition`](redis_state_client::ErrorKind::Transition);
    /// [`Protected`](redis_state_client::ErrorKind::Protected) for members that only the API
    /// handler writes. The state is unchanged then.
    pub fn update_state<'a>(&'a mut self, update: &'a FlowUpdate) -> D::Answer<'a, Etag> {
        D::answer(async move { self.place.update(update).await })
    }

    /// Takes the state back to the first step of the flow. The members of the channel and the API
    /// stay (channel, dashboard, action, auth), and so do attempts and snapshots.
    pub fn reset_state<'a>(&'a mut self, actor: &'a str) -> D::Answer<'a, Etag> {
        D::answer(async move { self.place.reset("reset_state", actor).await })
    }

    /// As [`reset_state`](Channel::reset_state), audited as `clear_flow`: the flow is finished, not
    /// lost.
    pub fn clear_flow<'a>(&'a mut self, actor: &'a str) -> D::Answer<'a, Etag> {
        D::answer(async move { self.place.reset("clear_flow", actor).await })
    }

    /// Stores a new token by STATE.SETPROTECTED, for as long as the schema says.
    pub fn set_jwt_token<'a>(&'a mut self, token: &'a Token, actor: &'a str) -> D::Answer<'a, Etag> {
        D::answer(async move { self.place.set_token(token, actor).await })
    }

    /// The whole state: the document, and the server's attempts and times. Several round trips; an
    /// accessor needs one.
    ///
    /// A caller with permission to run STATE.SETPROTECTED gets the token, others `***`.
    pub fn get_state(&mut self) -> D::Answer<'_, State<ChannelState>> {
        D::answer(async move { self.place.all().await })
    }

    /// The role of a component that shows something.
    pub fn display(&mut self) -> Display<'_, D, M> {
        Display { place: &mut self.place, messaging: &mut self.messaging }
    }

    /// The role of a component that receives input, at its step.
    pub fn input(&mut self, step: Step) -> Input<'_, D, M> {
        let operation = step.component.clone();
        Input::new(Turn::new(&mut self.place, step, operation), &mut self.messaging)
    }

    /// The role of a component that calls the API, at its step.
    pub fn api<'a, A: Send>(&'a mut self, step: Step, client: &'a mut A) -> Api<'a, D, A> {
        let operation = step.component.clone();
        Api::new(Turn::new(&mut self.place, step, operation), client)
    }

    /// The role of a component that asks for a confirmation, at its step.
    pub fn confirm(&mut self, step: Step) -> Confirm<'_, D, M> {
        Confirm::new(Turn::new(&mut self.place, step, "confirm"), &mut self.messaging)
    }

    /// Sends a message to the user. A failure is the messaging service's.
    pub fn send_message<'r>(&'r mut self, message: &'r M::Message) -> D::Answer<'r, ValidationResult<()>>
    where
        D: Outbound,
        M: Messaging<D>,
    {
        D::answer(async move { Ok(message::send(&mut self.messaging, &self.place.id, message).await) })
    }
}

impl<D: Driver, M> Reads for Channel<D, M> {
    type Driver = D;

    fn place(&mut self) -> &mut Place<D> {
        &mut self.place
    }
}

impl<D, M> sealed::Sealed for Channel<D, M> {}

/// Shows no ID: it is a telephone number.
impl<D, M> std::fmt::Debug for Channel<D, M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channel").finish_non_exhaustive()
    }
}
