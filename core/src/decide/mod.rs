//! The commands as pure functions: a state, a request and the circumstances in; an [`Outcome`] or a refusal out.
//!
//! Nothing is changed here. Whoever asked carries the outcome out, all of it or nothing (invariants I1 and I3).

mod delete;
mod rollback;
mod touch;
mod update;

use std::sync::Arc;

use serde_json::Value;

use crate::audit::{CommitFacts, Entry};
use crate::document::Document;
use crate::error::Error;
use crate::etag::{Etag, Expected, VERSION_MAX};
use crate::expiry::Ttl;
use crate::history::{Dropped, Label, Version};
use crate::limits::Limits;
use crate::schema::{Registry, Schema};
use crate::state::{Commit, Effect, Event, Relabel, State};

pub use delete::delete;
pub use rollback::{Rollback, Target, rollback};
pub use touch::touch;
pub use update::{Update, update};

/// What a command knows besides its arguments; read once and passed down (invariant I2).
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The clock, in Unix milliseconds.
    pub now_ms: i64,
    /// 64 random bits for the seed of a state that may be created.
    pub seed: u64,
    /// The ACL user who sent the command.
    pub user: &'a str,
    /// The limits in force.
    pub limits: &'a Limits,
    /// The schemas in force.
    pub registry: &'a Registry,
    /// The key's present expiry, if it has one.
    pub expires_at_ms: Option<i64>,
}

/// What a caller says about a command, for whoever reads the trail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remarks {
    /// `EVENT`: what happened, in the caller's words.
    pub name: Option<String>,
    /// `ACTOR`: which part of the caller did it.
    pub actor: Option<String>,
    /// `NOTE`: anything else.
    pub note: Option<String>,
}

/// What a command comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What happens to the state; `None` when the document stays as it is.
    pub effect: Option<Effect>,
    /// The event of the new version, if there is one.
    pub event: Option<Event>,
    /// The etag of the state once this is carried out.
    pub etag: Etag,
    /// When the key expires from now on.
    pub expires_at_ms: Option<i64>,
    /// What the audit stream says about it.
    pub entry: Option<Entry>,
}

impl Outcome {
    /// The document once this is carried out, given the state before.
    pub fn document<'a>(&'a self, before: Option<&'a State>) -> &'a str {
        match (&self.effect, before) {
            (Some(Effect::Put(state)), _) => state.head().document.text(),
            (Some(Effect::Commit(commit)), _) => commit.version.document.text(),
            (_, Some(state)) => state.head().document.text(),
            (_, None) => "",
        }
    }
}

/// Refuses a state other than the one that was expected.
fn check_expected(state: &State, expected: Expected) -> Result<(), Error> {
    let current = state.etag();
    if expected.admits(current) { Ok(()) } else { Err(Error::Conflict { expected, current }) }
}

/// The schema that counts for a command on `state`, when it names `named`.
fn schema_for(
    registry: &Registry,
    state: Option<&State>,
    named: Option<&str>,
) -> Result<Option<Arc<Schema>>, Error> {
    let own = state.map(|state| state.schema().map(|schema| &*schema.name));
    let name = match (own, named) {
        (None, named) => named,
        (Some(own), named) if named.is_none() || own == named => own,
        (Some(Some(own)), _) => {
            return Err(Error::BadSchema { reason: format!("the state obeys {own}: name that one or none") });
        }
        (Some(None), _) => {
            let reason =
                "the state was created without a schema: delete it and create it with one".to_owned();
            return Err(Error::BadSchema { reason });
        }
    };
    name.map(|name| registry.get(name).cloned()).transpose()
}

/// The expiry that `ttl` asks for.
fn expiry(
    ttl: Ttl,
    state: Option<&State>,
    schema: Option<&Schema>,
    context: &Context,
) -> Result<Option<i64>, Error> {
    let default_ms = schema.and_then(Schema::ttl_ms).unwrap_or(context.limits.default_ttl_ms);
    ttl.resolve(context.now_ms, state.map(|_| context.expires_at_ms), default_ms)
}

