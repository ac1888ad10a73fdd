//! `x-immutable`: the first write of a member is final (S19, S49).

use support::state_test;

use crate::{FULL, KEY, full_state, member, rejected};

const CHANNEL: &str = r#"{"type":"whatsapp","identifier":"+263771234567"}"#;

#[test]
fn immutable_member_survives_every_command() {
    state_test(|_, client| {
        full_state(client);
        for command in ["STATE.UPDATE", "STATE.SETPROTECTED"] {
            for (kind, json, pointer) in [
                ("MERGE", r#"{"channel":{"type":"sms"}}"#, "/channel"),
                ("MERGE", r#"{"channel":null}"#, "/channel"),
                ("MERGE", r#"{"channel":{"note":1}}"#, "/channel"),
                ("MERGE", r#"{"profile":{"since":null}}"#, "/profile/since"),
                ("SHALLOW", r#"{"channel":{}}"#, "/channel"),
                ("SHALLOW", r#"{"channel":null}"#, "/channel"),
                ("PATCH", r#"[{"op":"remove","path":"/channel"}]"#, "/channel"),
                ("PATCH", r#"[{"op":"move","from":"/channel","path":"/current/channel"}]"#, "/channel"),
                (
                    "PATCH",
                    r#"[{"op":"replace","path":"/profile/since","value":"1990-01-03"}]"#,
                    "/profile/since",
                ),
                ("REPLACE", r#"{"channel":{"type":"whatsapp","identifier":"+1"}}"#, "/channel"),
            ] {
                rejected(client, &[command, KEY, "1", json, kind], &format!("IMMUTABLE {pointer}: "));
            }
        }
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"channel":{"identifier":"+263771234567"}}"#]);
        client.ok(&["STATE.SETPROTECTED", KEY, "1", "{}", "REPLACE"]);
        assert_eq!(member(client, "/channel").as_deref(), Some(CHANNEL));
    });
}

/// The first write sets an immutable member, also by flow code; later writes are rejected.
#[test]
fn first_write_sets_an_immutable_member() {
    state_test(|_, client| {
        full_state(client);
        let other = "channel:+263772222222";
        client.ok(&["STATE.UPDATE", other, "0", r#"{"current":{}}"#, "SCHEMA", "vimbiso.rules"]);
        client.ok(&["STATE.UPDATE", other, "1", r#"{"profile":{"name":"Ana"}}"#]);
        client.ok(&["STATE.UPDATE", other, "2", r#"{"profile":{"since":"1988-03-04"}}"#]);
        assert!(
            client
                .err(&["STATE.UPDATE", other, "3", r#"{"profile":{"since":"1989-03-04"}}"#])
                .starts_with("IMMUTABLE /profile/since")
        );
        // A rollback to a version before it keeps the member and restores the rest.
        client.ok(&["STATE.ROLLBACK", other, "3", "TO", "1"]);
        assert_eq!(client.state(other).1, r#"{"current":{},"profile":{"since":"1988-03-04"}}"#);
        client.ok(&["STATE.DELETE", other, "4"]);
        client.ok(&[
            "STATE.UPDATE",
            other,
            "0",
            r#"{"profile":{"since":"1999-09-09"}}"#,
            "SCHEMA",
            "vimbiso.rules",
        ]);
    });
}

/// S49, S63: the member survives rollback, reset, recovery, and a change of schema.
#[test]
fn immutable_member_survives_rollback_reset_recovery_and_another_schema() {
    state_test(|_, client| {
        full_state(client);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"current":{"path":"offer"}}"#]);
        for line in
            [&["STATE.ROLLBACK", KEY, "2", "ALL"][..], &["STATE.RESET", KEY, "3"], &["STATE.RECOVER", KEY]]
        {
            client.ok(line);
            assert_eq!(member(client, "/channel").as_deref(), Some(CHANNEL), "{line:?}");
        }
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.open", "{}"]);
        let escape = r#"{"channel":{"type":"sms"}}"#;
        rejected(client, &["STATE.UPDATE", KEY, "*", escape, "SCHEMA", "vimbiso.open"], "BADSCHEMA ");
        rejected(
            client,
            &["STATE.SETPROTECTED", KEY, "*", escape, "SCHEMA", "vimbiso.open"],
            "IMMUTABLE /channel",
        );
        client.ok(&["STATE.SETPROTECTED", KEY, "*", r#"{"note":1}"#, "SCHEMA", "vimbiso.open"]);
        assert_eq!(client.ok(&["STATE.META", KEY]).field("schema").text(), "vimbiso.open");
        assert!(FULL.contains(CHANNEL));
    });
}
