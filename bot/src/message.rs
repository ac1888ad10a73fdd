//! What comes in and what goes out, whichever way it comes: WhatsApp or a terminal.

use redis_state_client::Error;

/// A message of a user.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Inbound {
    /// Whose it is: a channel's identifier, such as `+263771234567`.
    pub channel_id: String,
    /// What the channel calls it, such as `wamid.HBgL1`: the same when it is delivered again.
    pub message_id: String,
    /// What the user typed.
    pub text: String,
}

/// Brings texts to users.
pub trait Sender: Send + Sync {
    /// Sends one text to one user; returns when the channel has taken it over.
    fn send(&self, channel_id: &str, text: &str) -> impl Future<Output = Result<(), SendError>> + Send;
}

/// Why a text could not be sent.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the message could not be sent: {0}")]
pub struct SendError(pub String);

/// Answers users: what a channel (the terminal, the webhook) is in front of.
pub trait Answers: Clone + Send + Sync + 'static {
    /// Takes a message in and says what to send back, in order. Called again with the same message,
    /// after a crash or for a webhook that came twice, it changes nothing twice and answers again.
    ///
    /// Errors: those of the state server that sending again did not help; the message is then to be
    /// taken in again later.
    fn answer(&mut self, message: &Inbound) -> impl Future<Output = Result<Vec<String>, Error>> + Send;

    /// What to tell a user whose session has ended unanswered.
    fn session_ended(&self) -> String;
}
