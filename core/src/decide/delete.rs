//! STATE.DELETE: the end of a state, on purpose and on the record.

use super::expected::check_expected;
use crate::audit::entry::Entry;
use crate::context::{Context, Remarks};
use crate::error::Error;
use crate::etag::Expected;
use crate::state::State;

/// Decides a deletion; returns what the audit stream says about it.
///
/// Errors: `NOSTATE`, `CONFLICT`.
pub fn delete(
    state: Option<&State>,
    expected: Expected,
    remarks: &Remarks,
    context: &Context,
) -> Result<Entry, Error> {
    let state = state.ok_or(Error::NoState)?;
    check_expected(state, expected)?;
    Ok(Entry::delete(state, remarks, context))
}
