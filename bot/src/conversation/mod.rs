//! The conversation: receives a message, runs headquarters until it is the user's turn, and returns
//! the texts of the answer.
//!
//! * [`headquarters`](self) decides the next step from the state alone
//! * menus name each question, so that a tap on a past menu changes nothing
//! * components are pure functions under the roles of [`redis_state_vimbiso::channel`]: input by
//!   `Input` and `Confirm`, the ledger by `Api`, and texts from the state
//! * no memory between messages, so any process can take the next one, and complete the work of
//!   another
//!
//! A message that finds unfinished work was sent in answer to an older question. It is not acted
//! upon: the work is completed first, and the answer says so.

mod api_step;
mod calls;
mod components;
mod display;
mod headquarters;
mod menus;
mod place;
pub mod points;
mod take;

use std::time::Duration;

use redis_state_client::redis::aio::ConnectionManager;
use redis_state_client::{Async, Error, ErrorKind, Etag, States};
use redis_state_vimbiso::channel::Context;
use serde_json::json;

use crate::crash;
use crate::ledger::Ledger;
use crate::message::{Answers, Inbound, Outbound};
use crate::restart::RestartWords;
use headquarters::{Next, next};
use place::Place;

/// The maximum number of rounds of headquarters for a message: the longest path has five steps, and
/// conflicts take one each.
const ROUNDS_MAX: usize = 24;

/// How often a message is processed again after a conflict.
const TRIES: usize = 3;

/// How long another process may take to finish an API step before this one does: the maximum of a
/// ledger over HTTP, which is called, asked for a new token and called again.
const RETRY_FOR: Duration = Duration::from_secs(30);

/// The conversations of all users, over one connection and one ledger.
#[derive(Clone, Debug)]
pub struct Conversation<L> {
    states: States<Async<ConnectionManager>>,
    ledger: L,
    channel_type: String,
    retry_for: Duration,
    restart: RestartWords,
}

impl<L: Ledger> Conversation<L> {
    /// For channels of this type, such as `whatsapp`.
    pub fn new(
        states: States<Async<ConnectionManager>>,
        ledger: L,
        channel_type: impl Into<String>,
    ) -> Conversation<L> {
        let (channel_type, restart) = (channel_type.into(), RestartWords::default());
        Conversation { states, ledger, channel_type, retry_for: RETRY_FOR, restart }
    }

    /// How long another process may take to finish its call of the ledger: 30 seconds by default.
    /// Zero suits a bot in which one process serves a user.
    pub fn retry_for(mut self, time: Duration) -> Self {
        self.retry_for = time;
        self
    }

    /// The words with which a user starts again.
    pub fn restart_words(mut self, words: RestartWords) -> Self {
        self.restart = words;
        self
    }

    async fn attempt(&mut self, message: &Inbound) -> Result<Vec<Outbound>, Error> {
        let Inbound { channel_id, message_id, .. } = message;
        let mut place = Place::new(self.states.clone(), channel_id, message_id);
        place.channel.initialize_channel(&self.channel_type, "bot").await?;
        let mut texts = Vec::new();
        let is_recovered = place.recovered().await?;
        if is_recovered {
            texts.push(display::RECOVERED.to_owned());
        }
        if !place.is_taken_in().await? {
            let state = place.read().await?;
            if is_recovered {
                // The user may have answered an outdated question.
                place.note("found an invalid state").await?;
            } else if next(&state.document) == Next::Wait {
                texts.extend(self.take(&mut place, &state, message).await?);
            } else {
                place.note("found unfinished work").await?;
                texts.push(display::FINISHED.to_owned());
            }
        }
        crash::point(points::BEFORE_ENTER);
        let context = self.settle(&mut place, channel_id, &mut texts).await?;
        let news = texts.into_iter().map(Outbound::from);
        Ok(news.chain(display::shown(&context)).collect())
    }

    /// Continues until it is the user's turn. Returns the state then.
    async fn settle(
        &self,
        place: &mut Place,
        channel_id: &str,
        texts: &mut Vec<String>,
    ) -> Result<Context, Error> {
        // The step that this process entered, and the etag of that commit.
        let mut entered: Option<(String, Etag)> = None;
        for _ in 0..ROUNDS_MAX {
            let state = place.read().await?;
            let done = match next(&state.document) {
                Next::Wait => return Ok(state.document),
                Next::Go { step, data, account } => {
                    let id = place.id(&step, state.etag);
                    let gone = place.go(state.etag, &step, &data, account.as_deref(), id).await.map(drop);
                    crash::point(points::AFTER_LEAVE);
                    gone
                }
                Next::Enter(step) => {
                    let id = place.entering(&step);
                    let mut data = state.document.current.data.unwrap_or_else(|| json!({}));
                    if let Some(members) = data.as_object_mut() {
                        members.insert("call".to_owned(), json!(id));
                    }
                    let made = place.go(state.etag, &step, &data, None, id.clone()).await;
                    crash::point(points::AFTER_ENTER);
                    made.map(|etag| entered = Some((id, etag)))
                }
                Next::Call(ask) => {
                    let called = self.call(place, channel_id, &state, ask, entered.as_ref(), texts);
                    called.await
                }
            };
            match done {
                // The state decides the next step.
                Err(error) if is_outrun(&error) => {}
                done => done?,
            }
        }
        place.read().await.map(|state| state.document)
    }
}

impl<L: Ledger> Answers for Conversation<L> {
    async fn answer(&mut self, message: &Inbound) -> Result<Vec<Outbound>, Error> {
        for _ in 1..TRIES {
            match self.attempt(message).await {
                Err(error) if is_outrun(&error) || error.kind() == ErrorKind::NoState => {}
                done => return done,
            }
        }
        self.attempt(message).await
    }

    fn session_ended(&self) -> Outbound {
        display::session_ended()
    }
}

/// Whether another process has changed the state, or made the same change.
fn is_outrun(error: &Error) -> bool {
    error.is_conflict() || error.kind() == ErrorKind::IdMismatch
}
