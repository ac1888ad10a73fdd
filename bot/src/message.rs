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

/// A message to a user: a text, and what the user may choose. A channel without buttons shows it as
/// [text](Outbound::to_text).
///
/// ```
/// use redis_state_bot::message::{Choice, Menu, Outbound};
///
/// let yes = Choice::new("7-1f0c/yes", "1", "Yes");
/// let question = Outbound::from("Is that right?").with(Menu::new("Answers", vec![yes]));
/// assert_eq!(question.to_text(), "Is that right?\n1 Yes");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbound {
    /// The text.
    pub text: String,
    /// The choices.
    pub menu: Option<Menu>,
}

/// The choices of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Menu {
    /// The text of the button that opens a list.
    pub label: String,
    /// The choices, in display order.
    pub choices: Vec<Choice>,
}

/// What a user may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The ID that the channel returns. It names one choice of one menu.
    pub id: String,
    /// What the user may type instead, such as a number.
    pub typed: String,
    /// The title, which the user may also type.
    pub title: String,
    /// A second line.
    pub description: Option<String>,
}

impl Outbound {
    /// With this menu.
    pub fn with(mut self, menu: Menu) -> Outbound {
        self.menu = Some(menu);
        self
    }

    /// The message as a text with a line for each choice.
    pub fn to_text(&self) -> String {
        let choices = self.menu.iter().flat_map(|menu| &menu.choices);
        let lines = choices.map(|choice| format!("{} {}", choice.typed, choice.line()));
        [self.text.clone()].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
    }
}

impl Menu {
    /// A menu of these choices.
    pub fn new(label: impl Into<String>, choices: Vec<Choice>) -> Menu {
        Menu { label: label.into(), choices }
    }
}

impl Choice {
    /// A choice without a description.
    pub fn new(id: impl Into<String>, typed: impl Into<String>, title: impl Into<String>) -> Choice {
        Choice { id: id.into(), typed: typed.into(), title: title.into(), description: None }
    }

    /// Title and description in one line.
    fn line(&self) -> String {
        match &self.description {
            Some(description) => format!("{}: {description}", self.title),
            None => self.title.clone(),
        }
    }
}

impl From<String> for Outbound {
    fn from(text: String) -> Outbound {
        Outbound { text, menu: None }
    }
}

impl From<&str> for Outbound {
    fn from(text: &str) -> Outbound {
        Outbound::from(text.to_owned())
    }
}

/// Sends messages to users.
pub trait Sender: Send + Sync {
    /// Sends one message to one user; returns when the channel has accepted it.
    fn send(
        &self,
        channel_id: &str,
        message: &Outbound,
    ) -> impl Future<Output = Result<(), SendError>> + Send;
}

/// Why a message could not be sent.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the message could not be sent: {0}")]
pub struct SendError(pub String);

/// Answers users, whatever the channel (the terminal, the webhook).
pub trait Answers: Clone + Send + Sync + 'static {
    /// Receives a message and returns the answer's messages, in order. Called again with the same
    /// message, after a crash or a redelivery, it changes nothing twice and answers again.
    ///
    /// Errors: those of the state server that resending did not solve; the message must then be
    /// passed again later.
    fn answer(&mut self, message: &Inbound) -> impl Future<Output = Result<Vec<Outbound>, Error>> + Send;

    /// The message for a user whose session has ended.
    fn session_ended(&self) -> Outbound;
}
