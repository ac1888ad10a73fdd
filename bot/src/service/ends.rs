//! Session ends: the server's feed says that a conversation lapsed or is gone, and one process
//! tells the user.
//!
//! Timers in the bot were rejected: each process would have its own, and a restart would forget
//! them. The server decides when a session ends, and its feed has an entry in the same step; the
//! group gives it to one process, and to another if that one dies before it has told.
//!
//! The bot stays silent where nothing was lost: at the greeting, where every conversation begins
//! and a lapse leads to, and when the user has come back since.

use std::sync::Arc;
use std::time::Duration;

use redis_state_client::redis::aio::ConnectionManager;
use redis_state_client::{
    Async, AuditConsumer, AuditEntry, AuditEvent, AuditJson, Consume, Delivered, Error, Get, Start, States,
};
use redis_state_vimbiso::channel::Step;
use serde_json::Value;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::crash;
use crate::message::Sender;
use crate::service::config::Config;

/// How many users are told at the same time.
const TOLD_AT_ONCE: usize = 16;

const PAUSE: Duration = Duration::from_millis(500);

/// Where every conversation begins, and where a lapse leads to.
const GREETING: [&str; 2] = ["login", "Greeting"];

/// Begins to consume, as one of the bot's processes.
pub(super) async fn open(config: &Config) -> Result<AuditConsumer, Error> {
    Consume::feed(&config.feed, &config.group, &config.name, Start::Now)
        .claim_after(config.claim_after)
        // One at a time: what lies about here while others are told is old when its turn comes.
        .count(1)
        .open(config.redis_url.as_str())
        .await
}

/// Tells users that their session ended.
#[derive(Clone)]
pub(super) struct Teller<S> {
    pub states: States<Async<ConnectionManager>>,
    pub sender: S,
    pub text: String,
    /// Half of it is what telling one user may take: others take over later.
    pub claim_after: Duration,
}

impl<S: Sender + Clone + 'static> Teller<S> {
    /// Tells users until it is told to stop, and finishes what it has begun.
    pub(super) async fn run(self, mut ends: AuditConsumer, mut stop: watch::Receiver<bool>) {
        let room = Arc::new(Semaphore::new(TOLD_AT_ONCE));
        let mut telling = JoinSet::new();
        while !*stop.borrow() {
            let next = tokio::select! {
                _ = stop.changed() => break,
                next = async { (Arc::clone(&room).acquire_owned().await, ends.next().await) } => next,
            };
            while telling.try_join_next().is_some() {}
            match next {
                (permit, Ok(end)) => {
                    let teller = self.clone();
                    telling.spawn(async move {
                        let _permit = permit;
                        teller.tell_in_time(end).await;
                    });
                }
                (_, Err(error)) => {
                    tracing::error!(%error, "the feed can't be read");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        while telling.join_next().await.is_some() {}
    }

    async fn tell_in_time(mut self, end: Delivered) {
        match tokio::time::timeout(self.claim_after / 2, self.tell(&end)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error, "a session end comes again"),
            Err(_) => tracing::warn!("telling a session end took too long: it comes again"),
        }
    }

    /// An error leaves the entry unacknowledged: it comes again, here or elsewhere.
    async fn tell(&mut self, end: &Delivered) -> Result<(), String> {
        if let Some(channel_id) = who_lost(end)
            && !self.is_back(end).await.map_err(|error| error.to_string())?
        {
            self.sender.send(channel_id, &self.text).await.map_err(|error| error.to_string())?;
            crash::point("told");
        }
        end.ack().await.map(drop).map_err(|error| error.to_string())
    }

    /// Whether the user has begun anew since: their conversation is somewhere else than an end
    /// leaves it.
    async fn is_back(&mut self, end: &AuditEntry) -> Result<bool, Error> {
        let Some(key) = &end.key else { return Ok(false) };
        let step = Get::new(key).members(["/current/path", "/current/component"]);
        let Some(found) = self.states.send(&step).await? else { return Ok(false) };
        let (path, component) = (found.member::<String>(0)?, found.member::<String>(1)?);
        Ok([path.as_deref(), component.as_deref()] != GREETING.map(Some))
    }
}

/// The channel whose user has lost their place by this.
fn who_lost(end: &AuditEntry) -> Option<&str> {
    let channel_id = end.key.as_deref().filter(|_| end.db == 0)?.strip_prefix("channel:")?;
    let has_lost = match end.event {
        AuditEvent::Lapse => end.patch.as_ref().is_some_and(takes_back),
        AuditEvent::Expire | AuditEvent::Evict => {
            end.steps.get("/current").is_some_and(|step| !is_greeting(step))
        }
        _ => false,
    };
    has_lost.then_some(channel_id)
}

fn is_greeting(step: &str) -> bool {
    let [path, component] = GREETING;
    step == Step::new(path, component).to_string()
}

/// Whether a lapse has changed the step: that of a token has not, nor that of what a user typed at
/// the greeting. A patch that was cut belongs to a conversation beyond the greeting.
fn takes_back(patch: &AuditJson) -> bool {
    let is_step = |operation: &Value| {
        let path = operation.get("path").and_then(Value::as_str);
        path.is_some_and(|path| ["/current", "/current/path", "/current/component"].contains(&path))
    };
    patch.read::<Vec<Value>>().map_or(true, |operations| operations.iter().any(is_step))
}
