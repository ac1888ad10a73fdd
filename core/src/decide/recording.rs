//! The common frame of commands: due lapses come first, and a rejection leaves its audit entry.

use super::attempted::failed_attempt;
use super::lapse::due_lapses;
use super::outcome::{Course, Outcome, Write};
use crate::audit::entry::Entry;
use crate::context::{Context, Metadata};
use crate::error::Error;
use crate::state::State;
use redis_state_types::Ttl;

/// Decides a command on the state as its due lapses leave it; they are the first writes of the
/// outcome. A rejection is recorded, with the metadata of the command.
pub(super) fn recording_rejections<T>(
    state: Option<&State>,
    metadata: &Metadata,
    ttl: Ttl,
    context: &Context,
    decide: impl FnOnce(Option<&State>) -> Result<Outcome<T>, Error>,
) -> Outcome<T> {
    after_lapses(state, context, |state| {
        decide(state).unwrap_or_else(|error| rejected(error, state, metadata, ttl, context))
    })
}

/// As [`recording_rejections`], for a command whose errors are not recorded.
pub(super) fn after_lapses<T>(
    state: Option<&State>,
    context: &Context,
    decide: impl FnOnce(Option<&State>) -> Outcome<T>,
) -> Outcome<T> {
    match state.filter(|state| state.head().deadlines.first_ms().is_some()) {
        None => decide(state),
        Some(state) => {
            let (state, lapses) = due_lapses(state, context);
            decide(Some(&state)).preceded_by(lapses)
        }
    }
}

/// The outcome of an error: a rejection counts as a failed attempt at the operation that the
/// command names, and gets an audit entry; a conflict gets one with `state.audit-conflicts`.
fn rejected<T>(
    error: Error,
    state: Option<&State>,
    metadata: &Metadata,
    ttl: Ttl,
    context: &Context,
) -> Outcome<T> {
    if matches!(error, Error::Replayed { .. }) {
        return Outcome { course: Course::Replayed, ..Outcome::failed(error) };
    }
    let is_conflict = matches!(error, Error::Conflict { .. });
    if !is_conflict && !error.is_rejection() {
        return Outcome::failed(error);
    }
    let mut writes = Vec::new();
    if error.is_rejection() {
        let failed = state.and_then(|state| failed_attempt(state, ttl, &error, metadata, context));
        writes.extend(failed.map(Write::Change));
    }
    if error.is_rejection() || context.limits.audit_conflicts {
        let entry = Entry::reject(&error, state, metadata, context);
        writes.push(Write::reject(entry, state, context));
    }
    Outcome { writes, course: Course::Rejected, reply: Err(error) }
}

impl Write {
    /// An entry that counts towards `state.audit-rejects`.
    pub(super) fn reject(entry: Entry, state: Option<&State>, context: &Context) -> Write {
        Write::Reject { entry, suppressed: Entry::suppressed(state, context) }
    }
}
