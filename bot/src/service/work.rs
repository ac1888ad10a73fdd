//! The workers: they read the inbox, have each message answered, send the answer, and only then let it go.
//!
//! The messages of one person go through one lane, one after the other in the order in which this process was given them;
//! those of others through other lanes at the same time. Across processes there is no such order: two messages within the time
//! of one answer may be answered by two processes, and the state's etag keeps them from undoing each other. An order for all
//! (a lock for each person, or a stream for each) was rejected: it makes one slow process everybody's.
//!
//! What is held here is touched now and then, so that others take over only what a process that died has left.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis_state_client::{Async, Dedicated, States};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use crate::message::{Answers, Sender};
use crate::service::ServiceError;
use crate::service::inbox::{Entry, Inbox, word};
use crate::service::lane::Lane;
use crate::service::payload::Accepted;

/// How many messages a process holds for each of its lanes: little, so that what it can't begin others can.
const HELD_PER_LANE: usize = 2;

/// How many are read at once.
const READ_MAX: usize = 16;

/// How long one read waits. A process that is told to stop lets it end: given up, it might have been given something.
const READ_WAIT: Duration = Duration::from_secs(1);

const PAUSE: Duration = Duration::from_millis(500);

/// The IDs of the entries that this process works on.
#[derive(Clone, Default)]
struct Held(Arc<Mutex<BTreeSet<String>>>);

impl Held {
    fn ids(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        // A set of IDs is whole whoever has panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message in work. It is held until it is dropped.
pub(super) struct Job {
    pub id: String,
    pub accepted: Accepted,
    held: Held,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Job {
    fn drop(&mut self) {
        self.held.ids().remove(&self.id);
    }
}

/// Works until it is told to stop and has finished what it holds. Dropped, it dies as the process would.
pub(super) async fn work<A: Answers, S: Sender + Clone + 'static>(
    inbox: Inbox,
    waiting: States<Async<Dedicated>>,
    (answers, sender): (A, S),
    (lanes, claim_after): (u16, Duration),
    stop: watch::Receiver<bool>,
) {
    let held = Held::default();
    let mut running = JoinSet::new();
    let mut ways = Vec::new();
    for _ in 0..lanes {
        let (way, jobs) = mpsc::unbounded_channel();
        ways.push(way);
        let lane = Lane { inbox: inbox.clone(), answers: answers.clone(), sender: sender.clone() };
        running.spawn(lane.run(jobs));
    }
    let mut keeping = JoinSet::new();
    keeping.spawn(keep(inbox.clone(), held.clone(), claim_after / 4));
    let mut reader = Reader {
        inbox,
        waiting,
        held,
        room: Arc::new(Semaphore::new(ways.len() * HELD_PER_LANE)),
        ways,
        claim_after,
        given_after: Some("0".to_owned()),
        claim_from: "0-0".to_owned(),
        claim_at: Instant::now(),
    };
    reader.run(stop).await;
    // Without a way in, each lane ends with its last job.
    drop(reader);
    while running.join_next().await.is_some() {}
}

async fn keep(inbox: Inbox, held: Held, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let ids: Vec<String> = held.ids().iter().cloned().collect();
        if !ids.is_empty()
            && let Err(error) = inbox.keep(&ids).await
        {
            tracing::warn!(%error, "what is in work could not be kept from others");
        }
    }
}

struct Reader {
    inbox: Inbox,
    waiting: States<Async<Dedicated>>,
    held: Held,
    room: Arc<Semaphore>,
    ways: Vec<mpsc::UnboundedSender<Job>>,
    claim_after: Duration,
    /// While it reads what it was given before, behind which entry: at the start, and after an error, when an answer may have
    /// been lost.
    given_after: Option<String>,
    claim_from: String,
    claim_at: Instant,
}

impl Reader {
    async fn run(&mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let permits = tokio::select! {
                permits = self.permits() => permits,
                _ = stop.changed() => break,
            };
            match self.round(permits).await {
                Ok(()) => {}
                Err(error) => {
                    tracing::warn!(%error, "the inbox could not be read: trying again");
                    self.given_after = Some("0".to_owned());
                    if is_without_group(&error)
                        && let Err(error) = self.inbox.make_group().await
                    {
                        tracing::warn!(%error, "the group of the inbox could not be made");
                    }
                    tokio::select! {
                        () = tokio::time::sleep(PAUSE) => {}
                        _ = stop.changed() => break,
                    }
                }
            }
        }
    }

    /// Room for one message at least, as soon as there is some.
    async fn permits(&self) -> Vec<OwnedSemaphorePermit> {
        let mut permits: Vec<_> = Arc::clone(&self.room).acquire_owned().await.into_iter().collect();
        while permits.len() < READ_MAX
            && let Ok(permit) = Arc::clone(&self.room).try_acquire_owned()
        {
            permits.push(permit);
        }
        permits
    }

    async fn round(&mut self, permits: Vec<OwnedSemaphorePermit>) -> Result<(), ServiceError> {
        let count = permits.len();
        let until_claim = self.claim_at.saturating_duration_since(Instant::now());
        let entries = if let Some(after) = &self.given_after {
            let given = self.inbox.read_given(count, after).await?;
            self.given_after = given.last().map(|(id, _)| id.clone());
            given
        } else if until_claim.is_zero() {
            let (next, claimed) = self.inbox.claim(self.claim_after, &self.claim_from, count).await?;
            if next == "0-0" {
                self.claim_at = Instant::now() + self.claim_after / 2;
            }
            self.claim_from = next;
            claimed
        } else {
            self.inbox.read_new(&mut self.waiting, count, until_claim.min(READ_WAIT)).await?
        };
        for (entry, permit) in entries.into_iter().zip(permits) {
            self.begin(entry, permit).await?;
        }
        Ok(())
    }

    async fn begin(
        &mut self,
        (id, accepted): Entry,
        permit: OwnedSemaphorePermit,
    ) -> Result<(), ServiceError> {
        let Some(accepted) = accepted else {
            tracing::error!(id, "an entry of the inbox that is no message was dropped");
            return self.inbox.finish(&id, None).await;
        };
        if !self.held.ids().insert(id.clone()) {
            return Ok(());
        }
        let mut hasher = DefaultHasher::new();
        accepted.message.channel_id.hash(&mut hasher);
        let lane = usize::try_from(hasher.finish() % self.ways.len().max(1) as u64).unwrap_or_default();
        let job = Job { id, accepted, held: self.held.clone(), _permit: permit };
        if let Some(way) = self.ways.get(lane) {
            // A lane ends after its way is dropped only; else its job is dropped here and comes again.
            let _is_there = way.send(job);
        }
        Ok(())
    }
}

/// Blocked on a stream that went away, Redis 7.0 says UNBLOCKED, later ones NOGROUP.
fn is_without_group(error: &ServiceError) -> bool {
    matches!(error, ServiceError::State(error) if matches!(word(error), Some("NOGROUP" | "UNBLOCKED")))
}
