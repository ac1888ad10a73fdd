//! The document of `vimbiso.channel` as types, with the server's data about it.
//!
//! The API's members (dashboard, action) stay JSON: the API may change their shape, and the
//! accessors read them as types of the bot. Types here would be wrong after a change of the API.

use std::collections::BTreeMap;
use std::fmt;

use redis_state_client::Try;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The user of a channel; immutable after the first contact.
///
/// For an example see [`ChannelState`](crate::channel::ChannelState).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelInfo {
    /// The kind of channel, such as `whatsapp`.
    #[serde(rename = "type")]
    pub channel_type: String,
    /// The user's number, such as `+263771234567`.
    pub identifier: String,
}

/// The user's place in the flow.
///
/// For an example see [`ChannelState`](crate::channel::ChannelState).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Current {
    /// The flow, such as `offer`.
    pub path: String,
    /// The component whose turn it is, such as `AmountInput`.
    pub component: String,
    /// Whether the user has to answer.
    #[serde(default)]
    pub awaiting_input: bool,
    /// The component's result, by which headquarters decides the next step.
    #[serde(default)]
    pub component_result: Option<String>,
    /// The components' own data.
    #[serde(default)]
    pub data: Option<Value>,
}

impl Current {
    /// The step of this place.
    ///
    /// ```
    /// use redis_state_vimbiso::channel::{Current, Step};
    ///
    /// let current: Current =
    ///     serde_json::from_str(r#"{"path": "offer", "component": "AmountInput"}"#)?;
    /// assert_eq!(current.step(), Step::new("offer", "AmountInput"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn step(&self) -> Step {
        Step::new(&self.path, &self.component)
    }
}

/// A step of the flow: a path and one of its components. A component's name alone is ambiguous:
/// three paths have an `OfferList`.
///
/// ```
/// use redis_state_vimbiso::channel::Step;
///
/// assert_eq!(Step::new("offer", "AmountInput").to_string(), "offer/AmountInput");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// The path, such as `offer`.
    pub path: String,
    /// The component, such as `AmountInput`.
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

/// The member with the token, until it lapses.
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
/// `validation` and `metadata` come from the server: a read fills them in, whatever an older
/// program has stored under their names, and a write leaves them out.
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
    /// The user of the channel.
    pub channel: ChannelInfo,
    /// The member and their accounts, written by the API handler only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<Value>,
    /// The API's last action, written by the API handler only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Value>,
    /// The token, written by the API handler only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// The step of the flow.
    pub current: Current,
    /// The ID of the account in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_account_id: Option<String>,
    /// The attempts.
    #[serde(skip)]
    pub validation: Validation,
    /// When the state was created and changed.
    #[serde(skip)]
    pub metadata: Timestamps,
}

/// The attempts on a state, from STATE.ATTEMPTS.
///
/// For an example see [`ChannelState`](crate::channel::ChannelState).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Validation {
    /// Operation to attempts.
    pub attempts: BTreeMap<String, u64>,
    /// The kept attempts of counted operations, oldest first.
    pub history: Vec<Try>,
}

/// The attempts at one operation.
///
/// For an example see [`ChannelState`](crate::channel::ChannelState).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ValidationStatus {
    /// The number of attempts.
    pub attempts: u64,
    /// The number of failures since the last success.
    pub failures: u64,
    /// The newest attempt.
    pub latest: Option<Try>,
}

/// When a state was created and changed, from STATE.META: ISO 8601, UTC.
///
/// For an example see [`ChannelState`](crate::channel::ChannelState).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Timestamps {
    /// When it was created.
    pub initialized_at: String,
    /// When its present version was committed.
    pub updated_at: String,
}
