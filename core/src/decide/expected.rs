//! The check of the expected version.

use crate::error::Error;
use crate::state::State;
use redis_state_types::Expected;

/// Rejects a state whose etag differs from the expected one.
pub(super) fn check_expected(state: &State, expected: Expected) -> Result<(), Error> {
    let current = state.etag();
    if expected.admits(current) { Ok(()) } else { Err(Error::Conflict { expected, current }) }
}
