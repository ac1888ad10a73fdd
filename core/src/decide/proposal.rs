//! The commands as pure functions: a state, a request and the circumstances in; an [`Outcome`] or a refusal out.
//!
//! Nothing is changed here. Whoever asked carries the outcome out, all of it or nothing (invariants I1 and I3).

use super::applicable_schema::Obeyed;
use super::attempt;
use super::recover::Rung;
use crate::audit::entry::{CommitFacts, Entry, carries_document};
use crate::budget::Budget;
use crate::error::Error;
use crate::etag::{Etag, Expected, VERSION_MAX};
use crate::expiry::Ttl;
use crate::json::node::Node;
use crate::json::tree::Tree;
use crate::json::written::Written;
use crate::limits::Limits;
use crate::schema::compiled::{Schema, SchemaRef};
use crate::schema::registry::Registry;
use crate::state::attempts::Attempted;
use crate::state::deadlines::Deadlines;
use crate::state::document::Document;
use crate::state::etag_keys::Keys;
use crate::state::history::{Dropped, Label, Version};
use crate::state::idempotency::{Id, Made};
use crate::state::{Commit, Effect, Event, Relabel, State};

/// What a lapse costs, by byte of the document: twice what is measured, since the command that commits it
/// has work of its own.
const LAPSE_BYTE_COST: usize = 5;

/// What a command knows besides its arguments; read once and passed down (invariant I2).
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The key, by which bindings go.
    pub key: &'a [u8],
    /// The clock, in Unix milliseconds.
    pub now_ms: i64,
    /// Random ones for a state that may be created, or that has no key yet.
    pub keys: Keys,
    /// The ACL user who sent the command.
    pub user: &'a str,
    /// The limits in force.
    pub limits: &'a Limits,
    /// What is left of the work that this command may do.
    pub budget: &'a Budget,
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
    /// `OPERATION`: what is being tried, when attempts at it are counted.
    pub operation: Option<String>,
    /// `COMPONENT`: which part of the caller tries it.
    pub component: Option<String>,
    /// `ID`: the token by which the command is known when it comes again.
    pub id: Option<Id>,
}

/// What a command comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What happens to the state, in order; empty when it stays as it is.
    pub effects: Vec<Effect>,
    /// The event of the new version, if there is one.
    pub event: Option<Event>,
    /// The etag of the state once this is carried out.
    pub etag: Etag,
    /// When the key expires from now on.
    pub expires_at_ms: Option<i64>,
    /// What the audit stream says about it.
    pub entry: Option<Entry>,
    /// How it came about.
    pub course: Course,
}

/// How an outcome came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Course {
    /// From the state that was expected.
    #[default]
    Plain,
    /// The command was carried out before, with this reply; nothing happens now.
    Replayed(Made),
    /// The change was made for an earlier version and had nothing to do with what came between.
    Rebased,
}

impl Outcome {
    /// The schema and the present version once this is carried out, given the state before.
    pub fn after<'a>(&'a self, before: Option<&'a State>) -> Option<(Option<&'a SchemaRef>, &'a Version)> {
        let after = self.effects.iter().find_map(|effect| match effect {
            Effect::Put(state) => Some((state.schema(), state.head())),
            Effect::Commit(commit) => Some((commit.schema.as_ref(), &commit.version)),
            Effect::Relabel(_) | Effect::Attempt(_) | Effect::Deadlines(_) | Effect::Remember(_) => None,
        });
        after.or(before.map(|state| (state.schema(), state.head())))
    }
}

/// Refuses a state other than the one that was expected.
pub(super) fn check_expected(state: &State, expected: Expected) -> Result<(), Error> {
    let current = state.etag();
    if expected.admits(current) { Ok(()) } else { Err(Error::Conflict { expected, current }) }
}

/// The expiry that `ttl` asks for. Where it asks for none the key lives as long as its longest deadline.
pub(super) fn expiry(
    ttl: Ttl,
    state: Option<&State>,
    schema: Option<&Schema>,
    deadlines: &Deadlines,
    context: &Context,
) -> Result<Option<i64>, Error> {
    let default_ms = schema.and_then(Schema::ttl_ms).unwrap_or(context.limits.default_ttl_ms);
    let longest_ms = deadlines.last_ms().map_or(0, |at_ms| at_ms.saturating_sub(context.now_ms));
    let present = state.map(|_| context.expires_at_ms);
    ttl.resolve(context.now_ms, present, default_ms.max(longest_ms))
}

/// The effect that moves deadlines, where there is one to move.
pub(super) fn moved(state: &State, deadlines: Deadlines) -> Option<Effect> {
    (deadlines != state.head().deadlines).then_some(Effect::Deadlines(deadlines))
}

/// A document, and when its members lapse.
struct Content {
    document: Document,
    deadlines: Deadlines,
}

/// Everything that the commands that make a version have in common once they know what the document shall be.
pub(super) struct Proposal<'a> {
    pub event: Event,
    /// Which rung of a recovery this is.
    pub rung: Option<Rung>,
    pub parent: u64,
    /// The document of the state, where there is one.
    pub before: Option<Node<'a>>,
    pub after: Tree<'static>,
    pub written: Written<'a>,
    pub obeyed: &'a Obeyed,
    pub label: Option<&'a str>,
    pub ttl: Ttl,
    pub remarks: &'a Remarks,
}

