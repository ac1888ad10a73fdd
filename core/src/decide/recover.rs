//! STATE.RECOVER: makes a state valid by the mildest of several ways.
//!
//! Each way is a rung. Rungs are tried in order, until the document of one satisfies the schema;
//! the reply lists all tried ones. Protected, immutable and secret members keep their present value
//! on every rung.

use super::applicable_schema::ApplicableSchema;
use super::expiry::renewed;
use super::outcome::{Course, Outcome, Write};
use super::proposal::Proposal;
use super::recording::after_lapses;
use crate::audit::entry::Entry;
use crate::audit::rebuild::{RebuildEntry, rebuild};
use crate::context::{Context, Metadata};
use crate::error::Error;
use crate::json::draft::Draft;
use crate::json::node::Node;
use crate::json::tree::Tree;
use crate::json::written::WrittenMembers;
use crate::rung::Rung;
use crate::schema::annotations::preserve::Preserve;
use crate::state::State;
use crate::state::version::{Event, Version};
use redis_state_types::{Etag, Ttl};
use std::borrow::Cow;

/// The request of a recovery.
#[derive(Clone, Debug)]
pub struct Recover {
    /// `SCHEMA`
    pub schema: Option<String>,
    /// `EX`, `PX`, `EXAT`, `PXAT`, `KEEPTTL`, `PERSIST`
    pub ttl: Ttl,
    /// `EVENT`, `ACTOR`, `NOTE`
    pub metadata: Metadata,
}

/// The reply of a recovery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The successful rung.
    pub rung: Rung,
    /// The etag after it.
    pub etag: Etag,
    /// The rungs that failed before, with the reason of each.
    pub tried: Vec<(Rung, String)>,
}

/// Decides a recovery. `stream` is the audit stream, newest entry first; it is read where no state
/// exists.
///
/// Errors: `NOSCHEMA`, `BADSCHEMA`, `TOOCOSTLY`; `INVALID` with all rungs when none succeeds.
pub fn recover(
    state: Option<&State>,
    stream: &[RebuildEntry],
    request: &Recover,
    context: &Context,
) -> Outcome<Recovered> {
    after_lapses(state, context, |state| {
        climbed(state, stream, request, context).unwrap_or_else(Outcome::failed)
    })
}

fn climbed(
    state: Option<&State>,
    stream: &[RebuildEntry],
    request: &Recover,
    context: &Context,
) -> Result<Outcome<Recovered>, Error> {
    request.ttl.check(context.now_ms)?;
    let recorded = stream.iter().find_map(|entry| entry.schema.as_deref()).filter(|_| state.is_none());
    let named = request.schema.as_deref().or(recorded);
    let may_change_schema = request.schema.is_some() && (context.rights.may_set_protected)();
    let applicable = ApplicableSchema::find(context, state, named, may_change_schema)?;
    let mut ladder = Ladder { request, applicable: &applicable, context, tried: Vec::new() };
    let done = match state {
        Some(state) => ladder.climb(state),
        None => ladder.climb_without_state(stream),
    };
    if done.is_none() {
        // A rung that ran out of budget was not tried.
        context.budget.charge(1)?;
    }
    let tried = ladder.tried;
    let mut writes: Vec<Write> =
        tried.iter().map(|failed| failed_rung(failed, state, request, context)).collect();
    let Some((rung, outcome)) = done else {
        let reasons: Vec<String> =
            tried.iter().map(|(rung, reason)| format!("{}: {reason}", rung.as_str())).collect();
        let error = Error::NoRung { tried: reasons.join("; ") };
        return Ok(Outcome { writes, course: Course::NotRecovered, reply: Err(error) });
    };
    writes.extend(outcome.writes);
    let reply = outcome.reply.map(|etag| Recovered { rung, etag, tried });
    Ok(Outcome { writes, course: Course::Recovered(rung), reply })
}

/// The entry of a failed rung.
fn failed_rung(
    (rung, reason): &(Rung, String),
    state: Option<&State>,
    request: &Recover,
    context: &Context,
) -> Write {
    let entry = Entry::rung(*rung, Some(reason), state, &request.metadata, context);
    Write::reject(entry, state, context)
}

struct Ladder<'a> {
    request: &'a Recover,
    applicable: &'a ApplicableSchema,
    context: &'a Context<'a>,
    tried: Vec<(Rung, String)>,
}

