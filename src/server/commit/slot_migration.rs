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

use std::ffi::{CStr, c_int};
use std::sync::atomic::{AtomicBool, Ordering};

use redis_module::raw;
use redis_state_core::audit::LastEntry;

use crate::server::commit::audit_stream::Trail;
use crate::server::ffi::api;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::RedisStr;
use crate::server::value::key::Key;

static IS_ON: AtomicBool = AtomicBool::new(false);

/// Asks the server once: it can't change while it runs.
pub fn look(ctx: Ctx) {
    IS_ON.store(ctx.is_in_cluster(), Ordering::Relaxed);
}

pub fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}

/// The bit with which a module says that it bears slots that move in one step. Valkey 9 refuses to move them while one does not.
const HANDLE_ATOMIC_SLOT_MIGRATION: c_int = 1 << 5;

/// The bit that marks the link by which such a slot comes.
const SLOT_IMPORT_CLIENT: u32 = 1 << 25;

/// What there is to say to the server about moving slots: nothing, where neither bit is known or where they mean something else.
pub fn options() -> c_int {
    // Redis gives bits of its own to the same places; only Valkey has this name, beside the one that Redis has.
    type Known = unsafe extern "C" fn() -> c_int;
    let mut known: Option<Known> = None;
    // SAFETY: R1; what is found under this name has that type, and nothing is written when nothing is found.
    let known = unsafe {
        api!(RedisModule_GetApi(c"ValkeyModule_GetModuleOptionsAll".as_ptr(), (&raw mut known).cast()));
        known.map_or(0, |known| known())
    };
    known & HANDLE_ATOMIC_SLOT_MIGRATION
}

/// Whether a command came by the link of a slot that is on the way here in one step.
pub fn comes_with_a_slot(ctx: Ctx) -> bool {
    ctx.has_flag(SLOT_IMPORT_CLIENT) && options() != 0
}

/// Whether this node answers for a key. Not for one whose slot is still on the way here, though it may hold the state already.
pub fn answers_for(ctx: Ctx, key: RedisStr) -> bool {
    // The server refuses a call about a key of another node; to this one it answers whatever is there.
    !is_on() || Reply::of_exists(ctx, key).is_some()
}

/// Lets a state, if there is one, remember the entry that was written about it: here, and on replicas from the same words.
pub fn remember(key: &mut Key, id: (u64, u64), expires_at_ms: Option<i64>) {
    if !is_on() {
        return;
    }
    let last = expires_at_ms.and_then(|expires_at_ms| LastEntry::new(id, expires_at_ms));
    if let (Some(held), Some(last)) = (key.held_mut(), last) {
        held.set_last_entry(last);
    }
}

/// Whether the stream is on another node: it is not here, has not expired, and its slot is being moved. Timers wait then.
pub fn trail_is_elsewhere(ctx: Ctx, last: Option<LastEntry>, trail: &Trail, now_ms: i64) -> bool {
    is_on()
        && last.is_some_and(|last| last.is_kept(now_ms))
        && trail.is_missing(ctx)
        && trail.name().is_some_and(|name| moves(ctx, name))
}

/// Whether the slot of a key is being moved, from here or to here. Not even being told counts as a move: waiting is what
/// can be made good.
fn moves(ctx: Ctx, key: RedisStr) -> bool {
    let Some(slot) = Reply::of_cluster(ctx, c"KEYSLOT", Some(key)).map(|reply| reply.integer()) else {
        return true;
    };
    let Some(nodes) = Reply::of_cluster(ctx, c"NODES", None).and_then(|reply| reply.text()) else {
        return true;
    };
    is_open(&nodes, slot)
}

/// Whether the list of nodes says that this node passes a slot on, or receives it.
fn is_open(nodes: &str, slot: i64) -> bool {
    let is_myself = |line: &&str| line.split(' ').nth(2).is_some_and(|flags| flags.contains("myself"));
    let open = format!("[{slot}-");
    nodes.lines().find(is_myself).is_some_and(|line| line.split(' ').any(|word| word.starts_with(&open)))
}

/// What the server replies to a command of ours.
struct Reply(*mut raw::RedisModuleCallReply);

impl Reply {
    fn of_cluster(ctx: Ctx, subcommand: &CStr, key: Option<RedisStr>) -> Option<Reply> {
        let (command, subcommand) = (c"CLUSTER".as_ptr(), subcommand.as_ptr());
        // SAFETY: R1, R3: each format names what follows it.
        let reply = unsafe {
            match key {
                Some(key) => {
                    api!(RedisModule_Call(ctx.as_ptr(), command, c"cs".as_ptr(), subcommand, key.as_ptr()))
                }
                None => api!(RedisModule_Call(ctx.as_ptr(), command, c"c".as_ptr(), subcommand)),
            }
        };
        (!reply.is_null()).then(|| Reply(reply))
    }

    fn of_exists(ctx: Ctx, key: RedisStr) -> Option<Reply> {
        // SAFETY: R1, R3: the format names the key.
        let reply =
            unsafe { api!(RedisModule_Call(ctx.as_ptr(), c"EXISTS".as_ptr(), c"s".as_ptr(), key.as_ptr())) };
        (!reply.is_null()).then(|| Reply(reply))
    }

    fn integer(&self) -> i64 {
        // SAFETY: R2; another type gives the lowest number there is.
        unsafe { api!(RedisModule_CallReplyInteger(self.0)) }
    }

    fn text(&self) -> Option<String> {
        let mut len = 0;
        // SAFETY: R2: the text is copied before the reply is freed; another type gives a null pointer.
        let text = unsafe {
            let start = api!(RedisModule_CallReplyStringPtr(self.0, &mut len));
            (!start.is_null()).then(|| std::slice::from_raw_parts(start.cast::<u8>(), len))
        };
        text.map(|text| String::from_utf8_lossy(text).into_owned())
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        // SAFETY: made by Call, freed once.
        unsafe { api!(RedisModule_FreeCallReply(self.0)) };
    }
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
