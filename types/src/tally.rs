//! The outcomes of an attempt.

/// What STATE.ATTEMPT records of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tally {
    /// The operation succeeded.
    Success,
    /// The operation failed.
    Failure,
    /// Resets the counters to 0; the history stays.
    Clear,
}

impl Tally {
    /// The word in commands and in the audit stream.
    pub fn as_str(self) -> &'static str {
        match self {
            Tally::Success => "success",
            Tally::Failure => "failure",
            Tally::Clear => "clear",
        }
    }
}
