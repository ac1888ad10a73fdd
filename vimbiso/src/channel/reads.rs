//! The components' interface to a state, independent of its implementation in `place.rs`.
//!
//! A trait, not methods on each role, so that this is the only list of what components may read.
//! The token is not in it.

use redis_state_client::{Driver, Try};
use serde::de::DeserializeOwned;

use crate::channel::document::{Current, Validation, ValidationStatus};
use crate::channel::place::Place;

/// The return type of a read: over an async connection a future of the result, over a blocking one
/// the result.
pub type Answer<'a, R, T> = <<R as Reads>::Driver as Driver>::Answer<'a, T>;

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// The accessors of a channel's state. Each reads only its members, and nothing is cached.
///
/// Errors of all: [`NoState`](redis_state_client::ErrorKind::NoState) before the channel is
/// initialized, or after its session has expired.
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
/// assert_eq!(
///     (channel.get_path().await?, channel.get_component().await?),
///     ("login".into(), "Greeting".into())
/// );
/// assert_eq!(channel.get_component_result().await?, None);
/// assert_eq!(channel.get_component_data::<Value>().await?, Some(json!({})));
/// assert!(!channel.is_awaiting_input().await?);
/// assert_eq!(channel.get_member_id().await?, None);
/// assert_eq!(channel.get_dashboard_data::<Value>().await?, None);
/// # Ok(()) });
/// ```
pub trait Reads: sealed::Sealed {
    /// The driver of the connection.
    type Driver: Driver;

    #[doc(hidden)]
    fn place(&mut self) -> &mut Place<Self::Driver>;

    /// The user, such as `+263771234567`.
    fn get_channel_id(&mut self) -> Answer<'_, Self, String> {
        let place = self.place();
        Self::Driver::answer(async move { place.required("/channel/identifier").await })
    }

    /// The kind of channel, such as `whatsapp`.
    fn get_channel_type(&mut self) -> Answer<'_, Self, String> {
        let place = self.place();
        Self::Driver::answer(async move { place.required("/channel/type").await })
    }

    /// The member's ID, once the API has returned it.
    fn get_member_id(&mut self) -> Answer<'_, Self, Option<String>> {
        let place = self.place();
        Self::Driver::answer(async move { place.member("/dashboard/member/memberID").await })
    }

    /// The member and their accounts, as the caller's type.
    fn get_dashboard_data<'a, T: DeserializeOwned + Send + 'a>(&'a mut self) -> Answer<'a, Self, Option<T>> {
        let place = self.place();
        Self::Driver::answer(async move { place.member("/dashboard").await })
    }

    /// The API's last action, as the caller's type.
    fn get_action_data<'a, T: DeserializeOwned + Send + 'a>(&'a mut self) -> Answer<'a, Self, Option<T>> {
        let place = self.place();
        Self::Driver::answer(async move { place.member("/action").await })
    }

    /// The path of the flow, such as `offer`.
    fn get_path(&mut self) -> Answer<'_, Self, String> {
        let place = self.place();
        Self::Driver::answer(async move { place.required("/current/path").await })
    }

    /// The component whose turn it is, such as `AmountInput`.
    fn get_component(&mut self) -> Answer<'_, Self, String> {
        let place = self.place();
        Self::Driver::answer(async move { place.required("/current/component").await })
    }

    /// The component's result.
    fn get_component_result(&mut self) -> Answer<'_, Self, Option<String>> {
        let place = self.place();
        Self::Driver::answer(async move { place.member("/current/component_result").await })
    }

    /// The data of the components, as the caller's type.
    fn get_component_data<'a, T: DeserializeOwned + Send + 'a>(&'a mut self) -> Answer<'a, Self, Option<T>> {
        let place = self.place();
        Self::Driver::answer(async move { place.member("/current/data").await })
    }

    /// The whole step of the flow.
    fn get_flow_state(&mut self) -> Answer<'_, Self, Current> {
        let place = self.place();
        Self::Driver::answer(async move { place.required("/current").await })
    }

    /// Whether the user has to answer.
    fn is_awaiting_input(&mut self) -> Answer<'_, Self, bool> {
        let place = self.place();
        Self::Driver::answer(
            async move { Ok(place.member("/current/awaiting_input").await?.unwrap_or(false)) },
        )
    }

    /// The ID of the account in use.
    fn active_account_id(&mut self) -> Answer<'_, Self, Option<String>> {
        let place = self.place();
        Self::Driver::answer(async move { place.member("/active_account_id").await })
    }

    /// The attempts at an operation, with the last one.
    ///
    /// ```
    /// # support::example(async |url| {
    /// use redis_state_vimbiso::channel::{Channel, Reads, Step, ValidationResult};
    /// use serde_json::Value;
    ///
    /// let mut channel = Channel::new(redis_state_client::connect(url).await?, "+263771234567");
    /// channel.initialize_channel("whatsapp", "webhook").await?;
    /// let rejected = ValidationResult::<Value>::failure("Please say hello.");
    /// channel.input(Step::new("login", "Greeting")).submit(rejected).await?;
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

    /// The kept attempts, oldest first: one round trip for each operation.
    fn get_validation_history(&mut self) -> Answer<'_, Self, Vec<Try>> {
        let place = self.place();
        Self::Driver::answer(async move {
            let Validation { history, .. } = place.validation().await?;
            Ok(history)
        })
    }
}