/// Everything that UPDATE and ROLLBACK have in common once they know what the document shall be.
struct Proposal<'a> {
    event: Event,
    parent: u64,
    value: Value,
    schema: Option<&'a Schema>,
    label: Option<&'a str>,
    ttl: Ttl,
    remarks: &'a Remarks,
}

impl Proposal<'_> {
    /// Checks the proposed document and makes it an outcome: a commit, or less when nothing changes.
    fn settle(self, state: Option<&State>, context: &Context) -> Result<Outcome, Error> {
        if !self.value.is_object() {
            return Err(Error::not_an_object());
        }
        if let Some(schema) = self.schema {
            schema.check(&self.value)?;
        }
        let document = Document::from_value(&self.value, context.limits)?;
        let expires_at_ms = expiry(self.ttl, state, self.schema, context)?;
        match state {
            Some(state) if state.head().document == document => {
                Ok(self.unchanged(state, expires_at_ms, context))
            }
            Some(state) => self.commit(state, document, expires_at_ms, context),
            None => Ok(self.create(document, expires_at_ms, context)),
        }
    }

    fn unchanged(self, state: &State, expires_at_ms: Option<i64>, context: &Context) -> Outcome {
        let remarks = self.remarks;
        let noted = remarks.name.is_some() || remarks.note.is_some() || self.label.is_some();
        let effect = self.label.map(|name| {
            let label = Label { name: name.into(), version: state.head().number };
            let dropped = state.history().plan(None, Some(label), context.limits);
            Effect::Relabel(Relabel { label: name.into(), dropped })
        });
        let entry = noted.then(|| Entry::note(state, remarks, context));
        Outcome { effect, event: None, etag: state.etag(), expires_at_ms, entry }
    }

    fn create(self, document: Document, expires_at_ms: Option<i64>, context: &Context) -> Outcome {
        let schema = self.schema.map(|schema| schema.reference().clone());
        let head = self.version(1, document, context);
        let mut state = State::new(context.seed, context.now_ms, schema, head);
        if let Some(name) = self.label {
            let label = Label { name: name.into(), version: 1 };
            let dropped = state.history().plan(None, Some(label.clone()), context.limits);
            state.history.settle(Some(label), &dropped);
        }
        let entry = self.entry(state.etag(), None, context);
        Outcome {
            etag: state.etag(),
            effect: Some(Effect::Put(Box::new(state))),
            event: Some(self.event),
            expires_at_ms,
            entry: Some(entry),
        }
    }

    fn commit(
        self,
        state: &State,
        document: Document,
        expires_at_ms: Option<i64>,
        context: &Context,
    ) -> Result<Outcome, Error> {
        let present = state.head().number;
        let number =
            present.checked_add(1).filter(|number| *number <= VERSION_MAX).ok_or(Error::LastVersion)?;
        let version = self.version(number, document, context);
        let etag = state.etag_of(&version);
        let label = self.label.map(|name| Label { name: name.into(), version: number });
        let dropped: Dropped = state.history().plan(Some(present), label, context.limits);
        let entry = self.entry(etag, Some(&state.head().document.value()), context);
        let commit = Commit {
            version,
            schema: self.schema.map(|schema| schema.reference().clone()),
            label: self.label.map(Into::into),
            dropped,
        };
        Ok(Outcome {
            effect: Some(Effect::Commit(Box::new(commit))),
            event: Some(self.event),
            etag,
            expires_at_ms,
            entry: Some(entry),
        })
    }

    fn version(&self, number: u64, document: Document, context: &Context) -> Version {
        let actor = self.remarks.actor.as_deref().map(Into::into);
        Version { number, parent: self.parent, at_ms: context.now_ms, event: self.event, actor, document }
    }

    fn entry(&self, etag: Etag, before: Option<&Value>, context: &Context) -> Entry {
        let schema = self.schema.map(|schema| &*schema.reference().name);
        let facts = CommitFacts { event: self.event.as_str(), etag, parent: self.parent, schema };
        Entry::commit(facts, before, &self.value, self.remarks, context)
    }
}
