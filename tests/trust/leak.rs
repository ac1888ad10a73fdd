//! leak: states are created, changed, and end in each of the ways there are; when all are gone, and their trails too, the server
//! has as much memory as it had after the same in the half before.
//!
//! The bound is in bytes for each state: whatever stays of a state, be it sixteen bytes, breaks it. Both of the server's
//! figures are looked at: what it has allocated, which is exact, and what the system says it has, which sees fragments too.

use fastrand::Rng;
use serde_json::json;
use support::{Client, Reply, wait_until};

use crate::crowd::{owned, prepare};
use crate::pressure::{number, quiet, used_bytes};
use crate::rounds::{Rounds, is_long, rounds};

const BATCH: u64 = 500;

/// States in one half of a round.
const STATES_IN_TEST: u64 = 50_000;
const STATES_IN_SOAK: u64 = 1_000_000;

/// Less than any block that could stay of a state.
const LEFT_BYTES_A_STATE: u64 = 8;
/// Pages are not given back one by one.
const RESIDENT_BYTES_A_STATE: u64 = 10;
const PAGES_BYTES: u64 = 4 << 20;

/// Some lapse before they end.
const TOKEN_S: f64 = 0.02;

#[test]
fn leak() {
    rounds("leak", Rounds { in_test: 1, in_soak: 10 }, |dice, figures| {
        let states = if is_long() { STATES_IN_SOAK } else { STATES_IN_TEST };
        // What a trail tells stays for a second.
        let server = quiet().arg("--state.audit-ttl").arg("1").start();
        let mut client = server.client();
        prepare(&mut client, TOKEN_S);
        live_and_end(dice, &mut client, states);
        let before = used_bytes(&mut client);
        let resident_before = resident_bytes(&mut client);
        live_and_end(dice, &mut client, states);
        wait_until("what was used is given back", || {
            used_bytes(&mut client) <= before + states * LEFT_BYTES_A_STATE
        });
        wait_until("and the process has not grown", || {
            resident_bytes(&mut client) <= resident_before + states * RESIDENT_BYTES_A_STATE + PAGES_BYTES
        });
        figures.add("states", 2 * states);
        figures
            .most("bytes more allocated in the second half", used_bytes(&mut client).saturating_sub(before));
        let grown = resident_bytes(&mut client).saturating_sub(resident_before);
        figures.most("bytes more resident", grown);
    });
}

/// What the system has given to the server, but for pages that it has only not given back yet.
fn resident_bytes(client: &mut Client) -> u64 {
    client.ok(&["MEMORY", "PURGE"]);
    number(client, "memory", "used_memory_rss")
}

fn live_and_end(dice: &mut Rng, client: &mut Client, states: u64) {
    for batch in 0..states / BATCH {
        let lives = (0..BATCH).flat_map(|n| life(dice, batch * BATCH + n));
        for reply in client.pipeline(&lives.collect::<Vec<_>>()) {
            // It may have expired before its next command.
            let gone = |line: &String| line.starts_with("NOSTATE ");
            assert!(!matches!(&reply, Reply::Error(line) if !gone(line)), "{reply}");
        }
    }
    wait_until("states, trails and deadlines are gone", || {
        client.ok(&["DBSIZE"]).int() == 0 && number(client, "memory", "lazyfree_pending_objects") == 0
    });
    for name in ["state_states", "state_bytes", "state_states_with_deadlines", "state_panics"] {
        assert_eq!(number(client, "state", name), 0, "{name}");
    }
}

/// The commands of a state's life. Its end is one of five.
fn life(dice: &mut Rng, n: u64) -> Vec<Vec<String>> {
    let identifier = format!("+26377{n:07}");
    let key = format!("channel:{identifier}");
    let channel = json!({"type": "whatsapp", "identifier": identifier});
    let said = "x".repeat(dice.usize(..200));
    let create = json!({"channel": channel, "auth": {"token": "jwt"}, "current": {"data": {"said": said}}})
        .to_string();
    let change = json!({"current": {"data": {"said": n}}}).to_string();
    let trail = format!("{{{key}}}:audit");
    let end: &[&str] = match dice.u8(..5) {
        0 => &["STATE.DELETE", &key, "*", "PURGE"],
        1 => &["STATE.DELETE", &key, "*"],
        2 => &["UNLINK", &key, &trail],
        3 => &["DEL", &key, &trail],
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
