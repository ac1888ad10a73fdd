//! oom: a server at its `maxmemory`, with users that go on: they create states, let documents and
//! audit streams grow, and delete now and then, so that the limit is reached again and again.
//!
//! After every command the whole data of its key is read. A command that failed with -OOM must have
//! changed nothing. Deleted memory is freed: of two rounds on one server, the first warms up its
//! caches, and the second ends with the memory that it began with.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::json;
use support::{Client, Reply, wait_until};

use crate::crowd::{owned, prepare};
use crate::memory_figures::{number, quiet, used_bytes};
use crate::rounds::{Figures, Rounds, rounds};

const OPERATIONS: u64 = 2_500;
const KEYS: u32 = 400;

/// No deadline falls in a round.
const TOKEN_S: f64 = 31_536_000.0;

/// Freed blocks that the module keeps for the next command, and tables of the server that shrink in
/// steps. A small server has two megabytes, of which one percent is less than these.
const KEPT_BYTES_MAX: u64 = 64 * 1024;

/// The range of the free memory below the limit.
const ROOM_BYTES: std::ops::Range<u64> = 500_000..3_000_000;

#[test]
fn oom() {
    let seen = rounds("oom", Rounds { in_test: 2, in_soak: 200 }, |dice, figures| {
        let server = quiet().arg("--maxmemory-policy").arg("noeviction");
        // No audit stream is trimmed, so that they fill the memory too.
        let server = server.arg("--state.audit-maxlen").arg("1000000").start();
        let mut client = server.client();
        prepare(&mut client, TOKEN_S);
        let mut people = Users::new(dice);
        people.fill_and_empty(&mut client, figures);
        let before = used_bytes(&mut client);
        people.fill_and_empty(&mut client, figures);
        let after_max = before + before / 100 + KEPT_BYTES_MAX;
        wait_until("the memory is freed", || used_bytes(&mut client) <= after_max);
        assert_eq!(number(&mut client, "state", "state_panics"), 0);
        assert_eq!(number(&mut client, "state", "state_bytes"), 0);
    });
    if let Some(seen) = seen {
        let (rejected, all) = (seen.get("rejected with -OOM"), seen.get("operations"));
        assert!(rejected > all / 20 && rejected < all, "{rejected} of {all} reached the limit");
    }
}

/// The whole data of a key. Without META, whose `ttl` changes.
type Seen = Vec<Reply>;

struct Users<'d> {
    dice: &'d mut Rng,
    /// The last known data of each key.
    seen: BTreeMap<u32, Seen>,
}

