//! A panic inside a command is contained (invariant I6): an error line, the same process, nothing
//! changed. Only the test build has STATE.PANIC, which panics in its handler.

use crate::baseline::{AUDIT, KEY, OFFER, audit_values, number};
use support::{Reply, fingerprint, state_test};

const PANIC: [&str; 1] = ["STATE.PANIC"];

#[test]
fn panic_becomes_an_error_and_is_counted() {
    state_test(|server, client| {
        client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
        let (before, pid) = (fingerprint(client), server.pid());
        assert_eq!(number(client, "state", "state_panics"), 0);
        for times in 1..=20 {
            let error = client.err(&PANIC);
            assert!(error.starts_with("ERR internal"), "{error}");
            assert_eq!(number(client, "state", "state_panics"), times);
        }
        assert_eq!((fingerprint(client), server.pid()), (before, pid));
        // The same connection and state still work, and the log has the panic's location.
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#]);
        assert_eq!(audit_values(client, AUDIT, "version"), ["1", "2"]);
        assert!(server.log().contains("panic"), "{}", server.log());
    });
}

#[test]
fn panic_in_a_transaction_spares_its_other_commands() {
    state_test(|_, client| {
        client.ok(&["MULTI"]);
        client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
        client.ok(&PANIC);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#]);
        let replies = client.ok(&["EXEC"]);
        assert!(matches!(&replies.array()[1], Reply::Error(line) if line.starts_with("ERR internal")));
        assert_eq!(client.ok(&["STATE.META", KEY]).field("version").int(), 2);
        assert_eq!(number(client, "state", "state_panics"), 1);
    });
}

#[test]
fn panic_in_a_script_can_be_caught() {
    state_test(|_, client| {
        let script = r#"
            redis.call('STATE.UPDATE', KEYS[1], '0', ARGV[1])
            local caught = redis.pcall('STATE.PANIC')
            redis.call('STATE.UPDATE', KEYS[1], '1', '{"stage":"menu"}')
            return caught.err"#;
        let caught = client.text(&["EVAL", script, "1", KEY, OFFER]);
        assert!(caught.contains("internal"), "{caught}");
        assert!(client.err(&["EVAL", "return redis.call('STATE.PANIC')", "0"]).contains("internal"));
        assert_eq!(client.ok(&["STATE.META", KEY]).field("version").int(), 2);
        assert_eq!(number(client, "state", "state_panics"), 2);
    });
}