impl Ladder<'_> {
    fn climb(&mut self, state: &State) -> Option<(Rung, Outcome)> {
        let tree = state.head().document.tree();
        let present = tree.root();
        let parent = state.head().number;
        self.valid(state, present)
            .or_else(|| {
                self.go_on()?;
                let after = self.with_defaults(present);
                self.step(Rung::Defaults, Some((state, present)), parent, after)
            })
            .or_else(|| {
                self.go_on()?;
                let after = self.without_unknown(present);
                self.step(Rung::Revision, Some((state, present)), parent, after)
            })
            .or_else(|| self.version(Rung::Snapshot, state, present))
            .or_else(|| self.version(Rung::Label, state, present))
            .or_else(|| {
                self.go_on()?;
                let initial = self.applicable.initial();
                self.charge_preserving(initial.root(), present).ok()?;
                let initial = Draft::Same(initial.root());
                let after = self.applicable.preserve(initial, present, Preserve::AnnotatedIfPresent);
                self.step(Rung::Reset, Some((state, present)), parent, Ok(after))
            })
    }

    /// `None` once the budget is used up: no rung is tried then.
    fn go_on(&self) -> Option<()> {
        self.context.budget.charge(1).ok()
    }

    fn climb_without_state(&mut self, stream: &[RebuildEntry]) -> Option<(Rung, Outcome)> {
        let rebuilt = match rebuild(stream, self.context.limits, self.context.budget) {
            Ok(rebuilt) => {
                let lapsed = self.applicable.lapse_rebuilt(&rebuilt.tree, rebuilt.at_ms, self.context.now_ms);
                self.step(Rung::Audit, None, rebuilt.version, lapsed)
            }
            Err(reason) => self.failed(Rung::Audit, reason),
        };
        rebuilt.or_else(|| self.step(Rung::Created, None, 0, Ok(self.applicable.initial())))
    }

    /// Keeps a valid state: no version, but a new expiry, since the user is active.
    fn valid(&mut self, state: &State, present: Node) -> Option<(Rung, Outcome)> {
        if let Err(error) = self.applicable.check(present, self.context.budget) {
            return self.failed(Rung::Valid, error.reason());
        }
        if self.applicable.replaces_schema_of(state) {
            let after = Draft::Same(present).into_tree();
            return self.step(Rung::Valid, Some((state, present)), state.head().number, Ok(after));
        }
        let mut change = match renewed(state, self.request.ttl, self.context) {
            Ok(change) => change,
            Err(error) => return self.failed(Rung::Valid, error.reason()),
        };
        let metadata = &self.request.metadata;
        change.entry = Some(Entry::rung(Rung::Valid, None, Some(state), metadata, self.context));
        change.event = Some(Event::Recover);
        Some((Rung::Valid, Outcome::of_change(change, state.etag())))
    }

    /// The newest snapshot that is valid with the preserved members: with a label or without one,
    /// by the rung.
    fn version(&mut self, rung: Rung, state: &State, present: Node) -> Option<(Rung, Outcome)> {
        let labelled = |version: &Cow<Version>| state.history().label_of(version.number).is_some();
        let wanted = |version: &Cow<Version>| labelled(version) == (rung == Rung::Label);
        for version in state.versions().skip(1).filter(wanted) {
            self.context.budget.charge(version.document.text().len()).ok()?;
            let past = self.applicable.snapshot(&version, self.context.now_ms);
            self.charge_preserving(past.root(), present).ok()?;
            let after = self.applicable.preserve(Draft::Same(past.root()), present, Preserve::Annotated);
            if self.applicable.admits(after.root(), self.context.budget) == Ok(true) {
                return self.step(rung, Some((state, present)), version.parent, Ok(after));
            }
        }
        self.failed(rung, "no such version is kept that passes the schema".to_owned())
    }

    fn with_defaults(&self, present: Node) -> Result<Tree<'static>, Error> {
        let filled = match &self.applicable.schema {
            Some(schema) => schema.fill_defaults(present, self.context.budget)?,
            None => Draft::Same(present).into_tree(),
        };
        self.charge_preserving(filled.root(), present)?;
        Ok(self.applicable.preserve(Draft::Same(filled.root()), present, Preserve::AnnotatedIfPresent))
    }

    fn without_unknown(&self, present: Node) -> Result<Tree<'static>, Error> {
        let mut tree = self.with_defaults(present)?;
        if let Some(schema) = &self.applicable.schema {
            tree = schema.drop_unknown(tree, self.context.budget)?;
        }
        self.charge_preserving(tree.root(), present)?;
        Ok(self.applicable.preserve(Draft::Same(tree.root()), present, Preserve::AnnotatedIfPresent))
    }

    fn charge_preserving(&self, document: Node, present: Node) -> Result<(), Error> {
        self.applicable.charge_preserving(document, present, self.context.budget)
    }

    /// Tries one rung: its document must pass all checks of a commit.
    fn step(
        &mut self,
        rung: Rung,
        present: Option<(&State, Node)>,
        parent: u64,
        after: Result<Tree<'static>, Error>,
    ) -> Option<(Rung, Outcome)> {
        let proposal = after.and_then(|after| {
            let proposal = Proposal {
                event: Event::Recover,
                rung: Some(rung),
                parent,
                before: present.map(|(_, document)| document),
                after,
                written: WrittenMembers::Differing,
                applicable: self.applicable,
                label: None,
                ttl: self.request.ttl,
                metadata: &self.request.metadata,
            };
            proposal.into_outcome(present.map(|(state, _)| state), self.context)
        });
        match proposal {
            Ok(outcome) => Some((rung, outcome)),
            Err(error) => self.failed(rung, error.reason()),
        }
    }

    fn failed(&mut self, rung: Rung, reason: String) -> Option<(Rung, Outcome)> {
        self.tried.push((rung, reason));
        None
    }
}
