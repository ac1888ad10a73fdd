//! The bot behind WhatsApp: webhooks in, answers out, session ends told. One process of any number
//! that are the same.
//!
//! ```text
//! WhatsApp --> webhook --> inbox --> a person's mailbox: Answers --> Graph API
//!                                 the server's feed --> ends --> Graph API
//! ```
//!
//! Each arrow but the first ends in an acknowledgement, so a process may die anywhere: another goes
//! on where the last acknowledgement stands. Nothing is kept in a process that would be missed.

mod config;
mod ends;
mod graph;
mod inbox;
mod listen;
mod mailbox;
mod payload;
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

/// Why the service can't begin, or something in it was put off.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The state server.
    #[error(transparent)]
    State(#[from] redis_state_client::Error),
    /// The state server sent an unexpected reply.
    #[error("the server: {0}")]
    Reply(&'static str),
    /// The address can't be listened on, or the process can't be told to stop.
    #[error("the system: {0}")]
    System(#[from] std::io::Error),
    /// No messages can be sent from here.
    #[error("sending messages: {0}")]
    Graph(#[from] reqwest::Error),
}

/// Runs until the process is told to stop by SIGTERM or SIGINT, then finishes what it has begun.
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

/// A service that runs. Dropped, it dies on the spot, as its process would, but for webhooks that
/// are being taken in; [`stop`](Service::stop) is the orderly end.
pub struct Service {
    address: SocketAddr,
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
    grace: std::time::Duration,
}

impl Service {
    /// Listens, and begins to answer.
    pub async fn start<A: Answers>(config: Config, answers: A) -> Result<Service, ServiceError> {
        let graph = Graph::new(&config.graph_url, &config.phone_number_id, config.token.clone())?;
        let redis_url = config.redis_url.as_str();
        let states = redis_state_client::connect(redis_url).await?;
        // Whether to try again is for its reader to say.
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
            let (text, claim_after) = (answers.session_ended(), config.claim_after);
            let teller = ends::Teller { states, sender: graph.clone(), text, claim_after };
            tasks.spawn(teller.run(ends::open(&config).await?, stopped.clone()));
        }
        let router = webhook::router(&config, inbox.clone());
        let times = (config.at_once, config.claim_after);
        tasks.spawn(work::work(inbox, waiting, (answers, graph), times, stopped.clone()));
        tasks.spawn(listen::serve(listener, router, config.connections_max, stopped));
        tracing::info!(%address, name = config.name, "the bot listens");
        Ok(Service { address, tasks, stop, grace: config.grace })
    }

    /// Where webhooks come in.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more, finishes what was begun, and ends: after the configured grace in any case.
    /// What is not finished by then another process takes up.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let finished = async { while self.tasks.join_next().await.is_some() {} };
        match tokio::time::timeout(self.grace, finished).await {
            Ok(()) => tracing::info!("the bot has finished what it had begun"),
            Err(_) => tracing::warn!("the bot ends with something unfinished, which others take up"),
        }
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("address", &self.address).finish_non_exhaustive()
    }
}
