//! STATE.UPDATE: what a change makes of a state, or of none.

use serde_json::{Map, Value};

use super::{Context, Outcome, Proposal, Remarks, check_expected, schema_for};
use crate::error::Error;
use crate::etag::Expected;
use crate::expiry::Ttl;
use crate::json::change::Change;
use crate::state::{Event, State};

/// The request of an update.
#[derive(Clone, Debug)]
pub struct Update {
    /// Which state the caller has read.
    pub expected: Expected,
    /// `SCHEMA`
    pub schema: Option<String>,
    /// `LABEL`
    pub label: Option<String>,
    /// The expiry words.
    pub ttl: Ttl,
    /// `EVENT`, `ACTOR`, `NOTE`
    pub remarks: Remarks,
}

/// Decides an update of `state` by `change`.
///
/// Errors, in the order they are looked for: `NOSTATE`, `CONFLICT`, `NOSCHEMA`, `BADSCHEMA`, `BADPATCH`, `INVALID`,
/// `TOOBIG`, `TOODEEP`.
pub fn update(
    state: Option<&State>,
    request: &Update,
    change: Change,
    context: &Context,
) -> Result<Outcome, Error> {
    request.ttl.check(context.now_ms)?;
    match (state, request.expected) {
        (Some(state), expected) => check_expected(state, expected)?,
        (None, Expected::Any | Expected::Absent) => {}
        (None, _) => return Err(Error::NoState),
    }
    let schema = schema_for(context.registry, state, request.schema.as_deref())?;
    let base = match (state, &schema) {
        (Some(state), _) => state.head().document.value(),
        (None, Some(schema)) => schema.initial().clone(),
        (None, None) => Value::Object(Map::new()),
    };
    let (event, parent) = state.map_or((Event::Create, 0), |state| (Event::Update, state.head().number));
    let proposal = Proposal {
        event,
        parent,
        value: change.apply(&base, context.limits)?,
        schema: schema.as_deref(),
        label: request.label.as_deref(),
        ttl: request.ttl,
        remarks: &request.remarks,
    };
    proposal.settle(state, context)
}
