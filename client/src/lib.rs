//! The client of redis-state: conversation state inside Redis, for programs in Rust.
//!
//! Any Redis client can send the commands (docs/commands.md). This crate adds typed documents,
//! retries and resends:
//!
//! * [`connect`] opens a connection with timeouts; [`States`] sends requests over it
//! * [`States::update_with`] reads, changes and writes, and retries on a conflict
//! * one request type for each command ([`Update`], [`Rollback`], [`Recover`], …), with a method
//!   for each keyword
//! * [`States::sync_schemas`] sets the schemas of a folder on every primary
//! * [`States::audit`] reads the audit stream of a state; [`AuditConsumer`] follows an audit stream
//!   or the server's feed, and loses no entry
//! * [`Watch`] follows a state; [`Listen`] subscribes to keyspace events
//! * [`Error`] has a method for each question of a program: [`is_conflict`](Error::is_conflict),
//!   [`violations`](Error::violations), …
//!
//! The crate uses [redis-rs](redis), re-exports it, and works with all of its connections. The same
//! methods serve async and blocking connections: see [`States`]. A crate on top of this one can do
//! the same by [`Driver`].
//!
//! # Features
//! * `tokio` (default): async connections
//! * `sync`: blocking connections
//! * `cluster`: connections to a Redis Cluster
//! * `sentinel`: connections to the primary that sentinels name
//! * `tls`: `rediss://` addresses, on each kind of connection

mod audit;
#[cfg(feature = "tokio")]
mod backoff;
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
pub use audit::{AuditEntry, AuditEvent, AuditJson, AuditRange, EntryId, audit_stream};
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
