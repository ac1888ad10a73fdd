//! The client of redis-state: conversation state inside Redis, for programs in Rust.
//!
//! The commands need no client of their own: any Redis client can send them (docs/commands.md). This crate makes the right
//! thing the short thing:
//!
//! * [`connect`] finds the server, with times that are set on purpose; [`States`] is the connection and what belongs around it
//! * [`States::update_with`] reads, changes and writes, and does so again when somebody else was faster
//! * a request for each command ([`Update`], [`Rollback`], [`Recover`], …), for whatever needs more to say
//! * [`States::sync_schemas`] makes every primary have the schemas of a folder
//! * [`channel`] is the state manager of a bot: accessors, operations and the roles of its components
//! * [`States::audit`] reads the trail of a state, [`AuditConsumer`] follows a trail or the server's feed and loses nothing,
//!   [`Watch`] shows a state as it changes, [`Listen`] hears keyspace events
//! * [`Error`] answers questions: [`is_conflict`](Error::is_conflict), [`violations`](Error::violations), …
//!
//! It stands on [redis-rs](redis), which it re-exports, and works with all of its connections. Async and blocking calls are
//! the same methods: see [`States`].
//!
//! # Features
//! * `tokio` (default): async connections
//! * `sync`: blocking connections
//! * `cluster`: connections to a Redis Cluster
//! * `sentinel`: connections to the primary that sentinels name
//! * `tls`: addresses that begin with `rediss://`, on each kind of connection

mod audit;
mod change;
mod connect;
mod decode;
#[cfg(feature = "tokio")]
mod dedicated;
mod driver;
mod error;
#[cfg(feature = "tokio")]
mod events;
#[cfg(feature = "tokio")]
mod patience;
#[cfg(feature = "tokio")]
mod pump;
#[cfg(feature = "sync")]
mod reconnecting;
#[cfg(feature = "cluster")]
mod redirecting;
#[macro_use]
mod request;
mod resend;
mod schemas;
#[cfg(feature = "sentinel")]
mod sentinel;
mod state;
mod states;
mod trace;
#[cfg(any(feature = "tokio", feature = "sync"))]
mod waiter;
#[cfg(feature = "tokio")]
mod watch;

pub use redis;
pub use redis_state_types::{ChangeKind, Etag, Expected, Violation};

#[cfg(feature = "tokio")]
pub use audit::{AuditConsumer, Consume, Delivered, Start};
pub use audit::{AuditEntry, AuditEvent, AuditJson, EntryId, Trail, audit_stream};
pub use change::Change;
#[cfg(feature = "tokio")]
pub use connect::connect;
#[cfg(feature = "sync")]
pub use connect::connect_blocking;
#[cfg(feature = "cluster")]
pub use connect::connect_cluster;
pub use connect::{CONNECTION_TIMEOUT, RESPONSE_TIMEOUT, URL_DEFAULT, URL_VARIABLE, url};
#[cfg(feature = "sentinel")]
pub use connect::{connect_sentinel, connect_sentinel_as};
#[cfg(feature = "tokio")]
pub use dedicated::{Dedicated, WAIT_MAX};
#[cfg(feature = "tokio")]
pub use driver::Async;
#[cfg(feature = "sync")]
pub use driver::Blocking;
pub use driver::Driver;
pub use error::{Error, ErrorKind, Result};
#[cfg(feature = "tokio")]
pub use events::{Changed, Events, Listen, StateEvent};
#[cfg(feature = "sync")]
pub use reconnecting::Reconnecting;
#[cfg(feature = "cluster")]
pub use redirecting::Redirecting;
pub use request::{
    Attempt, AttemptCounts, Attempted, Attempts, Committed, Delete, Diff, Found, Get, History, Meta,
    Metadata, Recover, Recovered, Request, Resend, Reset, Rollback, SchemaBind, SchemaDel, SchemaGet,
    SchemaInfo, SchemaList, SchemaSet, SchemaUnbind, SetProtected, Tally, Touch, Tried, Try, Update,
    Validate, Verb, Version, Wait, Write,
};
pub use schemas::{
    BindingOutcome, NodeReport, SchemaOutcome, SchemaReport, Schemas, SyncedBinding, SyncedSchema,
};
#[cfg(feature = "sentinel")]
pub use sentinel::Watched;
pub use state::State;
pub use states::token::fresh as fresh_id;
pub use states::{Acknowledged, CONFLICT_RETRIES, Edit, RESENDS, States};
#[cfg(any(feature = "tokio", feature = "sync"))]
pub use waiter::Waiter;
#[cfg(feature = "tokio")]
pub use waiter::connect_waiter;
#[cfg(feature = "sync")]
pub use waiter::connect_waiter_blocking;
#[cfg(feature = "tokio")]
pub use watch::Watch;
