//! The rungs of a recovery.

/// The ways to a valid state, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rung {
    /// The state is valid.
    Valid,
    /// Absent members get their defaults.
    Defaults,
    /// Drops members that the schema's present revision does not allow.
    Revision,
    /// The newest valid snapshot without a label.
    Snapshot,
    /// The newest valid snapshot with a label.
    Label,
    /// The result of STATE.RESET.
    Reset,
    /// Without a state: the document rebuilt from the audit stream.
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
