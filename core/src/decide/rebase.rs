//! `REBASE`: applies a change that was made for an earlier version to the present one, when the
//! changes between do not touch its members.
//!
//! Two changes are independent when no member that one of them writes is, contains or lies in one
//! that the other writes. The JSON of the change says what it writes; comparing the two documents
//! says what was written between. An array is one member, since an index names another element
//! after a removal. What a patch reads counts as written, since its caller relied on it.
//!
//! Not a three-way merge of the results: it finds something to store where each caller meant
//! something else. Here the change itself is applied to the present document, under all rules, or
//! not at all.

use super::applicable_schema::ApplicableSchema;
use crate::budget::Budget;
use crate::error::Error;
use crate::json::change::{Change, ChangeKind};
use crate::json::lookup::Lookup;
use crate::json::node::Node;
use crate::json::patch;
use crate::state::State;
use crate::state::version::Version;
use redis_state_types::Expected;
use std::collections::BTreeMap;

/// The charge of a member that a change names: it is looked up in both documents.
const MEMBER_NAMED: usize = 2_000;
/// The charge of comparing a member.
const MEMBER_COMPARED: usize = 100;
/// The charge of searching for a member whose position differs.
const MEMBER_FOUND: usize = 500;

/// The version that `change` was made for, if it can be rebased: the version is kept as a snapshot,
/// and nothing that the change writes has changed since.
///
/// Errors: `TOOCOSTLY`.
pub(super) fn rebased_from(
    state: &State,
    present: Node,
    expected: Expected,
    change: &Change,
    applicable: &ApplicableSchema,
    budget: &Budget,
) -> Result<Option<u64>, Error> {
    let Some(version) = kept(state, expected) else { return Ok(None) };
    let before = version.document.tree();
    let written = written(change, applicable, before.root(), present, budget)?;
    let has_changed = written.differ(Some(before.root()), Some(present), budget)?;
    Ok((!has_changed).then_some(version.number))
}

/// The snapshot of the expected version.
fn kept(state: &State, expected: Expected) -> Option<Version> {
    match expected {
        Expected::Any | Expected::Absent => None,
        Expected::Version(number) => state.snapshot(number),
        Expected::Etag(etag) => {
            let version = state.snapshot(etag.version)?;
            (state.etag_of(&version) == etag).then_some(version)
        }
    }
}

/// The members that a change writes or reads, as a tree of names, down to where one of the
/// documents ends.
#[derive(Default)]
struct Members {
    /// Whether this member counts as a whole.
    whole: bool,
    below: BTreeMap<String, Members>,
}

impl Members {
    /// The whole document.
    fn all() -> Members {
        Members { whole: true, ..Members::default() }
    }

    /// Adds the member with these tokens. Below the objects of both documents, the member where
    /// they end counts: an array, or one that was added or removed.
    fn add<'t>(&mut self, tokens: impl IntoIterator<Item = &'t str>, before: Node, after: Node) {
        let (mut place, mut before, mut after) = (self, Some(before), Some(after));
        for token in tokens {
            let Some((old, new)) = objects(before, after) else { break };
            place = place.below.entry(token.to_owned()).or_default();
            (before, after) = (old.get(token), new.get(token));
        }
        place.whole = true;
    }

    /// Whether one of the members differs between `before` and `after`.
    fn differ(&self, before: Option<Node>, after: Option<Node>, budget: &Budget) -> Result<bool, Error> {
        match objects(before, after) {
            Some((old, new)) if !self.whole => {
                for (name, members) in &self.below {
                    if members.differ(old.get(name), new.get(name), budget)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ if self.whole || !self.below.is_empty() => differ(before, after, budget),
            _ => Ok(false),
        }
    }
}

/// Whether a member has changed. The order of members does not count.
fn differ(before: Option<Node>, after: Option<Node>, budget: &Budget) -> Result<bool, Error> {
    let Some((old, new)) = objects(before, after) else {
        return Ok(before.map(Node::text) != after.map(Node::text));
    };
    if old.text() == new.text() {
        return Ok(false);
    }
    budget.charge(old.children().len().saturating_mul(MEMBER_COMPARED))?;
    if old.children().len() != new.children().len() {
        return Ok(true);
    }
    let mut members = Lookup::new(new);
    let mut is_reordered = false;
    for member in old.children() {
        let after = match members.next_named(member.raw_name()) {
            Some(after) => Some(after),
            None => {
                if !std::mem::replace(&mut is_reordered, true) {
                    budget.charge(old.children().len().saturating_mul(MEMBER_FOUND))?;
                }
                members.get_raw(member.raw_name())
            }
        };
        if differ(Some(member), after, budget)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Both, when both are objects.
fn objects<'v>(before: Option<Node<'v>>, after: Option<Node<'v>>) -> Option<(Node<'v>, Node<'v>)> {
    before.zip(after).filter(|(before, after)| before.is_object() && after.is_object())
}

/// What a change writes and reads. `"***"` for a secret mentions no member.
fn written(
    change: &Change,
    applicable: &ApplicableSchema,
    before: Node,
    after: Node,
    budget: &Budget,
) -> Result<Members, Error> {
    let mut members = Members::default();
    match change.kind() {
        ChangeKind::Patch => {
            let pointers =
                patch::pointers(change.json(), &|pointer, value| applicable.is_masked_secret(pointer, value));
            for pointer in pointers {
                budget.charge(pointer.tokens().len().saturating_mul(MEMBER_NAMED))?;
                members.add(pointer.tokens().iter().map(String::as_str), before, after);
            }
        }
        ChangeKind::Merge | ChangeKind::Shallow if change.json().is_object() => {
            let mentioned = applicable.without_masked_secrets(change);
            if change.kind() == ChangeKind::Merge {
                return merged(change.json(), mentioned.root(), Some(after), budget);
            }
            budget.charge(mentioned.root().children().len().saturating_mul(MEMBER_NAMED))?;
            for member in mentioned.root().children() {
                members.add([&*member.name()], before, after);
            }
        }
        _ => return Ok(Members::all()),
    }
    Ok(members)
}

/// The leaves of a merge patch; `sent` is the patch as sent, with masked secrets. An empty object
/// is a leaf, but one that is empty only without its masked secrets writes nothing into an object.
fn merged(sent: Node, mentioned: Node, after: Option<Node>, budget: &Budget) -> Result<Members, Error> {
    if !sent.is_object() || !mentioned.is_object() {
        return Ok(Members::all());
    }
    budget.charge(mentioned.children().len().saturating_mul(MEMBER_NAMED))?;
    let mut members = Members::default();
    let mut all_sent = Lookup::new(sent);
    for mentioned in mentioned.children() {
        let name = mentioned.name();
        let sent = all_sent.get_raw(mentioned.raw_name()).unwrap_or(mentioned);
        let after = after.and_then(|after| after.get(&name));
        let is_empty = |value: Node| value.is_object() && value.is_empty();
        let below = match (is_empty(mentioned), is_empty(sent)) {
            (false, _) => merged(sent, mentioned, after, budget)?,
            (true, false) if after.is_some_and(Node::is_object) => continue,
            (true, _) => Members::all(),
        };
        members.below.insert(name.into_owned(), below);
    }
    Ok(members)
}
