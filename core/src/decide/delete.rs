//! STATE.DELETE: the deletion of a state, with an audit entry; with PURGE that of all data about a
//! key, whether it has a state or not.

use super::expected::check_expected;
use super::outcome::{Course, Outcome, Write};
use super::recording::recording_rejections;
use crate::audit::entry::Entry;
use crate::context::{Context, Metadata};
use crate::error::Error;
use crate::state::State;
use redis_state_types::{Expected, Ttl};

/// The request of a deletion.
#[derive(Clone, Debug)]
pub struct Delete {
    /// The expected version.
    pub expected: Expected,
    /// `PURGE`: delete the audit stream too, also one that a state has left.
    pub purge: bool,
    /// `EVENT`, `ACTOR`, `NOTE`
    pub metadata: Metadata,
}

/// Decides a deletion.
///
/// Errors: `NOSTATE`, but with PURGE only where a state is expected; `CONFLICT`.
pub fn delete(state: Option<&State>, request: &Delete, context: &Context) -> Outcome<()> {
    let mut outcome = recording_rejections(state, &request.metadata, Ttl::Keep, context, |state| {
        match state {
            Some(state) => check_expected(state, request.expected)?,
            None if request.purge && matches!(request.expected, Expected::Any | Expected::Absent) => {}
            None => return Err(Error::NoState),
        }
        let entry = state.filter(|_| !request.purge);
        let entry = entry.map(|state| Entry::delete(state, &request.metadata, context));
        Ok(Outcome { writes: vec![Write::Delete { entry }], course: Course::Plain, reply: Ok(()) })
    });
    if request.purge && outcome.reply.is_ok() {
        // Due lapses go with the state and its audit stream.
        outcome.writes.retain(|write| matches!(write, Write::Delete { .. }));
    }
    outcome
}
