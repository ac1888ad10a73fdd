//! The client of redis-state: conversation state inside Redis, for programs in Rust.
//!
//! Any Redis client can send the commands (docs/commands.md). This crate adds typed documents,
//! retries and resends:
//!
//! * [`connect`] opens a connection with timeouts; [`States`] sends requests over it
//! * [`States::update_with`] reads, changes and writes, and retries on a conflict
//! * one request type for each command ([`Update`], [`Rollback`], [`Recover`], …), with a method
//!   for each keyword; [`CommandLine`] is any other command of Redis
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

// Modules with macros come first.
#[macro_use]
mod decode;
#[macro_use]
mod request;
#[macro_use]
mod words;

mod audit;
#[cfg(feature = "tokio")]
mod backoff;
mod change;
mod connection;
mod driver;
mod error;
#[cfg(feature = "tokio")]
mod events;
mod resend;
mod schemas;
mod state;
mod states;
#[cfg(feature = "tokio")]
mod stream;
mod trace;
#[cfg(any(feature = "tokio", feature = "sync"))]
mod waiter;
#[cfg(feature = "tokio")]
mod watch;

// A folder's `mod.rs` re-exports nothing: its other files import from it, not the other way round.
pub use redis;
pub use redis_state_types::{ChangeKind, Etag, Expected, Violation};

pub use audit::{
    audit_stream,
    entry::{AuditEntry, AuditEvent, AuditJson},
    id::EntryId,
    range::AuditRange,
};
pub use change::Change;
pub use connection::address::{CONNECTION_TIMEOUT, RESPONSE_TIMEOUT, URL_DEFAULT, URL_VARIABLE, url};
pub use driver::Driver;
pub use error::{Error, ErrorKind, Result};
pub use request::Request;
pub use request::attempt::{Attempt, AttemptCounts, Attempted, Attempts, Tally, Try};
pub use request::delete::{Delete, Deleted};
pub use request::get::{Found, Get};
pub use request::history::{Diff, History, Patch, Version};
pub use request::line::CommandLine;
pub use request::meta::{Meta, Metadata};
pub use request::recover::{Recover, Recovered, Tried};
pub use request::reset::Reset;
pub use request::rollback::Rollback;
pub use request::schema::{
    SchemaBind, SchemaDel, SchemaGet, SchemaInfo, SchemaList, SchemaSet, SchemaUnbind, Validate,
};
pub use request::touch::Touch;
pub use request::wait::Wait;
pub use request::write::{Committed, SetProtected, Update, Verb, Write};
pub use resend::Resend;
pub use schemas::Schemas;
pub use schemas::report::{
    BindingOutcome, NodeReport, SchemaOutcome, SchemaReport, SyncedBinding, SyncedSchema,
};
pub use state::State;
pub use states::edit::Edit;
pub use states::send::Acknowledged;
pub use states::token::fresh as fresh_id;
pub use states::{CONFLICT_RETRIES, RESENDS, States};

#[cfg(feature = "tokio")]
pub use {
    audit::consume::{Consume, Start},
    audit::consumer::AuditConsumer,
    audit::delivered::Delivered,
    connection::connect,
    connection::dedicated::{Dedicated, WAIT_MAX},
    driver::Async,
    events::Events,
    events::event::{Changed, StateEvent},
    events::listen::Listen,
    waiter::connect_waiter,
    watch::Watch,
};

#[cfg(feature = "sync")]
pub use {
    connection::connect_blocking, connection::reconnecting::Reconnecting, driver::Blocking,
    waiter::connect_waiter_blocking,
};

#[cfg(any(feature = "tokio", feature = "sync"))]
pub use waiter::Waiter;

#[cfg(feature = "cluster")]
pub use {connection::connect_cluster, connection::redirecting::Redirecting};

#[cfg(feature = "sentinel")]
pub use {connection::connect_sentinel, connection::connect_sentinel_as, connection::watched::Watched};
