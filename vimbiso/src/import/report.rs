//! What an import did, user by user.
//!
//! A user whose data can't be taken over is an outcome and no error: one broken key among many
//! thousands shall not end the run. An error is what would meet the next user too.

use std::fmt;

use redis_state_client::{Error, ErrorKind, Etag};

/// What an import did with one user or one key.
///
/// For an example see [`Importer`](crate::Importer).
#[derive(Clone, Debug)]
pub struct Import {
    /// The mobile number, or the key that was read.
    pub source: String,
    /// The key of the state.
    pub target: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of one source.
///
/// For an example see [`Importer`](crate::Importer).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The state is made, or one that an earlier run had begun is finished.
    Created(Etag),
    /// A dry run: it would be made.
    WouldCreate,
    /// A state is there, with this etag, and was left as it is: an earlier run made it, or the user
    /// is there already.
    AlreadyThere(Etag),
    /// Nothing was made, for this reason; of a document that breaks its schema,
    /// [`Error::violations`] has the pointers. What was read is as it was.
    Refused(Error),
    /// None of the keys is there.
    NothingFound,
}

/// A whole run: how often each outcome came, and which sources were rejected.
///
/// [`Display`](fmt::Display) is one line of figures.
///
/// For an example see [`Importer`](crate::Importer).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Summary {
    /// States that were made or finished.
    pub created: u64,
    /// States that a dry run would make.
    pub would_create: u64,
    /// States that were there.
    pub already_there: u64,
    /// Sources with nothing in them.
    pub nothing_found: u64,
    /// Those that were rejected, with the reasons.
    pub refused: Vec<Import>,
}

impl Summary {
    pub(super) fn add(&mut self, import: Import) {
        match import.outcome {
            Outcome::Created(_) => self.created += 1,
            Outcome::WouldCreate => self.would_create += 1,
            Outcome::AlreadyThere(_) => self.already_there += 1,
            Outcome::NothingFound => self.nothing_found += 1,
            Outcome::Refused(_) => self.refused.push(import),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { created, would_create, already_there, nothing_found, refused } = self;
        let refused = refused.len();
        write!(
            f,
            "{created} created, {would_create} would be created, {already_there} already there, {refused} refused, \
             {nothing_found} with nothing found"
        )
    }
}

/// Whether an error is about this one source; any other would meet the next one too.
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
