//! The result of an import, user by user.
//!
//! A user whose data can't be imported is an outcome, not an error: one invalid key among thousands
//! must not end the run. An error affects the next user too.

use std::fmt;

use redis_state_client::{Error, ErrorKind, Etag};

/// The result of an import of one user or one key.
///
/// For an example see [`Importer`](crate::Importer).
#[derive(Clone, Debug)]
pub struct Import {
    /// The mobile number, or the key of the string.
    pub source: String,
    /// The key of the state.
    pub target: String,
    /// The outcome.
    pub outcome: Outcome,
}

/// The outcome for one source.
///
/// For an example see [`Importer`](crate::Importer).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The state is created, or an earlier run's is completed.
    Created(Etag),
    /// A dry run: it would be created.
    WouldCreate,
    /// A state with this etag exists and was not changed: an earlier run or the user has created
    /// it.
    AlreadyThere(Etag),
    /// Rejected, for this reason; for a document that violates its schema, [`Error::violations`]
    /// has the pointers. The source is unchanged.
    Rejected(Error),
    /// None of the keys exists.
    NothingFound,
}

/// A whole run: the number of each outcome, and the rejected sources.
///
/// [`Display`](fmt::Display) is one line of figures.
///
/// For an example see [`Importer`](crate::Importer).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Summary {
    /// States that were created or completed.
    pub created: u64,
    /// States that a dry run would create.
    pub would_create: u64,
    /// States that existed.
    pub already_there: u64,
    /// Sources without data.
    pub nothing_found: u64,
    /// Rejected sources, with the reasons.
    pub rejected: Vec<Import>,
}

impl Summary {
    pub(super) fn add(&mut self, import: Import) {
        match import.outcome {
            Outcome::Created(_) => self.created += 1,
            Outcome::WouldCreate => self.would_create += 1,
            Outcome::AlreadyThere(_) => self.already_there += 1,
            Outcome::NothingFound => self.nothing_found += 1,
            Outcome::Rejected(_) => self.rejected.push(import),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { created, would_create, already_there, nothing_found, rejected } = self;
        let rejected = rejected.len();
        write!(
            f,
            "{created} created, {would_create} would be created, {already_there} already there, {rejected} rejected, \
             {nothing_found} with nothing found"
        )
    }
}

/// Whether an error is about this source only; any other affects the next one too.
pub(super) fn is_about_the_source(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Conflict
            | ErrorKind::NoState
            | ErrorKind::IdMismatch
            | ErrorKind::Invalid
            | ErrorKind::Transition
            | ErrorKind::Protected
            | ErrorKind::Immutable
            | ErrorKind::BadJson
            | ErrorKind::TooBig
            | ErrorKind::TooDeep
            | ErrorKind::TooCostly
            | ErrorKind::BadSchema
            | ErrorKind::BadKey
            | ErrorKind::WrongType
            | ErrorKind::NoPermission
            | ErrorKind::Unexpected
            | ErrorKind::Command
    )
}
