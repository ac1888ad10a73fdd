//! slow-consumers: many clients wait for states (STATE.WAIT), and some of them never read their
//! replies. Those that read get every reply, with the newest state; and after all have
//! disconnected, their memory is freed.
//!
//! One thread plays all clients in sequence: a client without a reply for a minute fails the test.

use fastrand::Rng;
use serde_json::json;
use support::{Client, Server, wait_until};

use crate::memory_figures::{number, quiet, used_bytes};
use crate::rounds::{Rounds, is_long, rounds};

/// The numbers of a round.
struct Size {
    waiters: usize,
    keys: usize,
}

const IN_TEST: Size = Size { waiters: 400, keys: 40 };
const IN_SOAK: Size = Size { waiters: 10_000, keys: 1_000 };

const WAVES: usize = 4;
const DOCUMENT_BYTES: usize = 4_000;

/// One client in so many never reads.
const SILENT: usize = 10;
/// The first of these send so many requests that the sockets can't hold the replies, and the server
/// must.
const GREEDY: usize = 3;
const GREEDY_ASKS: usize = 3_000;

#[test]
fn slow_consumers() {
    rounds("slow-consumers", Rounds { in_test: 2, in_soak: 20 }, |dice, figures| {
        let size = if is_long() { IN_SOAK } else { IN_TEST };
        let server = quiet().arg("--maxclients").arg((size.waiters + 100).to_string());
        let server = server.arg("--state.audit").arg("no").start();
        let mut writer = server.client();
        let mut keys = Keys { etags: vec![String::new(); size.keys] };
        keys.update(dice, &mut writer);
        // The first crowd warms up what the server keeps for reuse.
        let kept = [0; 2].map(|_| {
            let held = wait_in_waves(dice, &server, &mut writer, &mut keys, &size);
            figures.add("answers", ((size.waiters - size.waiters / SILENT) * WAVES) as u64);
            figures.most("bytes held for clients that did not read", held);
            used_bytes(&mut writer)
        });
        let near = kept[0] + kept[0] / 50;
        wait_until("the memory of the clients is freed", || used_bytes(&mut writer) <= near);
        assert_eq!(number(&mut writer, "state", "state_panics"), 0);
    });
}

struct Keys {
    /// The newest etag of each key.
    etags: Vec<String>,
}

impl Keys {
    fn key(n: usize) -> String {
        format!("channel:+26377{n:07}")
    }

    fn update(&mut self, dice: &mut Rng, writer: &mut Client) {
        let lines = (0..self.etags.len()).map(|n| {
            let json =
                json!({"said": dice.alphanumeric().to_string().repeat(DOCUMENT_BYTES), "n": dice.u64(..)})
                    .to_string();
            ["STATE.UPDATE", &Keys::key(n), "*", &json, "PERSIST"].map(str::to_owned).to_vec()
        });
        let lines: Vec<Vec<String>> = lines.collect();
        self.etags = writer.pipeline(&lines).iter().map(|reply| reply.text().to_owned()).collect();
    }
}

/// Clients connect, wait for a new state in each wave, and disconnect. Returns the server's maximum
/// memory for the clients that do not read.
#[track_caller]
fn wait_in_waves(dice: &mut Rng, server: &Server, writer: &mut Client, keys: &mut Keys, size: &Size) -> u64 {
    let before = used_bytes(writer);
    let (mut silent, mut readers) = (Vec::new(), Vec::new());
    for n in 0..size.waiters {
        let mut client = server.client();
        // The next client starts after the server has handled this one.
        client.ok(&["PING"]);
        let key = n % size.keys;
        if n % SILENT > 0 {
            readers.push((client, key));
            continue;
        }
        // A command after a blocked one is answered as soon as that is.
        let asks = if silent.len() < GREEDY { GREEDY_ASKS } else { WAVES };
        let known = &keys.etags[key];
        (0..asks).for_each(|_| client.send(&["STATE.WAIT", &Keys::key(key), known, "0"]));
        silent.push(client);
    }
    for wave in 0..WAVES {
        for (reader, key) in &mut readers {
            reader.send(&["STATE.WAIT", &Keys::key(*key), &keys.etags[*key], "0"]);
        }
        let waiting = readers.len() + if wave == 0 { silent.len() } else { 0 };
        wait_until("all clients are blocked", || {
            number(writer, "clients", "blocked_clients") == waiting as u64
        });
        keys.update(dice, writer);
        for (reader, key) in &mut readers {
            assert_eq!(reader.read().array()[0].text(), keys.etags[*key]);
        }
    }
    let held = used_bytes(writer).saturating_sub(before);
    drop((silent, readers));
    wait_until("all clients have disconnected", || number(writer, "clients", "connected_clients") == 1);
    held
}
