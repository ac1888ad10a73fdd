//! eviction: more states than memory, under `allkeys-lru`. A state is evicted as a whole and
//! audited, and later commands on it get NOSTATE and no other reply.
//!
//! Audit streams are evicted too, so not every evicted state has an entry that can be read. The
//! server counts the entries that it has written; the remaining ones are compared with the last
//! replies.

use std::collections::HashMap;

use fastrand::Rng;
use serde_json::json;
use support::{Client, Reply};

use crate::memory_figures::{number, quiet};
use crate::rounds::{Figures, Rounds, is_long, rounds};

const LIMIT_IN_TEST_BYTES: u64 = 24 << 20;
const LIMIT_IN_SOAK_BYTES: u64 = 256 << 20;

const DOCUMENT_BYTES: std::ops::Range<usize> = 500..8_000;
/// The approximate size of a state with its audit stream.
const STATE_BYTES: u64 = 10_000;

const BATCH: u64 = 50;

#[test]
fn eviction() {
    let seen = rounds("eviction", Rounds { in_test: 1, in_soak: 30 }, |dice, figures| {
        let limit = if is_long() { LIMIT_IN_SOAK_BYTES } else { LIMIT_IN_TEST_BYTES };
        let server = quiet().arg("--maxmemory").arg(limit.to_string());
        let server = server.arg("--maxmemory-policy").arg("allkeys-lru").start();
        let mut client = server.client();
        let mut states = States::default();
        for _ in 0..3 * limit / STATE_BYTES / BATCH {
            states.create_and_use(dice, &mut client);
        }
        states.assert_evictions_are_audited(&mut client, figures);
    });
    if let Some(seen) = seen {
        assert!(seen.get("states evicted") > 500 && seen.get("commands that found no state") > 100);
        assert!(seen.get("entries read") > 100);
    }
}

/// The created states, with the last etag of each.
#[derive(Default)]
struct States {
    etags: HashMap<u64, String>,
    created: u64,
    missed: u64,
}

fn key(n: u64) -> String {
    format!("channel:+26377{n:07}")
}

impl States {
    /// Creates some states, and sends as many commands to older ones.
    #[track_caller]
    fn create_and_use(&mut self, dice: &mut Rng, client: &mut Client) {
        let new = self.created..self.created + BATCH;
        self.created = new.end;
        let old: Vec<u64> = (0..BATCH).map(|_| dice.u64(..self.created)).collect();
        let created: Vec<Vec<String>> = new.clone().map(|n| self.written(dice, n, "0")).collect();
        for (n, reply) in new.zip(client.pipeline(&created)) {
            self.etags.insert(n, reply.text().to_owned());
        }
        for n in old {
            let words = self.written(dice, n, &self.etags[&n]);
            // One by one, so that a command does not find another one of the batch on its state.
            match client.call(&words) {
                Reply::Error(line) => {
                    assert!(line.starts_with("NOSTATE "), "{}: {line}", key(n));
                    assert!(client.ok(&["STATE.GET", &key(n)]).is_nil(), "{}", key(n));
                    self.missed += 1;
                }
                reply => {
                    self.etags.insert(n, reply.text().to_owned());
                }
            }
        }
    }

    fn written(&self, dice: &mut Rng, n: u64, expected: &str) -> Vec<String> {
        let json = json!({"channel": key(n), "said": "x".repeat(dice.usize(DOCUMENT_BYTES))}).to_string();
        ["STATE.UPDATE", &key(n), expected, &json, "PERSIST"].map(str::to_owned).to_vec()
    }

    /// Each missing state was evicted, with an audit entry of its last etag.
    #[track_caller]
    fn assert_evictions_are_audited(&self, client: &mut Client, figures: &mut Figures) {
        let [states, evicted, panics] =
            ["state_states", "state_evicted", "state_panics"].map(|name| number(client, "state", name));
        assert_eq!((states + evicted, panics), (self.created, 0));
        for (n, etag) in &self.etags {
            let stream = format!("{{{}}}:audit", key(*n));
            let replies = client
                .pipeline(&[vec!["STATE.GET", &key(*n)], vec!["XREVRANGE", &stream, "+", "-", "COUNT", "1"]]);
            let [state, last] = &replies[..] else { panic!("two replies") };
            match (state, last.array()) {
                (Reply::Array(items), _) => assert_eq!(items[0].text(), etag, "{}", key(*n)),
                (_, [last]) => {
                    let fields = &last.array()[1];
                    assert_eq!(fields.field("event").text(), "evict", "{}: {fields}", key(*n));
                    assert_eq!(fields.field("etag").text(), etag, "{}", key(*n));
                    figures.add("entries read", 1);
                }
                (_, _) => figures.add("audit streams evicted too", 1),
            }
        }
        figures.add("states evicted", evicted);
        figures.add("states left", states);
        figures.add("commands that found no state", self.missed);
    }
}
