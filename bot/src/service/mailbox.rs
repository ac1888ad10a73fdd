//! One user's mailbox, worked off: one message after the other is answered, the answer sent, the
//! message let go.
//!
//! A message is never given up for a server that is away: it is tried for as long as it takes, and
//! only this user's next messages wait behind it. One that the bot can't answer whatever happens
//! (an error that does not pass, a panic) is tried a few times, then put aside for the operator,
//! and the user is told.

use std::time::Duration;

use redis_state_client::ErrorKind;
use tokio::task::JoinSet;

use crate::backoff::Backoff;
use crate::crash;
use crate::message::{Answers, Inbound, Sender};
use crate::service::graph;
use crate::service::inbox::{Done, Inbox, Ticket};
use crate::service::payload::Accepted;

/// What a message without a text is answered with.
pub const HINT: &str = "I can read text only. Please type your answer.";

/// What a user is told whose message could not be answered.
pub const SORRY: &str = "Sorry, that did not work. Please try again later.";

/// How many messages of WhatsApp one answer may become. The user's phone is no place for the whole
/// of what a ledger says.
const PARTS_MAX: usize = 4;

/// What stands in the place of the rest of an answer that is longer.
pub const CUT: &str = "That was not all: the rest is too long for a message.";

/// How often the bot tries to answer a message when its error is not one that passes.
const TRIES_MAX: u32 = 3;

const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_FACTOR: f32 = 2.0;
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Works one mailbox off. A clone works another one.
#[derive(Clone)]
pub(super) struct Clerk<A, S> {
    pub inbox: Inbox,
    pub answers: A,
    pub sender: S,
}

impl<A: Answers, S: Sender> Clerk<A, S> {
    /// Answers all that is in the mailbox, and gives the ticket back with the last.
    pub(super) async fn work_off(&self, ticket: &Ticket) {
        let mut next = self.next(ticket, Done::Nothing).await;
        while let Some(text) = next {
            crash::point("taken");
            let is_done = match serde_json::from_str(&text) {
                Ok(accepted) => self.finish(&accepted).await,
                Err(_) => {
                    tracing::error!("something in the inbox is no message and is put aside");
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
                Err(error) => tracing::warn!(%error, "a mailbox could not be read: trying again"),
            }
            backoff.wait().await;
        }
    }

    /// Answers whether the message has got its answer, and not just an excuse.
    async fn finish(&self, Accepted { message, is_textless }: &Accepted) -> bool {
        let answer = if *is_textless { Some(vec![HINT.to_owned()]) } else { self.answer(message).await };
        crash::point("answered");
        let is_answered = answer.is_some();
        let texts = answer.unwrap_or_else(|| vec![SORRY.to_owned()]);
        let mut parts = texts.iter().flat_map(|text| graph::parts(text));
        for part in parts.by_ref().take(PARTS_MAX) {
            self.send(message, part).await;
        }
        if parts.next().is_some() {
            tracing::warn!(id = message.message_id, "an answer was too long and has been cut");
            self.send(message, CUT).await;
        }
        is_answered
    }

    /// The texts; `None` when there will be none.
    async fn answer(&self, message: &Inbound) -> Option<Vec<String>> {
        let mut backoff = Backoff::new(PAUSE_FIRST, PAUSE_FACTOR, PAUSE_MAX);
        let mut tries = 0;
        while tries < TRIES_MAX {
            // On a task of its own, so that a panic is an error like others; dropped with this one.
            let (mut answers, asked) = (self.answers.clone(), message.clone());
            let mut asking = JoinSet::new();
            asking.spawn(async move { answers.answer(&asked).await });
            let id = &message.message_id;
            match asking.join_next().await {
                Some(Ok(Ok(texts))) => return Some(texts),
                Some(Ok(Err(error))) => {
                    tracing::warn!(id, %error, "a message could not be answered: trying again");
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

    /// Sends one text, for as long as it takes. What was sent before it is not sent again.
    async fn send(&self, message: &Inbound, text: &str) {
        let mut backoff = Backoff::new(PAUSE_FIRST, PAUSE_FACTOR, PAUSE_MAX);
        while let Err(error) = self.sender.send(&message.channel_id, text).await {
            tracing::warn!(id = message.message_id, %error, "an answer could not be sent: trying again");
            backoff.wait().await;
        }
    }
}

/// Whether the same message may be answered once the server is as it should be.
fn passes(error: &redis_state_client::Error) -> bool {
    error.is_retryable() || error.outcome_unknown() || error.kind() == ErrorKind::OutOfMemory
}
