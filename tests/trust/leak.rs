//! leak: states are created, changed, and end in every way. After all states and audit streams are
//! deleted, the server has as much memory as after the same in the first half.
//!
//! The limit is in bytes for each state, so even sixteen bytes left of each exceed it. Both figures
//! are checked: the allocated memory, which is exact, and the resident memory, which includes
//! fragmentation.

use fastrand::Rng;
use serde_json::json;
use support::{Client, Reply, wait_until};

use crate::crowd::{owned, prepare};
use crate::memory_figures::{number, quiet, used_bytes};
use crate::rounds::{Rounds, is_long, rounds};

const BATCH: u64 = 500;

/// States in one half of a round.
const STATES_IN_TEST: u64 = 50_000;
const STATES_IN_SOAK: u64 = 1_000_000;

/// Less than any block that a state could leave.
const LEFT_BYTES_A_STATE: u64 = 8;
/// Pages are released in groups.
const RESIDENT_BYTES_A_STATE: u64 = 10;
const PAGES_BYTES: u64 = 4 << 20;

/// Some lapse before their state ends.
const TOKEN_S: f64 = 0.02;

#[test]
fn leak() {
    rounds("leak", Rounds { in_test: 1, in_soak: 10 }, |dice, figures| {
        let states = if is_long() { STATES_IN_SOAK } else { STATES_IN_TEST };
        // An audit stream expires after a second.
        let server = quiet().arg("--state.audit-ttl").arg("1").start();
        let mut client = server.client();
        prepare(&mut client, TOKEN_S);
        live_and_end(dice, &mut client, states);
        let before = used_bytes(&mut client);
        let resident_before = resident_bytes(&mut client);
        live_and_end(dice, &mut client, states);
        wait_until("the memory is freed", || used_bytes(&mut client) <= before + states * LEFT_BYTES_A_STATE);
        wait_until("the process has not grown", || {
            resident_bytes(&mut client) <= resident_before + states * RESIDENT_BYTES_A_STATE + PAGES_BYTES
        });
        figures.add("states", 2 * states);
        figures
            .most("bytes more allocated in the second half", used_bytes(&mut client).saturating_sub(before));
        let grown = resident_bytes(&mut client).saturating_sub(resident_before);
        figures.most("bytes more resident", grown);
    });
}

/// The server's resident memory, after releasing pages that it keeps.
fn resident_bytes(client: &mut Client) -> u64 {
    client.ok(&["MEMORY", "PURGE"]);
    number(client, "memory", "used_memory_rss")
}

fn live_and_end(dice: &mut Rng, client: &mut Client, states: u64) {
    for batch in 0..states / BATCH {
        let lives = (0..BATCH).flat_map(|n| life(dice, batch * BATCH + n));
        for reply in client.pipeline(&lives.collect::<Vec<_>>()) {
            // It may have expired before its next command.
            let expired = |line: &String| line.starts_with("NOSTATE ");
            assert!(!matches!(&reply, Reply::Error(line) if !expired(line)), "{reply}");
        }
    }
    wait_until("states, audit streams and deadlines are deleted", || {
        client.ok(&["DBSIZE"]).int() == 0 && number(client, "memory", "lazyfree_pending_objects") == 0
    });
    for name in ["state_states", "state_bytes", "state_states_with_deadlines", "state_panics"] {
        assert_eq!(number(client, "state", name), 0, "{name}");
    }
}

/// The commands of a state's life, with one of five ends.
fn life(dice: &mut Rng, n: u64) -> Vec<Vec<String>> {
    let identifier = format!("+26377{n:07}");
    let key = format!("channel:{identifier}");
    let channel = json!({"type": "whatsapp", "identifier": identifier});
    let said = "x".repeat(dice.usize(..200));
    let create = json!({"channel": channel, "auth": {"token": "jwt"}, "current": {"data": {"said": said}}})
        .to_string();
    let change = json!({"current": {"data": {"said": n}}}).to_string();
    let stream = format!("{{{key}}}:audit");
    let end: &[&str] = match dice.u8(..5) {
        0 => &["STATE.DELETE", &key, "*", "PURGE"],
        1 => &["STATE.DELETE", &key, "*"],
        2 => &["UNLINK", &key, &stream],
        3 => &["DEL", &key, &stream],
        _ => &["STATE.TOUCH", &key, "PX", "5"],
    };
    let lines: [&[&str]; 5] = [
        &["STATE.SETPROTECTED", &key, "0", &create, "ID", "wamid.1", "LABEL", "in"],
        &["STATE.UPDATE", &key, "*", &change, "PX", "60000"],
        &["STATE.ATTEMPT", &key, "offer", "FAILURE", "ERROR", "late"],
        &["STATE.ROLLBACK", &key, "*"],
        end,
    ];
    lines.into_iter().map(owned).collect()
}
