//! The limits of a server, passed down with each command (invariant I7).

pub use redis_state_types::limits::KEY_BYTES_MAX;

/// The longest name or actor in a state, in bytes.
pub const NAME_BYTES_MAX: usize = 128;

/// The longest document, whatever the configuration: the upper end of `state.max-bytes`.
pub(crate) const DOCUMENT_BYTES_CEILING: usize = 64 * 1024 * 1024;

/// The limits of a server; the fields are named after its `state.*` settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `state.snapshots`: how many snapshots without a label are kept.
    pub snapshots: usize,
    /// `state.labels`: how many labels a state keeps.
    pub labels: usize,
    /// `state.max-bytes`: the longest document, and the longest JSON of a command.
    pub bytes_max: usize,
    /// `state.max-depth`: how deep containers may nest; `{}` is 1.
    pub depth_max: usize,
    /// `state.max-cost`: the work budget of a command, in the units of [`crate::budget::Budget`].
    pub cost_max: u64,
    /// `state.default-ttl`, in milliseconds.
    pub default_ttl_ms: i64,
    /// `state.attempts-history`: how many attempts of all operations are kept.
    pub attempts_history: usize,
    /// `state.idempotency-ids`: how many tokens of commands are kept.
    pub idempotency_ids: usize,
    /// `state.audit-patch-bytes`: where the patch of an audit entry is cut.
    pub audit_patch_bytes: usize,
    /// `state.audit-document-bytes`: the longest document in an audit entry.
    pub audit_document_bytes: usize,
    /// `state.audit-conflicts`: whether conflicts get an audit entry.
    pub audit_conflicts: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            snapshots: 10,
            labels: 8,
            bytes_max: 1024 * 1024,
            depth_max: 64,
            cost_max: 20_000_000,
            default_ttl_ms: 300_000,
            attempts_history: 100,
            idempotency_ids: 64,
            audit_patch_bytes: 4096,
            audit_document_bytes: 65_536,
            audit_conflicts: false,
        }
    }
}
