//! A slot that migrates must not split an audit stream.
//!
//! While a slot migrates key by key, a state may be here and its stream still on the other node, or
//! the reverse. An entry written now would start a second stream, which the first could not follow
//! (BUSYKEY). Commands therefore return TRYAGAIN, and timers wait, even when the command names the
//! stream with AUDIT: the server routes by the first key alone (seen on 7.0), whatever the key
//! specs say.
//!
//! A stream that is missing while no slot migrates was evicted or deleted, and a new one may start.
//! Asking the server about the slot is slow, so it is asked only when a stream is missing that a
//! state remembers. Outside a cluster states remember no stream entry: no slot migrates there.
//!
//! Valkey 9 also migrates slots in one step: it sends their contents and the writes meanwhile, as
//! to a replica, and hands them over when the target has caught up. State and stream stay together.
//! But the target holds states that another node still serves: timers must not touch those, and the
//! schemas sent in front of the first of them are not for the target.

use redis_state_core::audit::LastEntry;

use crate::server::commit::audit_stream::AuditStream;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::key::Key;
use crate::server::ffi::module::atomic_slot_migration;
use crate::server::ffi::stream::StreamId;
use crate::server::ffi::string::{OwnedString, RedisStr};
use crate::server::global::cluster;

/// The bit that marks the link by which such a slot comes.
const SLOT_IMPORT_CLIENT: u32 = 1 << 25;

/// Whether a command came by the link of a slot that migrates here in one step.
pub fn comes_with_a_slot(ctx: Ctx) -> bool {
    ctx.has_flag(SLOT_IMPORT_CLIENT) && atomic_slot_migration() != 0
}

/// Whether this node serves a key. It does not while the slot still migrates here, though the state
/// may have arrived.
pub fn answers_for(ctx: Ctx, key: RedisStr) -> bool {
    // The server rejects a call about a key of another node, and answers one about a key of its
    // own.
    !cluster::is_on() || ctx.call(c"EXISTS", &[key.raw()]).is_some()
}

/// Makes a state, if there is one, remember the last entry of its stream; replicas do it from the
/// same words.
pub fn remember(key: &mut Key, id: StreamId, expires_at_ms: Option<i64>) {
    if !cluster::is_on() {
        return;
    }
    let last = expires_at_ms.and_then(|expires_at_ms| LastEntry::new((id.ms, id.seq), expires_at_ms));
    if let (Some(held), Some(last)) = (key.held_mut(), last) {
        held.set_last_entry(last);
    }
}

/// Whether the stream is on another node: it is missing here, has not expired, and its slot
/// migrates.
pub fn stream_is_elsewhere(ctx: Ctx, last: Option<LastEntry>, stream: &AuditStream, now_ms: i64) -> bool {
    cluster::is_on()
        && last.is_some_and(|last| last.is_kept(now_ms))
        && stream.is_missing(ctx)
        && stream.name().is_some_and(|name| moves(ctx, name))
}

/// Whether the slot of a key migrates, from here or to here. No answer counts as yes: a caller can
/// make up for waiting, but not for a split stream.
fn moves(ctx: Ctx, key: RedisStr) -> bool {
    let keyslot = OwnedString::of(b"KEYSLOT");
    let slot = ctx.call(c"CLUSTER", &[keyslot.raw(), key.raw()]).map(|reply| reply.integer());
    let nodes = ctx.call_words(c"CLUSTER", &["NODES"]).and_then(|reply| reply.text());
    let (Some(slot), Some(nodes)) = (slot, nodes) else { return true };
    is_open(&nodes, slot)
}

/// Whether CLUSTER NODES shows that this node migrates or imports a slot.
fn is_open(nodes: &str, slot: i64) -> bool {
    let is_myself = |line: &&str| line.split(' ').nth(2).is_some_and(|flags| flags.contains("myself"));
    let open = format!("[{slot}-");
    nodes.lines().find(is_myself).is_some_and(|line| line.split(' ').any(|word| word.starts_with(&open)))
}

#[cfg(test)]
mod tests {
    use super::is_open;

    #[test]
    fn a_slot_is_open_where_this_node_says_so() {
        let nodes = concat!(
            "07c3 127.0.0.1:30004@31004,host slave e7d1 0 1426 4 connected\n",
            "67ed 127.0.0.1:30002@31002,host master - 0 1426 2 connected 5461-10922 [93->-e7d1]\n",
            "e7d1 127.0.0.1:30001@31001,host myself,master - 0 0 1 connected 0-5460 [77->-67ed] [5461-<-67ed]\n",
        );
        for (slot, open) in [(77, true), (5461, true), (93, false), (7, false), (0, false), (5460, false)] {
            assert_eq!(is_open(nodes, slot), open, "slot {slot}");
        }
        assert!(!is_open("", 77));
    }
}
