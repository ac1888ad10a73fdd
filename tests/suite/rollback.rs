//! STATE.ROLLBACK makes a new version from an earlier one (S36, S58).

use support::{Client, state_test, words};

use crate::baseline::{AUDIT, KEY, audit_values};

/// Versions 1 to 4 of a conversation that goes from the menu into an offer.
fn walk(client: &mut Client) {
    for (version, json) in [
        (0, r#"{"stage":"menu"}"#),
        (1, r#"{"stage":"amount"}"#),
        (2, r#"{"stage":"handle","amount":12.50}"#),
        (3, r#"{"stage":"confirm","handle":"tariro"}"#),
    ] {
        client.ok(&["STATE.UPDATE", KEY, &version.to_string(), json, "LABEL", &format!("step {version}")]);
    }
}

#[track_caller]
fn back(client: &mut Client, options: &str) -> (u64, String) {
    let mut args = words("STATE.ROLLBACK channel:+263771234567 *");
    args.extend(words(options));
    let etag = client.text(&args);
    (Client::version(&etag), client.state(KEY).1)
}

/// S58: repeated "back" goes further back instead of swapping two versions.
#[test]
fn repeated_rollbacks_go_further_back() {
    state_test(|_, client| {
        walk(client);
        assert_eq!(back(client, ""), (5, r#"{"stage":"handle","amount":12.50}"#.into()));
        assert_eq!(back(client, ""), (6, r#"{"stage":"amount"}"#.into()));
        assert_eq!(back(client, "STEPS 1"), (7, r#"{"stage":"menu"}"#.into()));
        let line = client.err(&["STATE.ROLLBACK", KEY, "7"]);
        assert_eq!(line, "NOVERSION there is no earlier version; kept: 1..7");
        assert_eq!(audit_values(client, AUDIT, "event")[4..], ["rollback", "rollback", "rollback"]);
        assert_eq!(audit_values(client, AUDIT, "parent"), ["0", "1", "2", "3", "2", "1", "0"]);
        assert_eq!(
            audit_values(client, AUDIT, "patch")[6],
            r#"[{"op":"replace","path":"/stage","value":"menu"}]"#
        );
    });
}

/// The target by steps, by version and by label.
#[test]
fn target_is_named_by_steps_version_or_label() {
    state_test(|_, client| {
        walk(client);
        assert_eq!(back(client, "STEPS 3"), (5, r#"{"stage":"menu"}"#.into()));
        assert_eq!(back(client, "TO 3"), (6, r#"{"stage":"handle","amount":12.50}"#.into()));
        client.ok(&["STATE.ROLLBACK", KEY, "6", "LABEL", "step 1"]);
        assert_eq!(client.state(KEY).1, r#"{"stage":"amount"}"#);
        let line = client.err(&["STATE.ROLLBACK", KEY, "*", "LABEL", "payday"]);
        assert_eq!(line, "NOVERSION label payday names no version; kept: 1..7");
        assert_eq!(client.err(&["STATE.ROLLBACK", KEY, "*", "TO", "8"]), "NOVERSION kept: 1..7");
        assert_eq!(client.err(&["STATE.ROLLBACK", KEY, "*", "STEPS", "9"]), "NOVERSION kept: 1..7");
    });
}

/// Steps that changed nothing are not counted.
#[test]
fn steps_count_only_changes() {
    state_test(|_, client| {
        for (version, json) in
            [(0, r#"{"page":1}"#), (1, r#"{"page":2}"#), (2, r#"{"page":1}"#), (3, r#"{"page":2}"#)]
        {
            client.ok(&["STATE.UPDATE", KEY, &version.to_string(), json]);
        }
        // Version 2 has the present document, so two steps back is version 1.
        assert_eq!(back(client, "STEPS 2"), (5, r#"{"page":1}"#.into()));
        assert_eq!(audit_values(client, AUDIT, "parent").last().map(String::as_str), Some("0"));
    });
}

/// A rollback to an equal document makes no version; with EVENT it is audited.
#[test]
fn rollback_to_an_equal_document_makes_no_version() {
    state_test(|_, client| {
        walk(client);
        let etag = client.state(KEY).0;
        client.ok(&["PERSIST", KEY]);
        assert_eq!(
            client.text(&["STATE.ROLLBACK", KEY, "4", "TO", "4", "EX", "60", "EVENT", "stayed"]),
            etag
        );
        assert!(client.ok(&["PTTL", KEY]).int() > 0);
        assert_eq!(audit_values(client, AUDIT, "event").last().map(String::as_str), Some("note"));
    });
}

/// ONLY takes some members from the target and keeps the rest.
#[test]
fn only_restores_single_members() {
    state_test(|_, client| {
        walk(client);
        // A member that is absent there is removed; one that is present there gets its old value.
        let (version, document) = back(client, "TO 2 ONLY 2 /handle /stage");
        assert_eq!((version, document.as_str()), (5, r#"{"stage":"amount","amount":12.50}"#));
        assert_eq!(audit_values(client, AUDIT, "parent").last().map(String::as_str), Some("1"));
        client.ok(&["STATE.UPDATE", KEY, "5", r#"{"form":{"a":{"b":1}}}"#]);
        client.ok(&["STATE.UPDATE", KEY, "6", r#"{"form":null}"#]);
        // Missing parent objects are created.
        assert_eq!(
            back(client, "TO 6 ONLY 1 /form/a/b").1,
            r#"{"stage":"amount","amount":12.50,"form":{"a":{"b":1}}}"#
        );
        let line = client.err(&words("STATE.ROLLBACK channel:+263771234567 * ONLY 2 /stage"));
        assert!(line.starts_with("ERR syntax error"), "{line}");
    });
}

/// S36, S39: a rollback must satisfy the schema too; LASTVALID finds the newest version that does.
#[test]
fn rollback_must_satisfy_the_present_schema() {
    state_test(|_, client| {
        let schema = |extra: &str| {
            format!(r#"{{"type":"object","properties":{{"stage":{{"enum":["menu"{extra}]}}}}}}"#)
        };
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.stage", &schema(r#","amount","old""#)]);
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"stage":"menu"}"#, "SCHEMA", "vimbiso.stage"]);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"old"}"#]);
        client.ok(&["STATE.UPDATE", KEY, "2", r#"{"stage":"amount"}"#]);
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.stage", &schema(r#","amount""#)]);
        let line = client.err(&["STATE.ROLLBACK", KEY, "3"]);
        assert!(line.starts_with("INVALID 1 violation: /stage: "), "{line}");
        assert_eq!(client.state(KEY).1, r#"{"stage":"amount"}"#);
        assert_eq!(back(client, "LASTVALID"), (4, r#"{"stage":"menu"}"#.into()));
        assert_eq!(
            audit_values(client, AUDIT, "event"),
            ["create", "update", "update", "reject", "rollback"]
        );
    });
}

/// S32: a rollback names the expected version too.
#[test]
fn rollback_with_a_stale_version_is_rejected() {
    state_test(|_, client| {
        walk(client);
        let etag = client.state(KEY).0;
        assert_eq!(
            client.err(&["STATE.ROLLBACK", KEY, "3"]),
            format!("CONFLICT expected 3, current is {etag}")
        );
        assert_eq!(
            client.err(&["STATE.ROLLBACK", KEY, "0"]),
            format!("CONFLICT expected 0, current is {etag}")
        );
        for expected in ["*", "0", "1"] {
            let line = client.err(&["STATE.ROLLBACK", "channel:+263770000000", expected]);
            assert!(line.starts_with("NOSTATE"), "{line}");
        }
    });
}
