//! The bot behind WhatsApp: receives webhooks, sends answers and notices of session expiry, as one
//! of any number of equal processes.
//!
//! ```text
//! WhatsApp --> webhook --> inbox --> a user's mailbox: Answers --> Graph API
//!                                 the server's feed --> session_end --> Graph API
//! ```
//!
//! Each arrow but the first ends in an acknowledgement, so a process may die anywhere: another
//! continues after the last acknowledgement. A process keeps nothing that would be missed.

mod config;
pub mod format;
mod graph;
mod inbox;
mod listen;
mod mailbox;
mod payload;
mod session_end;
mod statuses;
mod webhook;
mod work;

use std::net::SocketAddr;

use redis_state_client::{Async, Dedicated, States};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::message::Answers;

pub use config::{Config, Secret, place};
pub use graph::{Graph, Undelivered};
pub use mailbox::{CUT, HINT, SORRY};

/// Why the service can't start, or a message was put off.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The state server.
    #[error(transparent)]
    State(#[from] redis_state_client::Error),
    /// The state server sent an unexpected reply.
    #[error("the server: {0}")]
    Reply(&'static str),
    /// The address can't be listened on, or signals can't be handled.
    #[error("the system: {0}")]
    System(#[from] std::io::Error),
    /// No messages can be sent from here.
    #[error("sending messages: {0}")]
    Graph(#[from] reqwest::Error),
}

/// Runs until SIGTERM or SIGINT, then finishes work in progress.
pub async fn run<A: Answers>(config: Config, answers: A) -> Result<(), ServiceError> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let service = Service::start(config, answers).await?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    service.stop().await;
    Ok(())
}

/// A running service. Dropped, it stops at once like a killed process, except webhooks being
/// accepted; [`stop`](Service::stop) is the clean end.
pub struct Service {
    address: SocketAddr,
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
    grace: std::time::Duration,
}

impl Service {
    /// Listens, and starts to answer.
    pub async fn start<A: Answers>(config: Config, answers: A) -> Result<Service, ServiceError> {
        let graph = Graph::new(&config.graph_url, &config.phone_number_id, config.token.clone())?;
        let redis_url = config.redis_url.as_str();
        let states = redis_state_client::connect(redis_url).await?;
        // The reader decides about retries.
        let waiting: States<Async<Dedicated>> = States::new(Dedicated::open(redis_url).await?).resends(0);
        let names = inbox::Names {
            stream: config.inbox.clone(),
            group: config.group.clone(),
            consumer: config.name.clone(),
        };
        let inbox = inbox::Inbox::new(states.clone(), names, config.inbox_max, config.message_age_max);
        inbox.make_group().await?;
        let listener = TcpListener::bind(config.listen).await?;
        let address = listener.local_addr()?;

        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        if !config.feed.is_empty() {
            let (notice, claim_after) = (answers.session_ended(), config.claim_after);
            let teller = session_end::Teller { states, sender: graph.clone(), notice, claim_after };
            tasks.spawn(teller.run(session_end::open(&config).await?, stopped.clone()));
        }
        let router = webhook::router(&config, inbox.clone());
        let times = (config.at_once, config.claim_after);
        tasks.spawn(work::work(inbox, waiting, (answers, graph), times, stopped.clone()));
        tasks.spawn(listen::serve(listener, router, config.connections_max, stopped));
        tracing::info!(%address, name = config.name, "the bot listens");
        Ok(Service { address, tasks, stop, grace: config.grace })
    }

    /// The address for webhooks.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts no more, finishes work in progress, and ends after the configured grace period at
    /// most. Other processes claim what is unfinished.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let finished = async { while self.tasks.join_next().await.is_some() {} };
        match tokio::time::timeout(self.grace, finished).await {
            Ok(()) => tracing::info!("the bot has finished its work"),
            Err(_) => tracing::warn!("the bot ends with unfinished work, which other processes claim"),
        }
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("address", &self.address).finish_non_exhaustive()
    }
}
