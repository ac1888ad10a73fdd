//! Commands on a missing key or an unexpected one. The module API's key functions require a value:
//! on Redis 8.2 and newer they crash (signal 11) without one.

use crate::baseline::{AUDIT, KEY, OFFER};
use support::{Reply, Server, state_test, words};

/// A command, and how its reply begins when the key does not exist.
const ON_NOTHING: [(&str, &str); 16] = [
    ("STATE.GET {key}", "nil"),
    ("STATE.META {key}", "nil"),
    ("STATE.HISTORY {key}", "nil"),
    ("STATE.ATTEMPTS {key} login", "nil"),
    ("STATE.DIFF {key} 1 1", "nil"),
    ("STATE.WAIT {key} 1 1", "nil"),
    ("STATE.UPDATE {key} 0 {} DRYRUN", "1-"),
    ("STATE.UPDATE {key} 7 {}", "NOSTATE "),
    ("STATE.SETPROTECTED {key} 7 {}", "NOSTATE "),
    ("STATE.ROLLBACK {key} *", "NOSTATE "),
    ("STATE.RESET {key} *", "NOSTATE "),
    ("STATE.ATTEMPT {key} login FAILURE", "NOSTATE "),
    ("STATE.DELETE {key} *", "NOSTATE "),
    ("STATE.DELETE {key} 1 PURGE", "NOSTATE "),
    ("STATE.TOUCH {key}", "0"),
    ("STATE.TOUCH {key} EX 60 ALIGN 1 token:+263771234567", "0"),
];

fn shown(reply: &Reply) -> String {
    match reply {
        reply if reply.is_nil() => "nil".to_owned(),
        Reply::Int(number) => number.to_string(),
        Reply::Error(line) => line.clone(),
        reply => reply.text().to_owned(),
    }
}

#[test]
fn commands_reply_on_a_missing_key() {
    state_test(|server, client| {
        for (audit, stream) in [("yes", false), ("yes", true), ("no", true)] {
            client.ok(&["CONFIG", "SET", "state.audit", audit]);
            if stream {
                client.ok(&["XADD", AUDIT, "*", "event", "update"]);
            }
            let pid = server.pid();
            for (line, wanted) in ON_NOTHING {
                let reply = shown(&client.call(&words(&line.replace("{key}", KEY))));
                assert!(reply.starts_with(wanted), "{line}: {reply}");
            }
            assert!(client.text(&["INFO", "server"]).contains(&format!("process_id:{pid}")));
        }
        client.ok(&["CONFIG", "SET", "state.audit", "yes"]);
        client.ok(&["STATE.UPDATE", KEY, "0", OFFER, "ALIGN", "2", "token:+263771234567", KEY]);
        client.ok(&["DEL", KEY]);
        let made = client.ok(&["STATE.RECOVER", KEY]);
        assert_eq!(made.field("rung").text(), "audit");
    });
}

/// `ALIGN` with the audit stream moves the expiry of a key that the command has already opened.
#[test]
fn audit_stream_can_be_aligned_with_its_state() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
    client.ok(&["DEL", AUDIT]);
    client.ok(&["XADD", AUDIT, "*", "event", "update"]);
    client.ok(&["STATE.TOUCH", KEY, "EX", "60", "ALIGN", "2", AUDIT, KEY]);
    let expires = |client: &mut support::Client, key| client.ok(&["PEXPIRETIME", key]).int();
    assert_eq!(expires(&mut client, AUDIT), expires(&mut client, KEY));
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#, "PERSIST", "ALIGN", "1", AUDIT]);
    assert_eq!((expires(&mut client, AUDIT), expires(&mut client, KEY)), (-1, -1));
    assert_eq!(client.ok(&["XLEN", AUDIT]).int(), 2);
}
