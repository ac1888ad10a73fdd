//! A script and a transaction have one clock from beginning to end, as Redis has for key expiry:
//! what a script has read does not change while it runs.

use support::{Client, state_test};

use crate::{AUDIT, FORMS, KEY, SLEEP, at_once, audit_values, creation, document, lapsed};

const FULL: &str = r#"{"form":{"amount":5},"current":{"path":"offer"}}"#;

/// Reads, works for longer than the members' TTL, reads again and writes. The number of rounds is
/// bounded, and each asks the server for the time, which advances within a script on Redis 7.0.
const SCRIPT: &str = r#"
    local function now() local time = redis.call('TIME') return time[1] * 1000 + time[2] / 1000 end
    local first = redis.call('STATE.GET', KEYS[1])
    local begun = now()
    for round = 1, 200000 do if now() - begun > 150 then break end end
    for round = 1, 5000000 do end
    local then_ = redis.call('STATE.GET', KEYS[1])
    local meta = redis.call('STATE.META', KEYS[1])
    local past = redis.call('STATE.GET', KEYS[1], 'VERSION', '1')
    return {first, then_, meta[2], past, redis.call('STATE.UPDATE', KEYS[1], first[1], '{"note":"decided"}')}
"#;

#[test]
fn member_does_not_lapse_within_a_script() {
    state_test(|_, client| {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", FORMS]);
        let replies = client.pipeline(&[&creation(FULL)[..], &["EVAL", SCRIPT, "1", KEY]]);
        let script = replies[1].array();
        assert_eq!(script[0], script[1], "read twice");
        assert_eq!(script[2], script[0].array()[0], "the etag in META");
        assert_eq!(script[3], script[0], "version 1 is the present one");
        assert_eq!(Client::version(script[4].text()), 2, "and written");
        lapsed(client, 1);
        assert!(!document(client).contains("amount"), "it lapses after the script");
        assert_eq!(audit_values(client, "event")[..2], ["create", "update"]);
    });
}

#[test]
fn member_does_not_lapse_within_a_transaction() {
    state_test(|_, client| {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", FORMS]);
        let get = ["STATE.GET", KEY];
        let write = ["STATE.UPDATE", KEY, "1", r#"{"note":"decided"}"#];
        let replies = at_once(client, &[&creation(FULL), &get, &SLEEP, &get, &write, &["XLEN", AUDIT]]);
        assert_eq!(replies[1], replies[3]);
        assert_eq!(Client::version(replies[4].text()), 2);
        assert_eq!(replies[5].int(), 2);
        lapsed(client, 1);
        // What is due when a transaction begins lapses first, as before any command.
        let late = client.pipeline(&[
            &["STATE.UPDATE", KEY, "*", r#"{"form":1}"#][..],
            &SLEEP,
            &["MULTI"],
            &["STATE.UPDATE", KEY, "*", r#"{"note":1}"#, "RETURN"],
            &["EXEC"],
        ]);
        let document = late[4].array()[0].array()[1].text();
        assert!(!document.contains("form"), "{document}");
    });
}
