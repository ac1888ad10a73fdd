//! `REBASE`: a change that was made for an earlier version goes on top of the present one when they have nothing to do with
//! each other.
//!
//! Two changes are apart when no member that one of them writes is, contains or lies in one that the other writes. Of the
//! change at hand its json tells what it writes; of those that came between, the two documents do. An array is one member: an
//! index names another element once one before it has gone. What a patch reads counts as written, since its caller relied on it.
//!
//! Merging the two results (three-way, as text is merged) was rejected: it finds something to store where each caller meant
//! something else. Here the change itself is applied to what is there, under all the rules, or not at all.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Obeyed;
use crate::etag::Expected;
use crate::history::Version;
use crate::json::change::{Change, ChangeKind};
use crate::json::equal::identical;
use crate::json::patch;
use crate::state::State;

/// The version that `change` was made for, when it may be applied to the present document all the same: the version is past but
/// kept, and nothing that the change writes has changed since.
pub(super) fn base(state: &State, expected: Expected, change: &Change, obeyed: &Obeyed) -> Option<u64> {
    let version = kept(state, expected)?;
    let (before, after) = (version.document.value(), state.head().document.value());
    let written = written(change, obeyed, &before, &after);
    (!written.differ(Some(&before), Some(&after))).then_some(version.number)
}

/// The past version that was expected.
fn kept(state: &State, expected: Expected) -> Option<&Version> {
    match expected {
        Expected::Any | Expected::Absent => None,
        Expected::Version(number) => state.history().find(number),
        Expected::Etag(etag) => {
            let version = state.history().find(etag.version)?;
            (state.etag_of(version) == etag).then_some(version)
        }
    }
}

/// The members that a change writes or reads, as a tree of names. It goes as deep as both documents do.
#[derive(Default)]
struct Members {
    /// This member as a whole.
    whole: bool,
    below: BTreeMap<String, Members>,
}

impl Members {
    /// The whole document.
    fn all() -> Members {
        Members { whole: true, ..Members::default() }
    }

    /// Adds the member with these tokens; beyond an object that both documents have it is the member where they end that
    /// counts: an array, or what appeared or went.
    fn add<'t>(&mut self, tokens: impl IntoIterator<Item = &'t String>, before: &Value, after: &Value) {
        let (mut place, mut before, mut after) = (self, Some(before), Some(after));
        for token in tokens {
            let (Some(Value::Object(old)), Some(Value::Object(new))) = (before, after) else { break };
            place = place.below.entry(token.clone()).or_default();
            (before, after) = (old.get(token), new.get(token));
        }
        place.whole = true;
    }

    /// Whether one of them is not in `after` as it is in `before`.
    fn differ(&self, before: Option<&Value>, after: Option<&Value>) -> bool {
        match (before, after) {
            (Some(Value::Object(old)), Some(Value::Object(new))) if !self.whole => {
                self.below.iter().any(|(name, members)| members.differ(old.get(name), new.get(name)))
            }
            _ if self.whole || !self.below.is_empty() => differ(before, after),
            _ => false,
        }
    }
}

/// Whether a member has changed: a member below it, or what it is. The order of members is nobody's.
fn differ(before: Option<&Value>, after: Option<&Value>) -> bool {
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            old.len() != new.len() || old.iter().any(|(name, value)| differ(Some(value), new.get(name)))
        }
        (Some(old), Some(new)) => !identical(old, new),
        (None, None) => false,
        (Some(_), None) | (None, Some(_)) => true,
    }
}

/// What a change writes and reads. `"***"` in a secret's place is no mention.
fn written(change: &Change, obeyed: &Obeyed, before: &Value, after: &Value) -> Members {
    let mut members = Members::default();
    match (change.kind(), change.json()) {
        (ChangeKind::Patch, json) => {
            let pointers = patch::pointers(json, &|pointer, value| obeyed.is_no_mention(pointer, value));
            pointers.iter().for_each(|pointer| members.add(pointer.tokens(), before, after));
        }
        (kind @ (ChangeKind::Merge | ChangeKind::Shallow), json @ Value::Object(_)) => {
            let mut mentioned = json.clone();
            obeyed.drop_no_mentions(&mut mentioned);
            let Value::Object(names) = &mentioned else { return Members::all() };
            if kind == ChangeKind::Merge {
                return merged(json, &mentioned, Some(after));
            }
            names.keys().for_each(|name| members.add([name], before, after));
        }
        _ => return Members::all(),
    }
    members
}

/// The leaves of a merge patch; `sent` is the patch with what is no mention still in it. An empty object is a leaf, but one that
/// is empty for want of mentions writes nothing where an object is.
fn merged(sent: &Value, mentioned: &Value, after: Option<&Value>) -> Members {
    let (Value::Object(sent), Value::Object(names)) = (sent, mentioned) else { return Members::all() };
    let mut members = Members::default();
    for (name, mentioned) in names {
        let sent = sent.get(name).unwrap_or(&Value::Null);
        let after = after.and_then(|after| after.get(name));
        let is_empty = |value: &Value| value.as_object().is_some_and(|members| members.is_empty());
        let below = match (is_empty(mentioned), is_empty(sent)) {
            (false, _) => merged(sent, mentioned, after),
            (true, false) if after.is_some_and(Value::is_object) => continue,
            (true, _) => Members::all(),
        };
        members.below.insert(name.clone(), below);
    }
    members
}
