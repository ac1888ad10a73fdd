//! Incoming and outgoing messages, of WhatsApp or a terminal.

use redis_state_client::Error;

/// A message of a user.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Inbound {
    /// The user's channel identifier, such as `+263771234567`.
    pub channel_id: String,
    /// The channel's ID of the message, such as `wamid.HBgL1`, unchanged on redelivery.
    pub message_id: String,
    /// The user's text; of a choice, its title.
    pub text: String,
    /// The ID of the button or row that the user tapped. It names a choice of one menu, and is
    /// never read as a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<String>,
}

/// Sends texts to users.
pub trait Sender: Send + Sync {
    /// Sends one text to one user; returns when the channel has accepted it.
    fn send(&self, channel_id: &str, text: &str) -> impl Future<Output = Result<(), SendError>> + Send;
}

/// Why a text could not be sent.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the message could not be sent: {0}")]
pub struct SendError(pub String);

/// Answers users, whatever the channel (the terminal, the webhook).
pub trait Answers: Clone + Send + Sync + 'static {
    /// Receives a message and returns the answer's texts, in order. Called again with the same
    /// message, after a crash or a redelivery, it changes nothing twice and answers again.
    ///
    /// Errors: those of the state server that resending did not solve; the message must then be
    /// passed again later.
    fn answer(&mut self, message: &Inbound) -> impl Future<Output = Result<Vec<String>, Error>> + Send;

    /// The text for a user whose session has ended.
    fn session_ended(&self) -> String;
}
