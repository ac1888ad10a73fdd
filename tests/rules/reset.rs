//! STATE.RESET returns members to their defaults, and keeps immutable and protected ones (S49, S62,
//! S64, S65).

use support::state_test;

use crate::{KEY, document, full_state, member, newest, permissions, rejected};

#[test]
fn reset_restores_defaults_and_keeps_immutable_and_protected_members() {
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
        // Without anything to reset there is no version, but the expiry moves.
        assert_eq!(client.text(&["STATE.RESET", KEY, "2"]), etag);
        // A rollback restores what was reset.
        client.ok(&["STATE.ROLLBACK", KEY, "2", "TO", "1"]);
        assert_eq!(member(client, "/current/path").as_deref(), Some("\"login\""));
    });
}

/// S62: back to the menu from any stage; x-transitions do not apply.
#[test]
fn reset_returns_to_the_menu_from_any_stage() {
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
fn reset_checks_the_version_and_the_schema() {
    state_test(|_, client| {
        assert!(client.err(&["STATE.RESET", KEY, "*"]).starts_with("NOSTATE "));
        let schema = r#"{"required":["name"],"properties":{"name":{"type":"string"}}}"#;
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.named", schema]);
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"name":"Ana"}"#, "SCHEMA", "vimbiso.named"]);
        rejected(client, &["STATE.RESET", KEY, "7"], "CONFLICT expected 7");
        rejected(client, &["STATE.RESET", KEY, "0"], "CONFLICT expected 0");
        rejected(client, &["STATE.RESET", KEY, "1"], "INVALID 1 violation: (root): ");
        client.ok(&["STATE.SCHEMA", "DEL", "vimbiso.named", "FORCE"]);
        rejected(client, &["STATE.RESET", KEY, "1"], "NOSCHEMA ");
    });
}

/// A missing protected member gets its default; an existing one stays.
#[test]
fn missing_protected_member_gets_its_default() {
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

/// S64: ALL resets protected and secret members too, for callers that may write them; immutable
/// ones stay.
#[test]
fn reset_all_resets_protected_members() {
    state_test(|server, client| {
        full_state(client);
        let etag = client.text(&["STATE.RESET", KEY, "1", "ALL", "ID", "wamid.HBgL1"]);
        assert_eq!(
            document(client),
            concat!(
                r#"{"channel":{"type":"whatsapp","identifier":"+263771234567"},"#,
                r#""profile":{"since":"1990-01-02"}}"#
            )
        );
        assert_eq!(client.text(&["STATE.RESET", KEY, "1", "ALL", "ID", "wamid.HBgL1"]), etag, "a resend");
        let other = client.err(&["STATE.RESET", KEY, "*", "ID", "wamid.HBgL1"]);
        assert!(other.starts_with("IDMISMATCH "), "{other}");
        let mut flow = permissions::flow(server, client);
        let denied = flow.err(&["STATE.RESET", KEY, "*", "ALL"]);
        assert!(denied.starts_with("NOPERM ALL "), "{denied}");
    });
}
