//! The result of an import, user by user.
//!
//! A user whose data can't be imported is an outcome, not an error: one invalid key among thousands
//! must not end the run. An error affects the next user too.

use std::collections::BTreeMap;
use std::fmt;

use redis_state_client::{Error, ErrorKind, Etag};

/// The result of an import of one user or one key.
///
/// For an example see [`Importer`](crate::Importer).
#[derive(Clone, Debug)]
pub struct Import {
    /// The mobile number, or the key of the string; without the prefix of django-redis.
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
    /// No state is there, but one was, and has expired or was deleted: its audit stream shows it.
    /// [`Importer::again`](crate::Importer::again) imports it all the same.
    Ended,
    /// Rejected, for this reason; for a document that violates its schema, [`Error::violations`]
    /// has the pointers. The source is unchanged.
    Rejected(Error),
    /// None of the keys exists.
    NothingFound,
}

/// What an import of a whole database reports on its way.
///
/// For an example see [`Importer::all_cached_users`](crate::Importer::all_cached_users).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'e> {
    /// A source was found and imported, or not.
    Source(&'e Import),
    /// All sources of a batch of keys are done.
    Scanned(Progress),
}

/// How far an import of a whole database is.
///
/// For an example see [`Importer::all_cached_users`](crate::Importer::all_cached_users).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The keys that SCAN has returned, sources and others.
    pub scanned: u64,
    /// The keys of the database; at least as many as scanned.
    pub keys: u64,
}

/// A whole run: the number of each outcome, and the rejected sources.
///
/// [`Display`](fmt::Display) is one line of figures, and one for each reason of a rejection.
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
    /// Sources whose state has ended.
    pub ended: u64,
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
            Outcome::Ended => self.ended += 1,
            Outcome::NothingFound => self.nothing_found += 1,
            Outcome::Rejected(_) => self.rejected.push(import),
        }
    }

    /// The sources with data, whatever their outcome.
    pub fn found(&self) -> u64 {
        let rejected = u64::try_from(self.rejected.len()).unwrap_or(u64::MAX);
        self.created + self.would_create + self.already_there + self.ended + rejected
    }

    /// How many sources are rejected for each reason: the first word of the error, and for a value
    /// that can't be read what is wrong with it.
    pub fn reasons(&self) -> BTreeMap<String, u64> {
        let mut reasons = BTreeMap::new();
        for import in &self.rejected {
            if let Outcome::Rejected(error) = &import.outcome {
                *reasons.entry(reason(error)).or_default() += 1;
            }
        }
        reasons
    }
}

fn reason(error: &Error) -> String {
    let text = error.to_string();
    let end = if error.kind() == ErrorKind::BadJson { ": " } else { " " };
    text.split(end).next().unwrap_or_default().to_owned()
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { created, would_create, already_there, ended, nothing_found, rejected } = self;
        let (found, rejected) = (self.found(), rejected.len());
        write!(
            f,
            "{found} found: {created} created, {would_create} would be created, {already_there} already there, \
             {ended} ended, {rejected} rejected; {nothing_found} with nothing found"
        )?;
        self.reasons().iter().try_for_each(|(reason, count)| write!(f, "\n{count} rejected: {reason}"))
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
