//! The workers: they take tickets from the inbox and work off their mailboxes, several users at a
//! time.
//!
//! A process takes only the tickets that it works on, so that others can take the rest. It touches
//! the tickets that it holds regularly, so that others claim only those of dead processes.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis_state_client::{Async, Dedicated, States};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::message::{Answers, Sender};
use crate::service::ServiceError;
use crate::service::inbox::{Inbox, Ticket, word};
use crate::service::mailbox::Clerk;

/// The maximum number of tickets in one read.
const READ_MAX: usize = 16;

/// The timeout of a read. A stopping process waits for it: an aborted read might have been given a
/// ticket.
const READ_WAIT: Duration = Duration::from_secs(1);

const PAUSE: Duration = Duration::from_millis(500);

/// The IDs of the tickets in work.
#[derive(Clone, Default)]
struct Held(Arc<Mutex<BTreeSet<String>>>);

impl Held {
    fn ids(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        // A set of IDs is consistent after a panic too.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A ticket in work, held until this is dropped.
struct Job {
    ticket: Ticket,
    held: Held,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Job {
    fn drop(&mut self) {
        self.held.ids().remove(&self.ticket.id);
    }
}

/// Works until it is stopped and has finished its tickets. Dropped, it stops like a killed process.
pub(super) async fn work<A: Answers, S: Sender + Clone + 'static>(
    inbox: Inbox,
    waiting: States<Async<Dedicated>>,
    (answers, sender): (A, S),
    (at_once, claim_after): (u16, Duration),
    stop: watch::Receiver<bool>,
) {
    let held = Held::default();
    let mut keeping = JoinSet::new();
    keeping.spawn(keep(inbox.clone(), held.clone(), claim_after / 4));
    let mut reader = Reader {
        clerk: Clerk { inbox: inbox.clone(), answers, sender },
        inbox,
        waiting,
        held,
        room: Arc::new(Semaphore::new(at_once.into())),
        running: JoinSet::new(),
        claim_after,
        given_after: Some("0".to_owned()),
        claim_from: "0-0".to_owned(),
        claim_at: Instant::now(),
    };
    reader.run(stop).await;
    while reader.running.join_next().await.is_some() {}
}

async fn keep(inbox: Inbox, held: Held, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let ids: Vec<String> = held.ids().iter().cloned().collect();
        if !ids.is_empty()
            && let Err(error) = inbox.keep(&ids).await
        {
            tracing::warn!(%error, "tickets in work could not be kept from being claimed");
        }
    }
}

struct Reader<A, S> {
    inbox: Inbox,
    clerk: Clerk<A, S>,
    waiting: States<Async<Dedicated>>,
    held: Held,
    room: Arc<Semaphore>,
    running: JoinSet<()>,
    claim_after: Duration,
    /// While it reads its pending tickets: the entry to continue after. At the start, and after an
    /// error, when a reply may have been lost.
    given_after: Option<String>,
    claim_from: String,
    claim_at: Instant,
}

impl<A: Answers, S: Sender + Clone + 'static> Reader<A, S> {
    async fn run(&mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let permits = tokio::select! {
                permits = self.permits() => permits,
                _ = stop.changed() => break,
            };
            match self.round(permits).await {
                Ok(()) => {}
                Err(error) => {
                    tracing::warn!(%error, "the inbox could not be read: retrying");
                    self.given_after = Some("0".to_owned());
                    if is_without_group(&error)
                        && let Err(error) = self.inbox.make_group().await
                    {
                        tracing::warn!(%error, "the group of the inbox could not be created");
                    }
                    tokio::select! {
                        () = tokio::time::sleep(PAUSE) => {}
                        _ = stop.changed() => break,
                    }
                }
            }
        }
    }

    /// Permits for at least one user, as soon as there are some.
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
        let tickets = if let Some(after) = &self.given_after {
            let given = self.inbox.read_given(count, after).await?;
            self.given_after = given.last().map(|ticket| ticket.id.clone());
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
        for (ticket, permit) in tickets.into_iter().zip(permits) {
            self.begin(ticket, permit);
        }
        while self.running.try_join_next().is_some() {}
        Ok(())
    }

    fn begin(&mut self, ticket: Ticket, permit: OwnedSemaphorePermit) {
        if !self.held.ids().insert(ticket.id.clone()) {
            return;
        }
        let job = Job { ticket, held: self.held.clone(), _permit: permit };
        let clerk = self.clerk.clone();
        self.running.spawn(async move { clerk.work_off(&job.ticket).await });
    }
}

/// When a stream is deleted during a block, Redis 7.0 replies UNBLOCKED, later servers NOGROUP.
fn is_without_group(error: &ServiceError) -> bool {
    matches!(error, ServiceError::State(error) if matches!(word(error), Some("NOGROUP" | "UNBLOCKED")))
}
