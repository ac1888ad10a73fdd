//! Whether a state is the one that the caller has read.

use crate::error::Error;
use crate::etag::Expected;
use crate::state::State;

/// Refuses a state other than the one that was expected.
pub(super) fn check_expected(state: &State, expected: Expected) -> Result<(), Error> {
    let current = state.etag();
    if expected.admits(current) { Ok(()) } else { Err(Error::Conflict { expected, current }) }
}
