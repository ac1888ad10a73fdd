//! STATE.ROLLBACK: a new version with old content.
//!
//! The new version takes over the parent of the version it goes back to, so that one rollback after another walks
//! further back instead of swapping two versions for ever.

use serde_json::{Map, Value};

use super::once::{once, with_etag};
use super::{Context, Obeyed, Outcome, Proposal, Remarks, check_expected};
use crate::error::Error;
use crate::etag::Expected;
use crate::expiry::Ttl;
use crate::history::Version;
use crate::json::pointer::{Pointer, array_index};
use crate::json::to_text;
use crate::json::written::Written;
use crate::rules::Keep;
use crate::state::{Event, State};

/// Which version to go back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The n-th kept ancestor whose content differs from the present one.
    Steps(u64),
    /// This version.
    To(u64),
    /// The version with this label.
    Label(String),
    /// The newest kept version before the present one that passes the schema as it is now.
    LastValid,
}

/// The request of a rollback.
#[derive(Clone, Debug)]
pub struct Rollback {
    /// Which state the caller has read.
    pub expected: Expected,
    /// Where to go back to.
    pub target: Target,
    /// `ONLY`: take just these members from the target.
    pub only: Option<Vec<Pointer>>,
    /// `ALL`: take protected members too.
    pub all: bool,
    /// The expiry words.
    pub ttl: Ttl,
    /// `EVENT`, `ACTOR`, `NOTE`, `ID`
    pub remarks: Remarks,
}

/// Decides a rollback.
///
/// Errors, in the order they are looked for: `IDMISMATCH`, `NOSTATE`, `CONFLICT`, `NOSCHEMA`, `NOVERSION`, `INVALID`, `TOOBIG`.
pub fn rollback(state: Option<&State>, request: &Rollback, context: &Context) -> Result<Outcome, Error> {
    once(state, &request.remarks, context, || back(state, request, context).map(with_etag))
}

fn back(state: Option<&State>, request: &Rollback, context: &Context) -> Result<Outcome, Error> {
    request.ttl.check(context.now_ms)?;
    let state = state.ok_or(Error::NoState)?;
    check_expected(state, request.expected)?;
    let obeyed = Obeyed::find(context, Some(state), None, false)?;
    let target = find(state, request, &obeyed, context.now_ms)?;
    let proposal = Proposal {
        event: Event::Rollback,
        rung: None,
        parent: target.parent,
        value: content(state, target, request, &obeyed, context.now_ms)?,
        written: Written::Differing,
        obeyed: &obeyed,
        label: None,
        ttl: request.ttl,
        remarks: &request.remarks,
    };
    proposal.settle(Some(state), context)
}

fn find<'s>(
    state: &'s State,
    request: &Rollback,
    obeyed: &Obeyed,
    now_ms: i64,
) -> Result<&'s Version, Error> {
    let missing = || Error::NoVersion { kept: state.kept() };
    match &request.target {
        Target::Steps(steps) => ancestor(state, request, obeyed, *steps, now_ms),
        Target::To(number) => state.find(*number).ok_or_else(missing),
        Target::Label(label) => {
            let number = state.history().labelled(label);
            let missing = || Error::NoLabel { label: label.clone(), kept: state.kept() };
            number.and_then(|number| state.find(number)).ok_or_else(missing)
        }
        Target::LastValid => {
            let passes = |version: &&Version| obeyed.check(&obeyed.past(version, now_ms)).is_ok();
            state.versions().skip(1).find(passes).ok_or_else(missing)
        }
    }
}

/// The `steps`-th kept ancestor that would change the document.
fn ancestor<'s>(
    state: &'s State,
    request: &Rollback,
    obeyed: &Obeyed,
    steps: u64,
    now_ms: i64,
) -> Result<&'s Version, Error> {
    let mut left = steps;
    let mut version = state.head();
    loop {
        version = state.find(version.parent).ok_or_else(|| Error::NoVersion { kept: state.kept() })?;
        if to_text(&content(state, version, request, obeyed, now_ms)?) != state.head().document.text() {
            left = left.saturating_sub(1);
            if left == 0 {
                return Ok(version);
            }
        }
    }
}

/// What the document becomes when `target` is gone back to: what is protected, immutable or secret keeps its present value,
/// and what has lapsed since does not come back.
fn content(
    state: &State,
    target: &Version,
    request: &Rollback,
    obeyed: &Obeyed,
    now_ms: i64,
) -> Result<Value, Error> {
    let old = obeyed.past(target, now_ms);
    let present = state.head().document.value();
    let mut document = match &request.only {
        None => old,
        Some(pointers) => {
            let mut document = present.clone();
            for pointer in pointers {
                take_member(&mut document, &old, pointer)?;
            }
            document
        }
    };
    let keep = if request.all { Keep::NotProtected } else { Keep::Guarded };
    obeyed.keep_present(&mut document, &present, keep);
    Ok(document)
}

/// Makes the member at `pointer` what it is in `old`.
fn take_member(document: &mut Value, old: &Value, pointer: &Pointer) -> Result<(), Error> {
    let no_place = || Error::BadMember { pointer: pointer.to_string() };
    let Some(value) = pointer.find(old) else { return remove_member(document, pointer) };
    let Some((last, parents)) = pointer.tokens().split_last() else {
        *document = value.clone();
        return Ok(());
    };
    let parent = parents.iter().try_fold(document, |place, token| match place {
        Value::Object(members) => {
            Some(members.entry(token.as_str()).or_insert_with(|| Value::Object(Map::new())))
        }
        Value::Array(elements) => elements.get_mut(array_index(token)?),
        _ => None,
    });
    match parent.ok_or_else(no_place)? {
        Value::Object(members) => {
            members.insert(last.clone(), value.clone());
        }
        Value::Array(elements) => {
            let len = elements.len();
            let index = array_index(last).filter(|index| *index <= len).ok_or_else(no_place)?;
            match elements.get_mut(index) {
                Some(element) => *element = value.clone(),
                None => elements.push(value.clone()),
            }
        }
        _ => return Err(no_place()),
    }
    Ok(())
}

/// Takes away what was not there then; what is not there now either is fine.
fn remove_member(document: &mut Value, pointer: &Pointer) -> Result<(), Error> {
    match pointer.find_parent_mut(document) {
        Some((Value::Object(members), last)) => {
            members.shift_remove(last);
        }
        Some((Value::Array(elements), last)) => {
            if let Some(index) = array_index(last).filter(|index| *index < elements.len()) {
                elements.remove(index);
            }
        }
        _ => {}
    }
    Ok(())
}
