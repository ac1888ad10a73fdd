//! A proposed document, and how it becomes an outcome: the common part of all commands that make a
//! version.

use super::applicable_schema::ApplicableSchema;
use super::attempted;
use super::expiry::{deadlines_effect, expiry};
use super::lapsed_document::charge_lapses;
use crate::audit::entry::{CommitFacts, Entry, carries_document};
use crate::context::{Context, Metadata};
use crate::decide::outcome::{Outcome, StateChange};
use crate::error::Error;
use crate::json::node::Node;
use crate::json::tree::Tree;
use crate::json::written::WrittenMembers;
use crate::rung::Rung;
use crate::state::State;
use crate::state::attempts::Attempted;
use crate::state::deadlines::Deadlines;
use crate::state::document::Document;
use crate::state::effect::{Commit, Effect, Relabel};
use crate::state::history::{Dropped, History};
use crate::state::version::{Event, Label, Version};
use redis_state_types::{Etag, Ttl, VERSION_MAX};

/// A document and its deadlines.
struct Content {
    document: Document,
    deadlines: Deadlines,
}

/// A proposed version, before the checks that all commands that make a version share.
pub(super) struct Proposal<'a> {
    pub event: Event,
    /// The rung of a recovery.
    pub rung: Option<Rung>,
    pub parent: u64,
    /// The document of an existing state.
    pub before: Option<Node<'a>>,
    pub after: Tree<'static>,
    pub written: WrittenMembers<'a>,
    pub applicable: &'a ApplicableSchema,
    pub label: Option<&'a str>,
    pub ttl: Ttl,
    pub metadata: &'a Metadata,
}

