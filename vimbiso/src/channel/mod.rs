//! The state manager of a bot: one user's conversation on one channel, with the schema
//! `vimbiso.channel`.
//!
//! * [`Channel`] is the manager: it creates the state, moves the flow, resets it, and gives each
//!   component its role
//! * [`Reads`] is the components' view of a state; [`Display`], [`Input`], [`Api`] and [`Confirm`]
//!   are their permissions
//! * [`FlowUpdate`] prepares an update; the bot implements [`Messaging`] and [`ApiClient`]
//! * [`ValidationResult`], [`ErrorContext`] and [`ErrorHandler`] are for results and errors
//! * [`Atomic`] accesses any state by the names of operations
//!
//! A step of a conversation:
//!
//! ```
//! # support::example(async |url| {
//! use redis_state_vimbiso::channel::{Channel, FlowUpdate, Reads, Step, ValidationResult};
//! use serde_json::json;
//!
//! let mut channel = Channel::new(redis_state_client::connect(url).await?, "+263771234567");
//! channel.initialize_channel("whatsapp", "webhook").await?;
//!
//! // The component whose turn it is takes the message …
//! let step = channel.get_flow_state().await?.step();
//! let input = ValidationResult::success(json!({"name": "Tariro"}));
//! if channel.input(step).submit(input).await?.is_success() {
//!     // … and headquarters goes on.
//!     channel
//!         .update_state(&FlowUpdate::from("headquarters").step("login", "LoginApiCall"))
//!         .await?;
//! }
//! assert_eq!(channel.get_component().await?, "LoginApiCall");
//! # Ok(()) });
//! ```
// Dependencies, downwards: error_handler -> manager -> roles -> reads, writes -> place, prepare ->
// document, outbound, result.

mod atomic;
mod document;
mod error_handler;
mod manager;
mod outbound;
mod place;
mod prepare;
mod reads;
mod result;
mod roles;
mod writes;

pub use atomic::{Atomic, AtomicOperation, Executed};
pub use document::{
    Auth, ChannelInfo, ChannelState, Current, Step, Timestamps, Token, Validation, ValidationStatus,
};
pub use error_handler::{ErrorHandler, text_for_person};
pub use manager::Channel;
#[cfg(feature = "tokio")]
pub use outbound::BoxFuture;
pub use outbound::{ApiClient, ApiFailure, ApiResponse, Messaging, Outbound};
pub use place::Context;
pub use prepare::FlowUpdate;
pub use reads::{Answer, Reads};
pub use result::{ErrorContext, ErrorDetails, ErrorType, ValidationResult};
pub use roles::{Api, Confirm, Display, Input};
pub use writes::{Initialized, SCHEMA};
