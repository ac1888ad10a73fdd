//! Works off one user's mailbox: each message is answered, the answer sent, the message removed.
//!
//! A message is never given up while a server is down: it is retried without limit, and only this
//! user's next messages wait. One that can't be answered (a permanent error, a panic) is tried a
//! few times, then put aside for the operator, and the user gets an apology.

use std::time::Duration;

use redis_state_client::ErrorKind;
use tokio::task::JoinSet;

use crate::backoff::Backoff;
use crate::crash;
use crate::message::{Answers, Inbound, Outbound, Sender};
use crate::service::format;
use crate::service::inbox::{Done, Inbox, Ticket};
use crate::service::payload::Accepted;

/// The answer to a message without text.
pub const HINT: &str = "I can read text and taps only. Please type your answer, or tap a button.";

/// The answer to a message that failed.
pub const SORRY: &str = "Sorry, that did not work. Please try again later.";

/// The maximum number of WhatsApp messages for one answer, so that a long reply of the ledger does
/// not flood the user.
const PARTS_MAX: usize = 4;

/// Replaces the rest of a longer answer.
pub const CUT: &str = "That was not all: the rest is too long for a message.";

/// The number of tries for a message with a permanent error.
const TRIES_MAX: u32 = 3;

const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_FACTOR: f32 = 2.0;
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Works off one mailbox. A clone works off another one.
#[derive(Clone)]
pub(super) struct Clerk<A, S> {
    pub inbox: Inbox,
    pub answers: A,
    pub sender: S,
}

impl<A: Answers, S: Sender> Clerk<A, S> {
    /// Answers all messages of the mailbox, and returns the ticket with the last one.
    pub(super) async fn work_off(&self, ticket: &Ticket) {
        let mut next = self.next(ticket, Done::Nothing).await;
        while let Some(text) = next {
            crash::point("taken");
            let is_done = match serde_json::from_str(&text) {
                Ok(accepted) => self.finish(&accepted).await,
                Err(_) => {
                    tracing::error!("an invalid message in the inbox is put aside");
                    false
                }
            };
            crash::point("sent");
            let done = if is_done { Done::Answered(&text) } else { Done::Failed(&text) };
            next = self.next(ticket, done).await;
        }
    }

    async fn next(&self, ticket: &Ticket, done: Done<'_>) -> Option<String> {
        let mut backoff = Backoff::new(PAUSE_FIRST, PAUSE_FACTOR, PAUSE_MAX);
        loop {
            match self.inbox.next(ticket, done).await {
                Ok(next) => return next,
                Err(error) => tracing::warn!(%error, "a mailbox could not be read: retrying"),
            }
            backoff.wait().await;
        }
    }

    /// Returns whether the message got its answer, and not just an apology.
    async fn finish(&self, Accepted { message, is_textless }: &Accepted) -> bool {
        let answer = if *is_textless { Some(vec![HINT.into()]) } else { self.answer(message).await };
        crash::point("answered");
        let is_answered = answer.is_some();
        let answer = answer.unwrap_or_else(|| vec![SORRY.into()]);
        let mut parts = answer.iter().flat_map(format::parts);
        for part in parts.by_ref().take(PARTS_MAX) {
            self.send(message, &part).await;
        }
        if parts.next().is_some() {
            tracing::warn!(id = message.message_id, "an answer was too long and has been cut");
            self.send(message, &CUT.into()).await;
        }
        is_answered
    }

    /// The answer's messages; `None` if there will be none.
    async fn answer(&self, message: &Inbound) -> Option<Vec<Outbound>> {
        let mut backoff = Backoff::new(PAUSE_FIRST, PAUSE_FACTOR, PAUSE_MAX);
        let mut tries = 0;
        while tries < TRIES_MAX {
            // On its own task, so that a panic is an ordinary error; cancelled with this one.
            let (mut answers, asked) = (self.answers.clone(), message.clone());
            let mut asking = JoinSet::new();
            asking.spawn(async move { answers.answer(&asked).await });
            let id = &message.message_id;
            match asking.join_next().await {
                Some(Ok(Ok(answer))) => return Some(answer),
                Some(Ok(Err(error))) => {
                    tracing::warn!(id, %error, "a message could not be answered: retrying");
                    tries += u32::from(!passes(&error));
                }
                _ => {
                    tracing::error!(id, "answering a message has panicked");
                    tries += 1;
                }
            }
            backoff.wait().await;
        }
        tracing::error!(id = message.message_id, "a message could not be answered and is put aside");
        None
    }

    /// Sends one part, retrying without limit. Parts sent before are not sent again.
    async fn send(&self, message: &Inbound, part: &Outbound) {
        let mut backoff = Backoff::new(PAUSE_FIRST, PAUSE_FACTOR, PAUSE_MAX);
        while let Err(error) = self.sender.send(&message.channel_id, part).await {
            tracing::warn!(id = message.message_id, %error, "an answer could not be sent: retrying");
            backoff.wait().await;
        }
    }
}

/// Whether the message may be answered once the server works again.
fn passes(error: &redis_state_client::Error) -> bool {
    error.is_retryable() || error.outcome_unknown() || error.kind() == ErrorKind::OutOfMemory
}
