//! Notices of session expiry: the server's feed has an entry when a conversation lapses, expires or
//! is evicted, and one process notifies the user.
//!
//! Not timers in the bot: each process would have its own, and a restart would lose them. The
//! server decides when a session ends, and adds the feed entry atomically. The consumer group
//! delivers it to one process, and to another if that one dies before it has sent the notice.
//!
//! No notice is sent if nothing was lost: at the greeting, where every conversation begins and
//! where a lapse leads, and when the user is back already.

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
use crate::message::{Outbound, Sender};
use crate::service::config::Config;

/// The number of users notified at the same time.
const NOTICES_AT_ONCE: usize = 16;

const PAUSE: Duration = Duration::from_millis(500);

/// The step where every conversation begins, and where a lapse leads.
const GREETING: [&str; 2] = ["login", "Greeting"];

/// Starts consuming, as one of the bot's processes.
pub(super) async fn open(config: &Config) -> Result<AuditConsumer, Error> {
    Consume::feed(&config.feed, &config.group, &config.name, Start::Now)
        .claim_after(config.claim_after)
        // One at a time: an entry that waits here would be outdated when its turn comes.
        .count(1)
        .open(config.redis_url.as_str())
        .await
}

/// Notifies users that their session ended.
#[derive(Clone)]
pub(super) struct Teller<S> {
    pub states: States<Async<ConnectionManager>>,
    pub sender: S,
    pub notice: Outbound,
    /// The time after which others claim an entry; one notice may take half of it.
    pub claim_after: Duration,
}

impl<S: Sender + Clone + 'static> Teller<S> {
    /// Notifies users until it is stopped, and finishes work in progress.
    pub(super) async fn run(self, mut ends: AuditConsumer, mut stop: watch::Receiver<bool>) {
        let room = Arc::new(Semaphore::new(NOTICES_AT_ONCE));
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
        match tokio::time::timeout(self.claim_after / 2, self.notify(&end)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error, "a notice of a session end is retried"),
            Err(_) => tracing::warn!("a notice of a session end took too long and is retried"),
        }
    }

    /// An error leaves the entry unacknowledged: it is delivered again, to this or another process.
    async fn notify(&mut self, end: &Delivered) -> Result<(), String> {
        if let Some(channel_id) = channel_that_lost(end)
            && !self.is_back(end).await.map_err(|error| error.to_string())?
        {
            self.sender.send(channel_id, &self.notice).await.map_err(|error| error.to_string())?;
            crash::point("told");
        }
        end.ack().await.map(drop).map_err(|error| error.to_string())
    }

    /// Whether the user is back: the conversation is not where a session end leaves it.
    async fn is_back(&mut self, end: &AuditEntry) -> Result<bool, Error> {
        let Some(key) = &end.key else { return Ok(false) };
        let step = Get::new(key).members(["/current/path", "/current/component"]);
        let Some(found) = self.states.send(&step).await? else { return Ok(false) };
        let (path, component) = (found.member::<String>(0)?, found.member::<String>(1)?);
        Ok([path.as_deref(), component.as_deref()] != GREETING.map(Some))
    }
}

/// The channel of a user that has lost a step by this entry.
fn channel_that_lost(end: &AuditEntry) -> Option<&str> {
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

/// Whether a lapse has changed the step: a token's has not, nor that of input at the greeting. A
/// cut patch belongs to a conversation beyond the greeting.
fn takes_back(patch: &AuditJson) -> bool {
    let is_step = |operation: &Value| {
        let path = operation.get("path").and_then(Value::as_str);
        path.is_some_and(|path| ["/current", "/current/path", "/current/component"].contains(&path))
    };
    patch.read::<Vec<Value>>().map_or(true, |operations| operations.iter().any(is_step))
}
