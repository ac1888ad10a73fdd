//! `x-protected`: only STATE.SETPROTECTED writes these members, at creation too (S20, S37, S48).

use support::state_test;

use crate::{FULL, KEY, RULES, document, full_state, member, newest, rejected};

/// Ways to write, replace, empty or remove a protected member.
const WAYS: &[(&str, &str, &str)] = &[
    ("MERGE", r#"{"dashboard":{"balance":2}}"#, "/dashboard"),
    ("MERGE", r#"{"dashboard":null}"#, "/dashboard"),
    ("MERGE", r#"{"dashboard":{"balance":null}}"#, "/dashboard"),
    ("MERGE", r#"{"profile":null}"#, "/profile/member"),
    ("MERGE", r#"{"profile":"x"}"#, "/profile/member"),
    ("MERGE", r#"{"profile":{"member":{"tier":3}}}"#, "/profile/member"),
    ("MERGE", r#"{"auth":null}"#, "/auth/token"),
    ("MERGE", r#"{"auth":{"token":"other"}}"#, "/auth/token"),
    ("SHALLOW", r#"{"dashboard":{}}"#, "/dashboard"),
    ("SHALLOW", r#"{"profile":null}"#, "/profile/member"),
    ("SHALLOW", r#"{"profile":{"member":null}}"#, "/profile/member"),
    ("SHALLOW", r#"{"auth":{"token":""}}"#, "/auth/token"),
    ("PATCH", r#"[{"op":"remove","path":"/dashboard"}]"#, "/dashboard"),
    ("PATCH", r#"[{"op":"replace","path":"/dashboard/balance","value":9}]"#, "/dashboard"),
    ("PATCH", r#"[{"op":"remove","path":"/profile"}]"#, "/profile/member"),
    ("PATCH", r#"[{"op":"move","from":"/dashboard","path":"/current/board"}]"#, "/dashboard"),
    ("PATCH", r#"[{"op":"copy","from":"/current","path":"/dashboard"}]"#, "/dashboard"),
    (
        "PATCH",
        r#"[{"op":"move","from":"/profile","path":"/p"},{"op":"copy","from":"/current","path":"/profile"}]"#,
        "/profile/member",
    ),
    (
        "PATCH",
        r#"[{"op":"replace","path":"","value":{"channel":{"type":"whatsapp","identifier":"+263771234567"}}}]"#,
        "/",
    ),
    ("REPLACE", r#"{"dashboard":{"memberID":"mem_49d4","balance":1.11}}"#, "/dashboard"),
    ("REPLACE", r#"{"dashboard":null}"#, "/dashboard"),
    ("REPLACE", r#"{"profile":[]}"#, "/profile/member"),
    ("REPLACE", r#"{"auth":{"token":null}}"#, "/auth/token"),
];

#[test]
fn only_setprotected_writes_protected_members() {
    state_test(|_, client| {
        full_state(client);
        for (kind, json, pointer) in WAYS {
            let error = rejected(client, &["STATE.UPDATE", KEY, "1", json, kind], "PROTECTED /");
            assert!(
                *pointer == "/" || error.starts_with(&format!("PROTECTED {pointer}: ")),
                "{json}: {error}"
            );
            assert_eq!(newest(client).field("error").text(), error);
        }
    });
}

#[test]
fn setprotected_writes_protected_and_other_members() {
    state_test(|_, client| {
        full_state(client);
        let reply = client.ok(&[
            "STATE.SETPROTECTED",
            KEY,
            "1",
            r#"{"dashboard":{"balance":2.50},"current":{"path":"account"}}"#,
            "RETURN",
        ]);
        assert!(reply.array()[1].text().contains(r#""balance":2.50"#));
        assert_eq!(member(client, "/current/path").as_deref(), Some("\"account\""));
        client.ok(&["STATE.SETPROTECTED", KEY, "2", r#"[{"op":"remove","path":"/dashboard"}]"#, "PATCH"]);
        assert_eq!(member(client, "/dashboard"), None);
        assert_eq!(newest(client).field("event").text(), "update");
    });
}

/// REPLACE and SHALLOW keep protected members that they do not mention; naming an equal value is no
/// write.
#[test]
fn unmentioned_protected_members_stay_and_an_equal_value_is_no_write() {
    state_test(|_, client| {
        full_state(client);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"current":{"path":"menu"}}"#, "REPLACE"]);
        for (pointer, kept) in [
            ("/dashboard", r#"{"memberID":"mem_49d4","balance":1.10}"#),
            ("/channel", r#"{"type":"whatsapp","identifier":"+263771234567"}"#),
            ("/auth", r#"{"token":"eyJhbGciOiJIUzI1NiJ9"}"#),
            ("/profile", r#"{"member":{"tier":2},"since":"1990-01-02"}"#),
            ("/current", r#"{"path":"menu"}"#),
        ] {
            assert_eq!(member(client, pointer).as_deref(), Some(kept), "{pointer}");
        }
        client.ok(&["STATE.UPDATE", KEY, "2", r#"{"profile":{"name":"Ana"}}"#, "SHALLOW"]);
        assert_eq!(
            member(client, "/profile").as_deref(),
            Some(r#"{"name":"Ana","member":{"tier":2},"since":"1990-01-02"}"#)
        );
        for (kind, same) in [
            ("MERGE", r#"{"dashboard":{"balance":1.1}}"#),
            ("SHALLOW", r#"{"dashboard":{"balance":11e-1,"memberID":"mem_49d4"}}"#),
            (
                "PATCH",
                r#"[{"op":"replace","path":"/dashboard","value":{"balance":1.100,"memberID":"mem_49d4"}}]"#,
            ),
        ] {
            client.ok(&["STATE.UPDATE", KEY, "3", same, kind]);
            assert_eq!(
                member(client, "/dashboard").as_deref(),
                Some(r#"{"memberID":"mem_49d4","balance":1.10}"#),
                "{kind}"
            );
        }
    });
}

/// A caller that may not write a protected member can't create a state with one.
#[test]
fn creation_cannot_set_protected_members() {
    state_test(|_, client| {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.rules", RULES]);
        for kind in ["MERGE", "SHALLOW", "REPLACE"] {
            let error = client.err(&["STATE.UPDATE", KEY, "0", FULL, kind, "SCHEMA", "vimbiso.rules"]);
            assert!(error.starts_with("PROTECTED /"), "{kind}: {error}");
        }
        let patch = format!(r#"[{{"op":"add","path":"","value":{FULL}}}]"#);
        assert!(
            client
                .err(&["STATE.UPDATE", KEY, "*", &patch, "PATCH", "SCHEMA", "vimbiso.rules"])
                .starts_with("PROTECTED /")
        );
        assert_eq!(client.ok(&["EXISTS", KEY]).int(), 0);
    });
}

/// A default may fill a protected member, and the change may repeat the default, but no other
/// value.
#[test]
fn default_fills_a_protected_member() {
    state_test(|_, client| {
        let schema = r#"{"properties":{"balance":{"x-protected":true,"default":0},"name":{}}}"#;
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.rules", schema]);
        let create = |json| ["STATE.UPDATE", KEY, "0", json, "SCHEMA", "vimbiso.rules"];
        assert!(client.err(&create(r#"{"balance":1}"#)).starts_with("PROTECTED /balance"));
        assert!(client.err(&create(r#"{"balance":null}"#)).starts_with("PROTECTED /balance"));
        client.ok(&create(r#"{"balance":0.0,"name":"Ana"}"#));
        assert_eq!(document(client), r#"{"balance":0,"name":"Ana"}"#);
    });
}

/// A rollback keeps protected members; ALL restores the old values, for callers with the
/// permission.
#[test]
fn rollback_keeps_protected_members_except_with_all() {
    state_test(|_, client| {
        full_state(client);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"current":{"path":"offer"}}"#]);
        client.ok(&[
            "STATE.SETPROTECTED",
            KEY,
            "2",
            r#"{"dashboard":{"balance":99},"profile":{"member":{"tier":5}}}"#,
        ]);
        client.ok(&["STATE.UPDATE", KEY, "3", r#"{"current":{"path":"ledger"}}"#]);
        // Versions 2 and 3 differ in protected members only, so one step back skips to their common
        // rest.
        client.ok(&["STATE.ROLLBACK", KEY, "4"]);
        assert_eq!(member(client, "/current/path").as_deref(), Some("\"offer\""));
        assert_eq!(member(client, "/dashboard/balance").as_deref(), Some("99"));
        client.ok(&["STATE.ROLLBACK", KEY, "5", "TO", "1"]);
        assert_eq!(member(client, "/profile/member/tier").as_deref(), Some("5"));
        assert_eq!(member(client, "/current/path").as_deref(), Some("\"login\""));
        client.ok(&["STATE.ROLLBACK", KEY, "6", "TO", "1", "ONLY", "1", "/dashboard"]);
        assert_eq!(member(client, "/dashboard/balance").as_deref(), Some("99"), "ONLY does not imply ALL");
        client.ok(&["STATE.ROLLBACK", KEY, "6", "TO", "1", "ALL"]);
        assert_eq!(member(client, "/dashboard/balance").as_deref(), Some("1.10"));
        assert_eq!(member(client, "/profile/member/tier").as_deref(), Some("2"));
    });
}

/// S64: STATE.SETPROTECTED replaces protected members with REPLACE, and keeps them with SHALLOW;
/// immutable ones stay.
#[test]
fn replace_by_setprotected_replaces_protected_members() {
    state_test(|_, client| {
        full_state(client);
        let menu = r#"{"current":{"path":"menu"}}"#;
        client.ok(&["STATE.SETPROTECTED", KEY, "1", menu, "SHALLOW"]);
        assert_eq!(member(client, "/dashboard/balance").as_deref(), Some("1.10"));
        client.ok(&["STATE.SETPROTECTED", KEY, "2", menu, "REPLACE"]);
        assert_eq!(
            document(client),
            concat!(
                r#"{"current":{"path":"menu"},"channel":{"type":"whatsapp","identifier":"+263771234567"},"#,
                r#""profile":{"since":"1990-01-02"}}"#
            )
        );
    });
}
