//! The inputs of a decision: the circumstances of the command, and the caller's metadata.

use crate::budget::Budget;
use crate::limits::Limits;
use crate::schema::registry::Registry;
use crate::state::etag_keys::EtagKeys;
use crate::state::idempotency::Id;

/// The circumstances of a command; read once and passed down (invariant I2).
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The key; bindings match it.
    pub key: &'a [u8],
    /// The clock, in Unix milliseconds.
    pub now_ms: i64,
    /// The hash keys of the state's etags; random ones for a new state, or for one written by a
    /// release without them.
    pub etag_keys: EtagKeys,
    /// The ACL user that sent the command.
    pub user: &'a str,
    /// The limits in force.
    pub limits: &'a Limits,
    /// What is left of the command's work budget.
    pub budget: &'a Budget,
    /// The schemas in force.
    pub registry: &'a Registry,
    /// The key's present expiry, if it has one.
    pub expires_at_ms: Option<i64>,
    /// The rights of the caller.
    pub rights: Rights<'a>,
}

/// The arguments that describe a command to the audit stream, count an attempt, or make it
/// idempotent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// `EVENT`: the event, in the caller's words.
    pub event_name: Option<String>,
    /// `ACTOR`: the component of the caller that acts.
    pub actor: Option<String>,
    /// `NOTE`: free text.
    pub note: Option<String>,
    /// `OPERATION`: the operation whose attempts are counted.
    pub operation: Option<String>,
    /// `COMPONENT`: the component that attempts the operation.
    pub component: Option<String>,
    /// `ID` and `OWNER`: the token that identifies a repeated request.
    pub id: Option<Id>,
    /// `TURN`: the turn, such as the handling of one message, that the command is part of.
    pub turn: Option<String>,
}

/// The rights of a caller beyond those of STATE.UPDATE.
#[derive(Clone, Copy)]
pub struct Rights<'a> {
    /// The command is STATE.SETPROTECTED: it writes protected members, and gives a state another
    /// schema.
    pub writes_protected: bool,
    /// Whether the caller may run STATE.SETPROTECTED on the key: it reads secrets then. Asked only
    /// where it matters: the server's answer costs a twentieth of an update.
    pub may_set_protected: &'a dyn Fn() -> bool,
}

impl Rights<'_> {
    /// The rights of a command that needs none.
    pub const NONE: Rights<'static> = Rights { writes_protected: false, may_set_protected: &|| false };
}
