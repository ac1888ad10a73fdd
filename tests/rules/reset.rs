//! STATE.RESET: the flow is cleared, the core stays (S49, S62, S64, S65).

use support::state_test;

use crate::{KEY, document, full_state, member, newest, refused};

#[test]
fn defaults_everywhere_and_the_core_stays() {
    state_test(|_, client| {
        full_state(client);
        let etag = client.text(&[
            "STATE.RESET",
            KEY,
            "1",
            "EVENT",
            "cleanup",
            "ACTOR",
            "menu",
            "NOTE",
            "session over",
        ]);
        assert!(etag.starts_with("2-"));
        assert_eq!(
            document(client),
            concat!(
                r#"{"auth":{"token":"eyJhbGciOiJIUzI1NiJ9"},"channel":{"type":"whatsapp","identifier":"+263771234567"},"#,
                r#""dashboard":{"memberID":"mem_49d4","balance":1.10},"profile":{"member":{"tier":2},"since":"1990-01-02"}}"#
            )
        );
        let entry = newest(client);
        for (name, value) in
            [("event", "reset"), ("name", "cleanup"), ("version", "2"), ("parent", "1"), ("etag", &etag)]
        {
            assert_eq!(entry.field(name).text(), value);
        }
        let head = client.ok(&["STATE.HISTORY", KEY]).array()[0].clone();
        assert_eq!((head.field("event").text(), head.field("parent").int()), ("reset", 1));
        // Nothing is left to reset: no version, but the person is there.
        assert_eq!(client.text(&["STATE.RESET", KEY, "2"]), etag);
        // What was cleared can be gone back to.
        client.ok(&["STATE.ROLLBACK", KEY, "2", "TO", "1"]);
        assert_eq!(member(client, "/current/path").as_deref(), Some("\"login\""));
    });
}

/// S62: back to the menu, whatever the stage was; x-transitions do not bind it.
#[test]
fn a_conversation_goes_back_to_its_menu() {
    state_test(|_, client| {
        client.ok(&["STATE.UPDATE", KEY, "0", "{}", "SCHEMA", "vimbiso.conversation"]);
        client.ok(&[
            "STATE.UPDATE",
            KEY,
            "1",
            r#"{"stage":"handle_action_transactions","option":"handle_action_transactions"}"#,
        ]);
        let reply = client.ok(&["STATE.RESET", KEY, "2", "RETURN", "EX", "60"]);
        assert_eq!(
            reply.array()[1].text(),
            r#"{"stage":"handle_action_menu","option":null,"direction":"OUT","profile":{},"current_account":{}}"#
        );
        assert!((50_000..=60_000).contains(&client.ok(&["PTTL", KEY]).int()));
    });
}

#[test]
fn a_reset_compares_the_version_and_must_be_valid() {
    state_test(|_, client| {
        assert!(client.err(&["STATE.RESET", KEY, "*"]).starts_with("NOSTATE "));
        let schema = r#"{"required":["name"],"properties":{"name":{"type":"string"}}}"#;
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.named", schema]);
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"name":"Ana"}"#, "SCHEMA", "vimbiso.named"]);
        refused(client, &["STATE.RESET", KEY, "7"], "CONFLICT expected 7");
        refused(client, &["STATE.RESET", KEY, "0"], "CONFLICT expected 0");
        refused(client, &["STATE.RESET", KEY, "1"], "INVALID 1 violation: (root): ");
        client.ok(&["STATE.SCHEMA", "DEL", "vimbiso.named", "FORCE"]);
        refused(client, &["STATE.RESET", KEY, "1"], "NOSCHEMA ");
    });
}

/// A protected member that is gone gets its default; one that is there stays.
#[test]
fn an_absent_protected_member_gets_its_default() {
    state_test(|_, client| {
        let schema = r#"{"properties":{"dashboard":{"x-protected":true,"default":{"balance":0}},"stage":{"default":"menu"}}}"#;
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.small", schema]);
        client.ok(&["STATE.UPDATE", KEY, "0", "{}", "SCHEMA", "vimbiso.small"]);
        client.ok(&["STATE.SETPROTECTED", KEY, "1", r#"{"dashboard":null}"#]);
        client.ok(&["STATE.RESET", KEY, "2"]);
        assert_eq!(document(client), r#"{"dashboard":{"balance":0},"stage":"menu"}"#);
        client.ok(&["STATE.SETPROTECTED", KEY, "3", r#"{"dashboard":{"balance":5}}"#]);
        client.ok(&["STATE.RESET", KEY, "4"]);
        assert_eq!(document(client), r#"{"dashboard":{"balance":5},"stage":"menu"}"#);
    });
}