impl Users<'_> {
    fn new(dice: &mut Rng) -> Users<'_> {
        Users { dice, seen: BTreeMap::new() }
    }

    fn fill_and_empty(&mut self, client: &mut Client, figures: &mut Figures) {
        let limit = used_bytes(client) + self.dice.u64(ROOM_BYTES);
        client.ok(&["CONFIG", "SET", "maxmemory", &limit.to_string()]);
        for _ in 0..OPERATIONS {
            let rejected = self.operate(client);
            figures.add("operations", 1);
            figures.add("rejected with -OOM", u64::from(rejected));
            if rejected && self.dice.u8(..3) == 0 {
                self.delete_one(client);
            }
        }
        client.ok(&["CONFIG", "SET", "maxmemory", "0"]);
        for n in std::mem::take(&mut self.seen).into_keys() {
            client.ok(&["STATE.DELETE", &key(n), "*", "PURGE"]);
        }
        wait_until("the lazy-free queue is empty", || {
            number(client, "memory", "lazyfree_pending_objects") == 0
        });
        assert_eq!(client.ok(&["DBSIZE"]).int(), 0);
    }

    /// Sends one command, in one of three ways, and reads its key; returns whether it ran out of
    /// memory.
    #[track_caller]
    fn operate(&mut self, client: &mut Client) -> bool {
        let n = self.dice.u32(..KEYS);
        let words = self.words(n);
        let lines: Vec<Vec<String>> = match self.dice.u8(..10) {
            0 => vec![vec!["MULTI".into()], words.clone(), vec!["EXEC".into()]],
            1 => {
                let script = ["EVAL", "return redis.pcall(unpack(ARGV))", "0"].map(str::to_owned);
                vec![[&script[..], &words].concat()]
            }
            _ => vec![words.clone()],
        };
        let replies = client.pipeline(&[&lines[..], &looks(n)].concat());
        let (said, seen) = replies.split_at(lines.len());
        let errors: Vec<&str> = said.iter().filter_map(error).collect();
        assert!(errors.iter().all(|error| !error.contains("internal")), "{words:?}: {errors:?}");
        let rejected = errors.iter().any(|error| error.contains("OOM"));
        let before = self.seen.insert(n, seen.to_vec());
        match before {
            Some(before) if rejected => assert_eq!(seen, before, "{words:?}: {errors:?}"),
            None if rejected => assert!(seen[0].is_nil() && seen[4] == Reply::Int(0), "{words:?}: {seen:?}"),
            _ => {}
        }
        if seen[0].is_nil() {
            self.seen.remove(&n);
        }
        rejected
    }

    /// A command that lets states, documents and audit streams grow; nearly all keep the rules.
    fn words(&mut self, n: u32) -> Vec<String> {
        let (key, text) = (key(n), "x".repeat(self.dice.usize(..1_000)));
        let identifier = format!("+2637712{n:05}");
        let channel = json!({"type": "whatsapp", "identifier": identifier});
        let list = json!({"channel": channel, "current": {"data": {"said": [text]}}}).to_string();
        let grows = json!([{"op": "add", "path": "/current/data/said/-", "value": text}]).to_string();
        let words: &[&str] = match self.dice.u8(..100) {
            0..35 => &["STATE.UPDATE", &key, "*", &list, "EX", "3600"],
            35..65 => &["STATE.UPDATE", &key, "*", &grows, "PATCH"],
            65..75 => &["STATE.UPDATE", &key, "*", "{}", "NOTE", &text, "EX", "3600"],
            75..85 => &["STATE.ATTEMPT", &key, "offer", "FAILURE", "ERROR", &text],
            85..90 => &["STATE.UPDATE", &key, "*", r#"{"channel":7}"#],
            90..95 => &["STATE.ROLLBACK", &key, "*"],
            _ => &["STATE.SETPROTECTED", &key, "*", r#"{"auth":{"token":"jwt"}}"#, "LABEL", "in"],
        };
        owned(words)
    }

    /// Commands that free memory need none.
    #[track_caller]
    fn delete_one(&mut self, client: &mut Client) {
        let there: Vec<u32> = self.seen.keys().copied().collect();
        let Some(n) = self.dice.choice(there) else { return };
        assert_eq!(client.ok(&["STATE.DELETE", &key(n), "*", "PURGE"]).field("state").int(), 1);
        self.seen.remove(&n);
    }
}

fn key(n: u32) -> String {
    format!("channel:+2637712{n:05}")
}

/// Reads the whole key: state, snapshots, attempts, audit stream and expiry.
fn looks(n: u32) -> Vec<Vec<String>> {
    let (key, stream) = (key(n), format!("{{{}}}:audit", key(n)));
    let looks: [&[&str]; 6] = [
        &["STATE.GET", &key],
        &["STATE.HISTORY", &key],
        &["STATE.ATTEMPTS", &key],
        &["PEXPIRETIME", &key],
        &["XLEN", &stream],
        &["XREVRANGE", &stream, "+", "-", "COUNT", "1"],
    ];
    looks.into_iter().map(owned).collect()
}

/// The error in a reply; in EXEC's it is the only element.
fn error(reply: &Reply) -> Option<&str> {
    match reply {
        Reply::Error(line) => Some(line),
        Reply::Array(items) => items.iter().find_map(error),
        _ => None,
    }
}
