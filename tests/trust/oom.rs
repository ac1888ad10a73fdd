//! oom: a server at its `maxmemory`, with people who go on: they create states, let documents and trails grow, and delete
//! something now and then, so that the limit is met from below again and again.
//!
//! After every command all that can be seen of its key is read. A command that was refused with -OOM must leave it as it was
//! read before. What has been deleted comes back: the second of two rounds on one server, the first of which has
//! warmed up whatever it keeps for later, ends with the memory it began with.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::json;
use support::{Client, Reply, wait_until};

use crate::crowd::{owned, prepare};
use crate::pressure::{number, quiet, used_bytes};
use crate::rounds::{Figures, Rounds, rounds};

const OPERATIONS: u64 = 2_500;
const KEYS: u32 = 400;

/// No deadline comes in a round.
const TOKEN_S: f64 = 31_536_000.0;

/// Freed blocks that the module keeps for the next command, and tables of the server that shrink in steps. A small server has
/// two megabytes, so one part in a hundred is less than these alone.
const KEPT_BYTES_MAX: u64 = 64 * 1024;

/// All of these hold no more than this.
const ROOM_BYTES: std::ops::Range<u64> = 500_000..3_000_000;

#[test]
fn oom() {
    let seen = rounds("oom", Rounds { in_test: 2, in_soak: 200 }, |dice, figures| {
        let server = quiet().arg("--maxmemory-policy").arg("noeviction");
        // No trail is trimmed: they are to fill the memory too.
        let server = server.arg("--state.audit-maxlen").arg("1000000").start();
        let mut client = server.client();
        prepare(&mut client, TOKEN_S);
        let mut people = People::new(dice);
        people.fill_and_empty(&mut client, figures);
        let before = used_bytes(&mut client);
        people.fill_and_empty(&mut client, figures);
        let after_max = before + before / 100 + KEPT_BYTES_MAX;
        wait_until("the memory is given back", || used_bytes(&mut client) <= after_max);
        assert_eq!(number(&mut client, "state", "state_panics"), 0);
        assert_eq!(number(&mut client, "state", "state_bytes"), 0);
    });
    if let Some(seen) = seen {
        let (refused, all) = (seen.get("refused with -OOM"), seen.get("operations"));
        assert!(refused > all / 20 && refused < all, "{refused} of {all} met the limit");
    }
}

/// All that can be seen of a key. Without META, whose `ttl` runs.
type Seen = Vec<Reply>;

struct People<'d> {
    dice: &'d mut Rng,
    /// What was seen last of each key.
    seen: BTreeMap<u32, Seen>,
}

impl People<'_> {
    fn new(dice: &mut Rng) -> People<'_> {
        People { dice, seen: BTreeMap::new() }
    }

    fn fill_and_empty(&mut self, client: &mut Client, figures: &mut Figures) {
        let limit = used_bytes(client) + self.dice.u64(ROOM_BYTES);
        client.ok(&["CONFIG", "SET", "maxmemory", &limit.to_string()]);
        for _ in 0..OPERATIONS {
            let refused = self.operate(client);
            figures.add("operations", 1);
            figures.add("refused with -OOM", u64::from(refused));
            if refused && self.dice.u8(..3) == 0 {
                self.delete_one(client);
            }
        }
        client.ok(&["CONFIG", "SET", "maxmemory", "0"]);
        for n in std::mem::take(&mut self.seen).into_keys() {
            client.ok(&["STATE.DELETE", &key(n), "*", "PURGE"]);
        }
        wait_until("nothing waits to be freed", || number(client, "memory", "lazyfree_pending_objects") == 0);
        assert_eq!(client.ok(&["DBSIZE"]).int(), 0);
    }

    /// Sends one command, in one of three ways, and looks at its key; whether it was refused for want of memory.
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
        let refused = errors.iter().any(|error| error.contains("OOM"));
        let before = self.seen.insert(n, seen.to_vec());
        match before {
            Some(before) if refused => assert_eq!(seen, before, "{words:?}: {errors:?}"),
            None if refused => assert!(seen[0].is_nil() && seen[4] == Reply::Int(0), "{words:?}: {seen:?}"),
            _ => {}
        }
        if seen[0].is_nil() {
            self.seen.remove(&n);
        }
        refused
    }

    /// What lets states, documents and trails grow; all within the rules but a few.
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

    /// Who wants to free memory may, without any.
    #[track_caller]
    fn delete_one(&mut self, client: &mut Client) {
        let there: Vec<u32> = self.seen.keys().copied().collect();
        let Some(n) = self.dice.choice(there) else { return };
        assert_eq!(client.ok(&["STATE.DELETE", &key(n), "*", "PURGE"]).int(), 1);
        self.seen.remove(&n);
    }
}

fn key(n: u32) -> String {
    format!("channel:+2637712{n:05}")
}

/// What shows all of a key: state, past, attempts, trail and expiry.
fn looks(n: u32) -> Vec<Vec<String>> {
    let (key, trail) = (key(n), format!("{{{}}}:audit", key(n)));
    let looks: [&[&str]; 6] = [
        &["STATE.GET", &key],
        &["STATE.HISTORY", &key],
        &["STATE.ATTEMPTS", &key],
        &["PEXPIRETIME", &key],
        &["XLEN", &trail],
        &["XREVRANGE", &trail, "+", "-", "COUNT", "1"],
    ];
    looks.into_iter().map(owned).collect()
}

/// The error in a reply; in that of EXEC it is the only element.
fn error(reply: &Reply) -> Option<&str> {
    match reply {
        Reply::Error(line) => Some(line),
        Reply::Array(items) => items.iter().find_map(error),
        _ => None,
    }
}
