//! Deadlines hold however a state came to its key, and no state lives forever by mistake (S12,
//! S15).

use support::{Server, state_test, wait_until};

use crate::{AUDIT, FORMS, KEY, at_once, counter, creation, document, lapsed, patient, state};

const OFFER: &str = r#"{"form":{"amount":12.50},"note":"kept"}"#;
const LAPSED: &str = r#"{"current":{"path":"menu"},"note":"kept"}"#;
const ELSEWHERE: &str = "channel:+263772345678";

/// RENAME, COPY, MOVE, RESTORE and SWAPDB keep deadlines, and the timer finds them at the new key.
#[test]
fn deadlines_follow_a_moved_state() {
    let moves: [&[&[&str]]; 5] = [
        &[&["RENAME", KEY, ELSEWHERE]],
        &[&["COPY", KEY, ELSEWHERE], &["DEL", KEY]],
        &[&["MOVE", KEY, "9"], &["SELECT", "9"], &["RENAME", KEY, ELSEWHERE]],
        &[&["SWAPDB", "0", "9"], &["SELECT", "9"], &["COPY", KEY, ELSEWHERE]],
        &[&["COPY", KEY, ELSEWHERE, "DB", "9"], &["FLUSHDB"], &["SELECT", "9"]],
    ];
    for commands in moves {
        let server = Server::start();
        let mut client = server.client();
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", FORMS]);
        at_once(&mut client, &[&[&creation(OFFER)[..]], commands].concat());
        let stream = format!("{{{ELSEWHERE}}}:audit");
        wait_until("the state has lapsed at its new place", || client.ok(&["XLEN", &stream]).int() == 1);
        assert_eq!(client.state(ELSEWHERE).1, LAPSED, "{commands:?}");
        wait_until("nothing is left to lapse", || counter(&mut client, "states_with_deadlines") == 0);
        assert_eq!(counter(&mut client, "panics"), 0);
    }
}

#[test]
fn restored_state_lapses() {
    state_test(|_, client| {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", FORMS]);
        let replies = at_once(client, &[&creation(OFFER), &["DUMP", KEY], &["DEL", KEY, AUDIT]]);
        let support::Reply::Bulk(dump) = &replies[1] else { panic!("a dump") };
        client.ok(&[&b"RESTORE"[..], KEY.as_bytes(), b"60000", dump]);
        lapsed(client, 1);
        assert_eq!(document(client), LAPSED);
    });
}

/// S7: after a restart, from RDB and both kinds of AOF, members due meanwhile are not shown, and
/// lapse.
#[test]
fn members_due_while_the_server_was_down_lapse() {
    for [appendonly, preamble] in [["no", "yes"], ["yes", "yes"], ["yes", "no"]] {
        let mut server = Server::builder()
            .arg("--appendonly")
            .arg(appendonly)
            .arg("--aof-use-rdb-preamble")
            .arg(preamble)
            .start();
        let mut client = server.client();
        state(&mut client, &FORMS.replace("0.08", "0.4"), OFFER);
        if appendonly == "no" {
            client.ok(&["SAVE"]);
        }
        server.restart();
        let mut client = server.client();
        wait_until("the form has lapsed", || document(&mut client) == LAPSED);
        lapsed(&mut client, 1);
        assert_eq!(counter(&mut client, "states_with_deadlines"), 0);
    }
}

/// Flushed, deleted and expired states leave no deadlines.
#[test]
fn flush_empties_the_index() {
    let server = Server::start();
    let mut client = server.client();
    for flush in [&["FLUSHALL"][..], &["FLUSHALL", "ASYNC"], &["FLUSHDB"], &["UNLINK", KEY], &["DEL", KEY]] {
        client.ok(&["FLUSHALL"]);
        state(&mut client, &patient(), OFFER);
        assert_eq!(counter(&mut client, "states_with_deadlines"), 1, "{flush:?}");
        client.ok(flush);
        assert_eq!(counter(&mut client, "states_with_deadlines"), 0, "{flush:?}");
    }
    state(&mut client, &patient(), OFFER);
    client.ok(&["STATE.TOUCH", KEY, "PX", "1"]);
    wait_until("the index has no expired state", || counter(&mut client, "states_with_deadlines") == 0);
}

/// While writes are paused, the timer waits: replicating then would abort the server.
#[test]
fn timer_waits_while_writes_are_paused() {
    let server = Server::start();
    let mut client = server.client();
    for kind in ["WRITE", "ALL"] {
        client.ok(&["FLUSHALL"]);
        state(&mut client, FORMS, OFFER);
        let pid = server.pid();
        client.ok(&["CLIENT", "PAUSE", "200", kind]);
        lapsed(&mut client, 1);
        assert_eq!((document(&mut client).as_str(), server.pid()), (LAPSED, pid));
        assert!(!server.log().contains("ASSERTION"));
    }
}

/// S12: no command leaves a state without an expiry, except with PERSIST.
#[test]
fn only_persist_leaves_a_state_without_expiry() {
    state_test(|_, client| {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.open", r#"{"type":"object"}"#]);
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", &patient()]);
        for schema in ["vimbiso.open", "vimbiso.forms"] {
            client.ok(&["DEL", KEY, AUDIT]);
            let commands: [&[&str]; 13] = [
                &["STATE.UPDATE", KEY, "0", r#"{"note":"a"}"#, "SCHEMA", schema, "LABEL", "first"],
                &["STATE.UPDATE", KEY, "*", r#"{"note":"b"}"#],
                &["STATE.UPDATE", KEY, "*", r#"{"note":"b"}"#],
                &["STATE.UPDATE", KEY, "*", r#"{"form":{"amount":5}}"#, "KEEPTTL"],
                &["STATE.SETPROTECTED", KEY, "*", r#"{"auth":{"token":"eyJ"}}"#],
                &["STATE.ROLLBACK", KEY, "*"],
                &["STATE.ROLLBACK", KEY, "*", "LABEL", "first"],
                &["STATE.RESET", KEY, "*"],
                &["STATE.ATTEMPT", KEY, "login", "FAILURE"],
                &["STATE.ATTEMPT", KEY, "login", "CLEAR"],
                &["STATE.TOUCH", KEY],
                &["STATE.RECOVER", KEY],
                &["STATE.UPDATE", KEY, "*", r#"{"note":"c"}"#, "OPERATION", "offer"],
            ];
            for command in commands {
                client.ok(command);
                assert!(client.ok(&["PTTL", KEY]).int() > 0, "{command:?}");
            }
            client.ok(&["STATE.TOUCH", KEY, "PERSIST"]);
            assert_eq!(client.ok(&["PTTL", KEY]).int(), -1);
            client.ok(&["STATE.UPDATE", KEY, "*", r#"{"note":"d"}"#]);
            assert!(client.ok(&["PTTL", KEY]).int() > 0, "the next update sets an expiry again");
            client.ok(&["DEL", KEY]);
            client.ok(&["STATE.RECOVER", KEY]);
            assert!(client.ok(&["PTTL", KEY]).int() > 0, "a rebuilt state expires");
        }
    });
}
