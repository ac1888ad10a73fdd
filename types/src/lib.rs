//! The types that redis-state's server and its clients share.
//!
//! * [`Etag`], [`Expected`]: which version a caller has read, and which one a command expects
//! * [`Ttl`]: when a key expires
//! * [`ChangeKind`], [`Tally`]: the words of a change and of an attempt
//! * [`Violation`], [`prefix`]: why the server rejects a command
//! * [`audit_stream_key`]: the name of the audit stream beside a state
//! * [`limits`]: the limits that a client has to keep
//!
//! The server prints what this crate parses and the other way round, so both sides use one
//! definition. The crate has no dependencies: every user of the client builds it.

mod audit_stream;
mod change_kind;
mod etag;
pub mod limits;
pub mod prefix;
mod tally;
mod ttl;
mod violation;

pub use audit_stream::audit_stream_key;
pub use change_kind::ChangeKind;
pub use etag::{Etag, EtagBytes, Expected, VERSION_MAX};
pub use tally::Tally;
pub use ttl::{ExpiryOutOfRange, TIME_MAX_MS, Ttl};
pub use violation::Violation;
