//! STATE.DELETE: the deletion of a state, with an audit entry.

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
    /// `PURGE`: delete the audit stream too.
    pub purge: bool,
    /// `EVENT`, `ACTOR`, `NOTE`
    pub metadata: Metadata,
}

/// Decides a deletion.
///
/// Errors: `NOSTATE`, `CONFLICT`.
pub fn delete(state: Option<&State>, request: &Delete, context: &Context) -> Outcome<()> {
    let mut outcome = recording_rejections(state, &request.metadata, Ttl::Keep, context, |state| {
        let state = state.ok_or(Error::NoState)?;
        check_expected(state, request.expected)?;
        let entry = Entry::delete(state, &request.metadata, context);
        let writes = vec![Write::Delete { entry, purge: request.purge }];
        Ok(Outcome { writes, course: Course::Plain, reply: Ok(()) })
    });
    if request.purge && outcome.reply.is_ok() {
        // Due lapses go with the state and its audit stream.
        outcome.writes.retain(|write| matches!(write, Write::Delete { .. }));
    }
    outcome
}
