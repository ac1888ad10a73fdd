//! The interface: what components see of a state. It says nothing about how a state is reached;
//! that is `place.rs`.
//!
//! A trait, and not the same methods on each role, because this is the one list of what may be
//! read. The token is not in it.

use redis_state_client::{Driver, Try};
use serde::de::DeserializeOwned;

use crate::channel::document::{Current, Validation, ValidationStatus};
use crate::channel::place::Place;

/// What a read hands back: over an async connection a future of the result, over a blocking one the
/// result.
pub type Answer<'a, R, T> = <<R as Reads>::Driver as Driver>::Answer<'a, T>;

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// The accessors of a channel's state. Each is a small read of the members it names; nothing is
/// kept between two of them.
///
/// Errors of all: [`NoState`](redis_state_client::ErrorKind::NoState) before the channel is
/// initialized, or when its session is over.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_vimbiso::channel::{Channel, Reads};
/// use serde_json::{Value, json};
///
/// let mut channel = Channel::new(redis_state_client::connect(url).await?, "+263771234567");
/// channel.initialize_channel("whatsapp", "webhook").await?;
///
/// assert_eq!(channel.get_channel_id().await?, "+263771234567");
/// assert_eq!(channel.get_channel_type().await?, "whatsapp");
/// assert_eq!((channel.get_path().await?, channel.get_component().await?), ("login".into(), "Greeting".into()));
/// assert_eq!(channel.get_component_result().await?, None);
/// assert_eq!(channel.get_component_data::<Value>().await?, Some(json!({})));
/// assert!(!channel.is_awaiting_input().await?);
/// assert_eq!(channel.get_member_id().await?, None);
/// assert_eq!(channel.get_dashboard_data::<Value>().await?, None);
/// # Ok(()) });
/// ```
pub trait Reads: sealed::Sealed {
    /// Drives the connection.
    type Driver: Driver;

    #[doc(hidden)]
    fn place(&mut self) -> &mut Place<Self::Driver>;

    /// The user at the other end, as in `+263771234567`.
    fn get_channel_id(&mut self) -> Answer<'_, Self, String> {
        let place = self.place();
        Self::Driver::answer(async move { place.required("/channel/identifier").await })
    }

    /// What kind of channel it is, as in `whatsapp`.
    fn get_channel_type(&mut self) -> Answer<'_, Self, String> {
        let place = self.place();
        Self::Driver::answer(async move { place.required("/channel/type").await })
    }

    /// Which member it is, when the API has said so.
    fn get_member_id(&mut self) -> Answer<'_, Self, Option<String>> {
        let place = self.place();
        Self::Driver::answer(async move { place.member("/dashboard/member/memberID").await })
    }

    /// The member and their accounts, as the caller's type.
    fn get_dashboard_data<'a, T: DeserializeOwned + Send + 'a>(&'a mut self) -> Answer<'a, Self, Option<T>> {
        let place = self.place();
        Self::Driver::answer(async move { place.member("/dashboard").await })
    }

    /// What the API did last, as the caller's type.
    fn get_action_data<'a, T: DeserializeOwned + Send + 'a>(&'a mut self) -> Answer<'a, Self, Option<T>> {
        let place = self.place();
        Self::Driver::answer(async move { place.member("/action").await })
    }

    /// The path of the flow, as in `offer`.
    fn get_path(&mut self) -> Answer<'_, Self, String> {
        let place = self.place();
        Self::Driver::answer(async move { place.required("/current/path").await })
    }

    /// The component whose turn it is, as in `AmountInput`.
    fn get_component(&mut self) -> Answer<'_, Self, String> {
        let place = self.place();
        Self::Driver::answer(async move { place.required("/current/component").await })
    }

    /// What the component came to.
    fn get_component_result(&mut self) -> Answer<'_, Self, Option<String>> {
        let place = self.place();
        Self::Driver::answer(async move { place.member("/current/component_result").await })
    }

    /// The data of the components, as the caller's type.
    fn get_component_data<'a, T: DeserializeOwned + Send + 'a>(&'a mut self) -> Answer<'a, Self, Option<T>> {
        let place = self.place();
        Self::Driver::answer(async move { place.member("/current/data").await })
    }

    /// The step of the flow with all that belongs to it.
    fn get_flow_state(&mut self) -> Answer<'_, Self, Current> {
        let place = self.place();
        Self::Driver::answer(async move { place.required("/current").await })
    }

    /// Whether the user is to answer.
    fn is_awaiting_input(&mut self) -> Answer<'_, Self, bool> {
        let place = self.place();
        Self::Driver::answer(
            async move { Ok(place.member("/current/awaiting_input").await?.unwrap_or(false)) },
        )
    }

    /// Which of the member's accounts is used.
    fn active_account_id(&mut self) -> Answer<'_, Self, Option<String>> {
        let place = self.place();
        Self::Driver::answer(async move { place.member("/active_account_id").await })
    }

    /// How often an operation was tried, and how it went the last time.
    ///
    /// ```
    /// # support::example(async |url| {
    /// use redis_state_vimbiso::channel::{Channel, Reads, Step, ValidationResult};
    /// use serde_json::Value;
    ///
    /// let mut channel = Channel::new(redis_state_client::connect(url).await?, "+263771234567");
    /// channel.initialize_channel("whatsapp", "webhook").await?;
    /// let refused = ValidationResult::<Value>::failure("Please say hello.");
    /// channel.input(Step::new("login", "Greeting")).submit(refused).await?;
    ///
    /// let status = channel.get_validation_status("Greeting").await?;
    /// assert_eq!((status.attempts, status.failures), (1, 1));
    /// let latest = status.latest.expect("there was one");
    /// assert_eq!(latest.error.as_deref(), Some("Please say hello."));
    /// assert_eq!(channel.get_validation_history().await?, [latest]);
    /// # Ok(()) });
    /// ```
    fn get_validation_status<'a>(&'a mut self, operation: &'a str) -> Answer<'a, Self, ValidationStatus> {
        let place = self.place();
        Self::Driver::answer(async move { place.validation_status(operation).await })
    }

    /// Every attempt that is remembered, oldest first: one round trip for each operation.
    fn get_validation_history(&mut self) -> Answer<'_, Self, Vec<Try>> {
        let place = self.place();
        Self::Driver::answer(async move {
            let Validation { history, .. } = place.validation().await?;
            Ok(history)
        })
    }
}
