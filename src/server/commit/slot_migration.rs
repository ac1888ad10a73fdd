//! What a state in a cluster remembers, so that a slot that moves does not split its audit stream.
//!
//! While a slot moves, key by key, a state may be here and its stream still elsewhere, or the other way round. An entry
//! written now would begin a second stream, and the first one could not follow (BUSYKEY). So commands are asked to try again,
//! and timers wait. That the command names the stream with AUDIT was no reason to let it pass: the server routes by the
//! first key alone (seen on 7.0), whatever the key specs say.
//!
//! A stream that is missing while no slot moves was evicted or deleted: nobody waits for that one. So the server is asked
//! about the slot, which is slow, but only once a stream is missing.
//!
//! Valkey 9 also moves slots in one step: it sends what is in them and what is written meanwhile, as to a replica, and passes them
//! on when nothing is missing. State and stream stay together there. But the node that receives them holds states that are
//! still another's: no timer may touch those, and the schemas in front of the first of them are not meant for it.
//!
//! Outside a cluster nothing is remembered: no slot moves there, and a state need not carry what nobody asks for.

use redis_state_core::audit::LastEntry;

use crate::server::commit::audit_stream::Trail;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::key::Key;
use crate::server::ffi::module::atomic_slot_migration;
use crate::server::ffi::stream::StreamId;
use crate::server::ffi::string::{OwnedString, RedisStr};
use crate::server::global::cluster;

/// The bit that marks the link by which such a slot comes.
const SLOT_IMPORT_CLIENT: u32 = 1 << 25;

/// Whether a command came by the link of a slot that is on the way here in one step.
pub fn comes_with_a_slot(ctx: Ctx) -> bool {
    ctx.has_flag(SLOT_IMPORT_CLIENT) && atomic_slot_migration() != 0
}

/// Whether this node answers for a key. Not for one whose slot is still on the way here, though it may hold the state already.
pub fn answers_for(ctx: Ctx, key: RedisStr) -> bool {
    // The server refuses a call about a key of another node; to this one it answers whatever is there.
    !cluster::is_on() || ctx.call(c"EXISTS", &[key.raw()]).is_some()
}

/// Lets a state, if there is one, remember the entry that was written about it: here, and on replicas from the same words.
pub fn remember(key: &mut Key, id: StreamId, expires_at_ms: Option<i64>) {
    if !cluster::is_on() {
        return;
    }
    let last = expires_at_ms.and_then(|expires_at_ms| LastEntry::new((id.ms, id.seq), expires_at_ms));
    if let (Some(held), Some(last)) = (key.held_mut(), last) {
        held.set_last_entry(last);
    }
}

/// Whether the stream is on another node: it is not here, has not expired, and its slot is being moved. Timers wait then.
pub fn trail_is_elsewhere(ctx: Ctx, last: Option<LastEntry>, trail: &Trail, now_ms: i64) -> bool {
    cluster::is_on()
        && last.is_some_and(|last| last.is_kept(now_ms))
        && trail.is_missing(ctx)
        && trail.name().is_some_and(|name| moves(ctx, name))
}

/// Whether the slot of a key is being moved, from here or to here. Not even being told counts as a move: waiting is what
/// can be made good.
fn moves(ctx: Ctx, key: RedisStr) -> bool {
    let keyslot = OwnedString::of(b"KEYSLOT");
    let slot = ctx.call(c"CLUSTER", &[keyslot.raw(), key.raw()]).map(|reply| reply.integer());
    let nodes = ctx.call_words(c"CLUSTER", &["NODES"]).and_then(|reply| reply.text());
    let (Some(slot), Some(nodes)) = (slot, nodes) else { return true };
    is_open(&nodes, slot)
}

/// Whether the list of nodes says that this node passes a slot on, or receives it.
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
