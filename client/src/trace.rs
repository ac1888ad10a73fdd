//! Spans and events, with the names of OpenTelemetry's semantic conventions for databases.
//!
//! A span has the command's name and its result, and never an argument: a change may contain a
//! secret, a key may be a telephone number.

use redis_state_types::Etag;
use tracing::field::Empty;
use tracing::{Level, Span, span};

use crate::error::{Error, ErrorKind};

/// The span of one command, resends included.
pub(crate) fn command(name: &'static str) -> Span {
    span!(
        Level::DEBUG,
        "redis_state",
        otel.name = name,
        otel.kind = "client",
        otel.status_code = Empty,
        db.system.name = "redis",
        db.operation.name = name,
        db.response.status_code = Empty,
        error.r#type = Empty,
        redis_state.resends = Empty,
    )
}

/// Records the result of a command. A conflict is an ordinary reply, not a failure of the database.
pub(crate) fn ended(span: &Span, error: Option<&Error>, resends: usize) {
    if resends > 0 {
        span.record("redis_state.resends", resends);
    }
    let Some(error) = error else { return };
    let kind = error.kind();
    span.record("error.type", tracing::field::debug(kind));
    if let Some(word) = error.redis_error().and_then(redis::RedisError::code) {
        span.record("db.response.status_code", word);
    }
    if kind != ErrorKind::Conflict {
        span.record("otel.status_code", "ERROR");
    }
}

/// A conflict that is retried.
pub(crate) fn conflict(attempt: usize, current: Option<Etag>) {
    let version = current.map(|etag| etag.version);
    tracing::debug!(attempt, version, "conflict: reading again");
}