impl Proposal<'_> {
    /// Checks the proposed document. Returns a commit; for an unchanged document only the label,
    /// attempt, deadlines and expiry.
    pub(super) fn into_outcome(self, state: Option<&State>, context: &Context) -> Result<Outcome, Error> {
        let (before, after) = (self.before, self.after.root());
        self.applicable.validate_result(after, state, before, context.budget)?;
        if matches!(self.event, Event::Create | Event::Update) {
            self.applicable.check_transitions(before, after)?;
        }
        let document = Document::from_tree(&self.after, context.limits)?;
        let deadlines = self.applicable.deadlines(state.zip(before), after, &self.written, context.now_ms)?;
        charge_lapses(self.applicable.schema.as_deref(), after, &deadlines, context.budget)?;
        let expires_at_ms = expiry(self.ttl, state, self.applicable.schema.as_deref(), &deadlines, context)?;
        let attempted = attempted::success(state, self.metadata, context)?;
        let content = Content { document, deadlines };
        match state {
            Some(state)
                if state.head().document == content.document
                    && !self.applicable.replaces_schema_of(state) =>
            {
                Ok(self.without_new_version(state, content.deadlines, expires_at_ms, attempted, context))
            }
            Some(state) => self.commit(state, content, expires_at_ms, attempted, context),
            None => Ok(self.create(content, expires_at_ms, attempted, context)),
        }
    }

    fn without_new_version(
        self,
        state: &State,
        deadlines: Deadlines,
        expires_at_ms: Option<i64>,
        attempted: Option<Attempted>,
        context: &Context,
    ) -> Outcome {
        let metadata = self.metadata;
        let is_audited = metadata.event_name.is_some() || metadata.note.is_some() || self.label.is_some();
        let relabel = self.relabel(state.history(), state.head().number, context).map(Effect::Relabel);
        let entry = match &attempted {
            Some(attempted) => Some(Entry::attempt(state, attempted, metadata, context)),
            None => is_audited.then(|| Entry::note(state, metadata, context)),
        };
        let attempted = attempted.map(Effect::Attempt);
        let effects =
            relabel.into_iter().chain(attempted).chain(deadlines_effect(state, deadlines)).collect();
        // A recovery is an event even when it makes no version.
        let event = self.rung.map(|_| self.event);
        Outcome::of_change(StateChange { effects, expires_at_ms, entry, event }, state.etag())
    }

    fn create(
        self,
        content: Content,
        expires_at_ms: Option<i64>,
        attempted: Option<Attempted>,
        context: &Context,
    ) -> Outcome {
        let schema = self.applicable.reference();
        // A rebuilt state continues from its last version.
        let number = self.parent.saturating_add(1);
        let head = self.version(number, content, context);
        let mut state = State::new(context.etag_keys, context.now_ms, schema, head);
        if let Some(relabel) = self.relabel(state.history(), number, context) {
            state.relabel(relabel);
        }
        if let Some(attempted) = attempted {
            state.attempt(attempted);
        }
        let etag = state.etag();
        let (event, entry) = (Some(self.event), Some(self.entry(etag, context)));
        let effects = vec![Effect::Put(Box::new(state))];
        Outcome::of_change(StateChange { effects, expires_at_ms, entry, event }, etag)
    }

    fn commit(
        mut self,
        state: &State,
        content: Content,
        expires_at_ms: Option<i64>,
        attempted: Option<Attempted>,
        context: &Context,
    ) -> Result<Outcome, Error> {
        let present = state.head().number;
        let number =
            present.checked_add(1).filter(|number| *number <= VERSION_MAX).ok_or(Error::LastVersion)?;
        let turn_goes_on =
            self.metadata.turn.is_some() && self.metadata.turn.as_deref() == state.head().turn.as_deref();
        let keys = state.etag_keys.or_key_of(context.etag_keys);
        let label = self.label.map(|name| Label { name: name.into(), version: number });
        let mut dropped: Dropped = state.history().plan(Some(present), turn_goes_on, label, context.limits);
        if turn_goes_on && dropped.versions.contains(&present) && self.parent == present {
            // Its way back begins where that of the version begins which it replaces.
            self.parent = state.head().parent;
        }
        self.applicable.drop_unmasked(state, self.label, &mut dropped);
        let version = self.version(number, content, context);
        let (label, schema) = (self.label.map(Into::into), self.applicable.reference());
        let commit = Commit::on(state, version, keys, schema, label, dropped);
        let etag = Etag { version: number, digest: commit.digest };
        let (event, entry) = (Some(self.event), Some(self.entry(etag, context)));
        let commit = Effect::Commit(Box::new(commit));
        let effects = std::iter::once(commit).chain(attempted.map(Effect::Attempt)).collect();
        Ok(Outcome::of_change(StateChange { effects, expires_at_ms, entry, event }, etag))
    }

    /// The label that the command sets for the present version, which has this number.
    fn relabel(&self, history: &History, number: u64, context: &Context) -> Option<Relabel> {
        let name = self.label?;
        let label = Label { name: name.into(), version: number };
        let dropped = history.plan(None, false, Some(label), context.limits);
        Some(Relabel { label: name.into(), dropped })
    }

    fn version(&self, number: u64, content: Content, context: &Context) -> Version {
        let Content { document, deadlines } = content;
        let actor = self.metadata.actor.as_deref().map(Into::into);
        let has_secret = self.applicable.has_secret(self.after.root());
        let (parent, at_ms, event) = (self.parent, context.now_ms, self.event);
        let turn = self.metadata.turn.as_deref().map(Into::into);
        Version { number, parent, at_ms, event, actor, turn, has_secret, deadlines, document }
    }

    fn entry(self, etag: Etag, context: &Context) -> Entry {
        let (before, after) = (self.before, self.after.root());
        let records_document = before.is_none() || carries_document(etag.version);
        let masked = self.applicable.masked(before, after, records_document);
        let (before, after) = match &masked {
            Some((before, after)) => (before.as_ref().map(Tree::root), after.root()),
            None => (before, after),
        };
        let facts = CommitFacts {
            event: self.event,
            rung: self.rung,
            etag,
            parent: self.parent,
            schema: self.applicable.name(),
            records_document,
        };
        Entry::commit(facts, before, after, self.metadata, context)
    }
}