impl Proposal<'_> {
    /// Checks the proposed document and makes it an outcome: a commit, or less when nothing changes.
    pub(super) fn settle(self, state: Option<&State>, context: &Context) -> Result<Outcome, Error> {
        let (before, after) = (self.before, self.after.root());
        self.obeyed.check_change(after, state, before, context.budget)?;
        if matches!(self.event, Event::Create | Event::Update) {
            self.obeyed.check_steps(before, after)?;
        }
        let document = Document::from_tree(&self.after, context.limits)?;
        let deadlines = self.obeyed.deadlines(state.zip(before), after, &self.written, context.now_ms)?;
        // A reader works out every lapse that is due: what a document costs then is paid for now.
        let lapses = deadlines.instants().saturating_mul(document.text().len());
        context.budget.charge(lapses.saturating_mul(LAPSE_BYTE_COST))?;
        let expires_at_ms = expiry(self.ttl, state, self.obeyed.schema.as_deref(), &deadlines, context)?;
        let attempted = attempt::success(state, self.remarks, context)?;
        let content = Content { document, deadlines };
        match state {
            Some(state) if state.head().document == content.document && !self.obeyed.changes(state) => {
                Ok(self.unchanged(state, content.deadlines, expires_at_ms, attempted, context))
            }
            Some(state) => self.commit(state, content, expires_at_ms, attempted, context),
            None => Ok(self.create(content, expires_at_ms, attempted, context)),
        }
    }

    fn unchanged(
        self,
        state: &State,
        deadlines: Deadlines,
        expires_at_ms: Option<i64>,
        attempted: Option<Attempted>,
        context: &Context,
    ) -> Outcome {
        let remarks = self.remarks;
        let noted = remarks.name.is_some() || remarks.note.is_some() || self.label.is_some();
        let relabel = self.label.map(|name| {
            let label = Label { name: name.into(), version: state.head().number };
            let dropped = state.history().plan(None, Some(label), context.limits);
            Effect::Relabel(Relabel { label: name.into(), dropped })
        });
        let entry = match &attempted {
            Some(attempted) => Some(Entry::attempt(state, attempted, remarks, context)),
            None => noted.then(|| Entry::note(state, remarks, context)),
        };
        let attempted = attempted.map(Effect::Attempt);
        let effects = relabel.into_iter().chain(attempted).chain(moved(state, deadlines)).collect();
        let course = Course::Plain;
        Outcome { effects, event: None, etag: state.etag(), expires_at_ms, entry, course }
    }

    fn create(
        self,
        content: Content,
        expires_at_ms: Option<i64>,
        attempted: Option<Attempted>,
        context: &Context,
    ) -> Outcome {
        let schema = self.obeyed.reference();
        // A state that is rebuilt goes on from its last version.
        let number = self.parent.saturating_add(1);
        let head = self.version(number, content, context);
        let mut state = State::new(context.keys, context.now_ms, schema, head);
        if let Some(name) = self.label {
            let label = Label { name: name.into(), version: number };
            let dropped = state.history().plan(None, Some(label), context.limits);
            state.relabel(Relabel { label: name.into(), dropped });
        }
        if let Some(attempted) = attempted {
            state.attempt(attempted);
        }
        let (event, entry) = (self.event, self.entry(state.etag(), context));
        Outcome {
            etag: state.etag(),
            effects: vec![Effect::Put(Box::new(state))],
            event: Some(event),
            expires_at_ms,
            entry: Some(entry),
            course: Course::Plain,
        }
    }

    fn commit(
        self,
        state: &State,
        content: Content,
        expires_at_ms: Option<i64>,
        attempted: Option<Attempted>,
        context: &Context,
    ) -> Result<Outcome, Error> {
        let present = state.head().number;
        let number =
            present.checked_add(1).filter(|number| *number <= VERSION_MAX).ok_or(Error::LastVersion)?;
        let version = self.version(number, content, context);
        let keys = state.keys.or_key_of(context.keys);
        let label = self.label.map(|name| Label { name: name.into(), version: number });
        let mut dropped: Dropped = state.history().plan(Some(present), label, context.limits);
        self.obeyed.drop_unhidden(state, self.label, &mut dropped);
        let (event, label, schema) = (self.event, self.label.map(Into::into), self.obeyed.reference());
        let commit = Commit::on(state, version, keys, schema, label, dropped);
        let etag = Etag { version: number, digest: commit.digest };
        let entry = self.entry(etag, context);
        let commit = Effect::Commit(Box::new(commit));
        Ok(Outcome {
            effects: std::iter::once(commit).chain(attempted.map(Effect::Attempt)).collect(),
            event: Some(event),
            etag,
            expires_at_ms,
            entry: Some(entry),
            course: Course::Plain,
        })
    }

    fn version(&self, number: u64, content: Content, context: &Context) -> Version {
        let Content { document, deadlines } = content;
        let actor = self.remarks.actor.as_deref().map(Into::into);
        let has_secret = self.obeyed.has_secret(self.after.root());
        let (parent, at_ms, event) = (self.parent, context.now_ms, self.event);
        Version { number, parent, at_ms, event, actor, has_secret, deadlines, document }
    }

    fn entry(self, etag: Etag, context: &Context) -> Entry {
        let (before, after) = (self.before, self.after.root());
        let tells_all = before.is_none() || carries_document(etag.version);
        let masked = self.obeyed.masked(before, after, tells_all);
        let (before, after) = match &masked {
            Some((before, after)) => (before.as_ref().map(Tree::root), after.root()),
            None => (before, after),
        };
        let schema = self.obeyed.schema.as_ref().map(|schema| &*schema.reference().name);
        let facts = CommitFacts { event: self.event, rung: self.rung, etag, parent: self.parent, schema };
        Entry::commit(facts, before, after, self.remarks, context)
    }
}
