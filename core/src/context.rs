//! What a command is decided with besides its arguments: the circumstances, the caller's metadata and the caller's rights.

use crate::budget::Budget;
use crate::limits::Limits;
use crate::schema::registry::Registry;
use crate::state::etag_keys::Keys;
use crate::state::idempotency::Id;

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

/// What a caller may do that not everybody may.
#[derive(Clone, Copy)]
pub struct Rights<'a> {
    /// STATE.SETPROTECTED: write protected members, and give a state another schema.
    pub protect: bool,
    /// Read secrets, so that naming one with the value it has is no guess. Asked where a change names one and nowhere else: the
    /// server's answer takes as long as a twentieth of an update.
    pub read_secrets: &'a dyn Fn() -> bool,
}

/// The ways to a valid state, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rung {
    /// The state is valid as it is.
    Valid,
    /// Absent members get their defaults.
    Defaults,
    /// Members that the schema's present revision does not know are dropped.
    Revision,
    /// The newest valid version without a label.
    Snapshot,
    /// The newest valid version with one.
    Label,
    /// What STATE.RESET would make.
    Reset,
    /// Where no state is: what the audit stream says there was.
    Audit,
    /// A new state.
    Created,
}

impl Rung {
    /// All of them, mildest first.
    pub const ALL: [Rung; 8] = [
        Rung::Valid,
        Rung::Defaults,
        Rung::Revision,
        Rung::Snapshot,
        Rung::Label,
        Rung::Reset,
        Rung::Audit,
        Rung::Created,
    ];

    /// The word in replies, the audit stream and INFO.
    pub fn as_str(self) -> &'static str {
        match self {
            Rung::Valid => "valid",
            Rung::Defaults => "defaults",
            Rung::Revision => "revision",
            Rung::Snapshot => "snapshot",
            Rung::Label => "label",
            Rung::Reset => "reset",
            Rung::Audit => "audit",
            Rung::Created => "created",
        }
    }
}
