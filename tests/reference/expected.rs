//! The optimistic lock: the version or etag that a writing command expects.

/// What a command expects; `E` is the test's form of an etag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected<E> {
    /// `*`
    Any,
    /// `0`: no state.
    Absent,
    Version(u64),
    Etag(E),
}

/// Why the expected state is not the present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    NoState,
    Conflict,
}

impl<E: PartialEq> Expected<E> {
    /// Compares with the version and etag of the present state. A command that `creates` a state
    /// may find none.
    pub fn check(&self, present: Option<(u64, &E)>, creates: bool) -> Result<(), Mismatch> {
        let is_met = match (self, present) {
            (Expected::Any, present) => present.is_some() || creates,
            (Expected::Absent, present) => present.is_none() && creates,
            (Expected::Version(number), present) => present.is_some_and(|(version, _)| version == *number),
            (Expected::Etag(etag), present) => present.is_some_and(|(_, present)| present == etag),
        };
        match present {
            _ if is_met => Ok(()),
            Some(_) => Err(Mismatch::Conflict),
            None => Err(Mismatch::NoState),
        }
    }
}
