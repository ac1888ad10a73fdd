//! STATE.DELETE: the deletion of a state, with an audit entry.

use super::expected::check_expected;
use crate::audit::entry::Entry;
use crate::context::{Context, Metadata};
use crate::error::Error;
use crate::etag::Expected;
use crate::state::State;

/// Decides a deletion; returns its audit entry.
///
/// Errors: `NOSTATE`, `CONFLICT`.
pub fn delete(
    state: Option<&State>,
    expected: Expected,
    metadata: &Metadata,
    context: &Context,
) -> Result<Entry, Error> {
    let state = state.ok_or(Error::NoState)?;
    check_expected(state, expected)?;
    Ok(Entry::delete(state, metadata, context))
}
