//! The document of `vimbiso.channel` as types, and the part of it that the server keeps beside it.
//!
//! What the API owns (dashboard, action) stays JSON: its shape is the API's to change, and a bot
//! reads it as types of its own with the accessors. Types for it here were rejected, since they
//! would be wrong the day the API moves on.

use std::collections::BTreeMap;
use std::fmt;

use redis_state_client::Try;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The user at the other end of a channel; immutable after the first contact.
///
/// For an example see [`ChannelState`](crate::channel::ChannelState).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelInfo {
    /// What kind of channel, as in `whatsapp`.
    #[serde(rename = "type")]
    pub channel_type: String,
    /// The user's number, as in `+263771234567`.
    pub identifier: String,
}

/// Where the user is in the flow.
///
/// For an example see [`ChannelState`](crate::channel::ChannelState).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Current {
    /// The flow, as in `offer`.
    pub path: String,
    /// The component whose turn it is, as in `AmountInput`.
    pub component: String,
    /// Whether the user is to answer.
    #[serde(default)]
    pub awaiting_input: bool,
    /// What the component came to, by which headquarters decides where to go.
    #[serde(default)]
    pub component_result: Option<String>,
    /// The components' own data.
    #[serde(default)]
    pub data: Option<Value>,
}

impl Current {
    /// The step that this is.
    ///
    /// ```
    /// use redis_state_vimbiso::channel::{Current, Step};
    ///
    /// let current: Current = serde_json::from_str(r#"{"path": "offer", "component": "AmountInput"}"#)?;
    /// assert_eq!(current.step(), Step::new("offer", "AmountInput"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn step(&self) -> Step {
        Step::new(&self.path, &self.component)
    }
}

/// A step of the flow: a path and one of its components. Names of components alone do not tell:
/// three paths have an `OfferList`.
///
/// ```
/// use redis_state_vimbiso::channel::Step;
///
/// assert_eq!(Step::new("offer", "AmountInput").to_string(), "offer/AmountInput");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// As in `offer`.
    pub path: String,
    /// As in `AmountInput`.
    pub component: String,
}

impl Step {
    /// This component on this path.
    pub fn new(path: impl Into<String>, component: impl Into<String>) -> Step {
        Step { path: path.into(), component: component.into() }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.path, self.component)
    }
}

/// The token for the API. `Debug` hides it.
///
/// ```
/// use redis_state_vimbiso::channel::Token;
///
/// let token = Token::new("eyJhbGciOi");
/// assert_eq!(token.as_str(), "eyJhbGciOi");
/// assert_eq!(format!("{token:?}"), "Token(***)");
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// From its text.
    pub fn new(text: impl Into<String>) -> Token {
        Token(text.into())
    }

    /// Its text, for the header of a call.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

/// Where the token is kept, until it lapses.
///
/// For an example see [`ChannelState`](crate::channel::ChannelState).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Auth {
    /// The token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
}

/// The whole state of a channel.
///
/// `validation` and `metadata` are what the server counts and times: they are filled in when a
/// state is read, whatever an older program may have stored under their names, and are no part of
/// what is written.
///
/// ```
/// use redis_state_vimbiso::channel::ChannelState;
/// use serde_json::json;
///
/// let document = json!({
///     "channel": {"type": "whatsapp", "identifier": "+263771234567"},
///     "current": {"path": "login", "component": "Greeting"},
///     "_metadata": {"updated_at": "1999-12-31T23:59:59Z"},
/// });
/// let state: ChannelState = serde_json::from_value(document)?;
/// assert_eq!(state.channel.channel_type, "whatsapp");
/// assert!(serde_json::to_value(&state)?.get("_metadata").is_none());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelState {
    /// The user at the other end.
    pub channel: ChannelInfo,
    /// The member and their accounts, from the API only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<Value>,
    /// What the API did last, from the API only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Value>,
    /// The token, from the API only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// The step of the flow.
    pub current: Current,
    /// Which of the member's accounts is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_account_id: Option<String>,
    /// What was tried, and how it went.
    #[serde(skip)]
    pub validation: Validation,
    /// When the state was created and changed.
    #[serde(skip)]
    pub metadata: Timestamps,
}

/// What was tried on a state, as STATE.ATTEMPTS has it.
///
/// For an example see [`ChannelState`](crate::channel::ChannelState).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Validation {
    /// Operation to attempts.
    pub attempts: BTreeMap<String, u64>,
    /// Every attempt that is remembered, of operations that are counted; oldest first.
    pub history: Vec<Try>,
}

/// How often one operation was tried.
///
/// For an example see [`ChannelState`](crate::channel::ChannelState).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ValidationStatus {
    /// How often.
    pub attempts: u64,
    /// How often without success, since the last success.
    pub failures: u64,
    /// The newest attempt.
    pub latest: Option<Try>,
}

/// When a state was created and changed, as STATE.META has it: ISO 8601, UTC.
///
/// For an example see [`ChannelState`](crate::channel::ChannelState).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Timestamps {
    /// When it was created.
    pub initialized_at: String,
    /// When its present version was committed.
    pub updated_at: String,
}
