//! Whether a state was at the key before, and has ended.
//!
//! The strings of an imported user may outlive the state: they stay without an expiry, or until the
//! operator deletes them. A later run, or the same one started again, must not bring back the old
//! conversation. The audit stream, which expires a day after its last entry, tells.

use redis_state_client::{AuditEvent, Driver, Result, States};

use super::write::ACTOR;
use crate::keys;

/// Enough entries to look past `state.audit-rejects` rejections without a state.
const ENTRIES_MAX: usize = 101;

/// Whether the audit stream shows a state at `target`, where none is now. Not one that an import
/// has created and deleted again.
pub(super) async fn has_ended<D: Driver>(states: &mut States<D>, target: &str) -> Result<bool> {
    if keys::audit_stream(target).is_none() {
        return Ok(false);
    }
    let entries = D::resolve(states.audit(target, ENTRIES_MAX)).await?;
    let newest = entries.iter().find(|entry| !matches!(entry.event, AuditEvent::Reject | AuditEvent::None));
    Ok(newest.is_some_and(|entry| entry.event != AuditEvent::Delete || entry.actor.as_deref() != Some(ACTOR)))
}
