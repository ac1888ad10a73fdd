//! STATE.RECOVER: each rung where it is needed, named in the reply and the audit stream (S30, S61,
//! S62, S66, S67, S68).

use support::{Client, Reply, state_test};

use crate::{AUDIT, KEY, audit_values, document, full_state, member, newest, rejected};

/// Sets a new revision of the schema.
fn revise(client: &mut Client, schema: &str) {
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.form", schema]);
}

const LOOSE: &str = r#"{"properties":{"channel":{"x-immutable":true}}}"#;

fn created(client: &mut Client, json: &str) {
    revise(client, LOOSE);
    client.ok(&["STATE.UPDATE", KEY, "0", json, "SCHEMA", "vimbiso.form"]);
}

/// The rung that succeeded, and those that failed before it.
#[track_caller]
fn recovered(client: &mut Client) -> (String, Vec<String>) {
    let reply = client.ok(&["STATE.RECOVER", KEY, "ACTOR", "recovery", "NOTE", "by hand"]);
    assert_eq!(reply.field_names(), ["rung", "etag", "tried"]);
    assert_eq!(reply.field("etag").text(), client.state(KEY).0);
    let tried: Vec<String> =
        reply.field("tried").array().iter().map(|try_| try_.field("rung").text().to_owned()).collect();
    // The audit stream has the same rungs.
    let recorded: Vec<String> = audit_values(client, "rung").into_iter().filter(|rung| rung != "-").collect();
    let story: Vec<String> = tried.iter().cloned().chain([reply.field("rung").text().to_owned()]).collect();
    assert!(recorded.ends_with(&story), "{recorded:?} ends in {story:?}");
    let entry = newest(client);
    assert_eq!(
        (entry.field("event").text(), entry.field("actor").text(), entry.field("note").text()),
        ("recover", "recovery", "by hand")
    );
    (reply.field("rung").text().to_owned(), tried)
}

#[test]
fn recovery_of_a_valid_state_changes_nothing() {
    state_test(|_, client| {
        full_state(client);
        let before = client.state(KEY);
        client.ok(&["STATE.TOUCH", KEY, "EX", "9"]);
        assert_eq!(recovered(client), ("valid".to_owned(), vec![]));
        assert_eq!(client.state(KEY), before);
        assert!(client.ok(&["PTTL", KEY]).int() > 1_700_000, "the recovery moves the expiry");
        assert!(client.text(&["INFO", "state"]).contains("state_recoveries_valid:1"));
    });
}

#[test]
fn defaults_fill_members_that_a_revision_requires() {
    state_test(|_, client| {
        created(client, r#"{"channel":"a","note":1}"#);
        revise(
            client,
            r#"{"required":["stage"],"properties":{"stage":{"enum":["menu"],"default":"menu"},"channel":{"x-immutable":true}}}"#,
        );
        assert_eq!(client.ok(&["STATE.META", KEY]).field("valid").int(), 0);
        assert_eq!(recovered(client), ("defaults".to_owned(), vec!["valid".to_owned()]));
        assert_eq!(document(client), r#"{"channel":"a","note":1,"stage":"menu"}"#);
        assert_eq!(client.ok(&["STATE.META", KEY]).field("valid").int(), 1);
        assert_eq!(newest(client).field("patch").text(), r#"[{"op":"add","path":"/stage","value":"menu"}]"#);
    });
}

/// Members that a new revision does not allow are dropped at any depth; an invalid value never is.
#[test]
fn members_that_a_revision_does_not_allow_are_dropped() {
    state_test(|_, client| {
        created(client, r#"{"channel":"a","old":{"x":1},"current":{"path":"login","step":2}}"#);
        revise(
            client,
            r#"{"additionalProperties":false,"properties":{"channel":{"x-immutable":true},"stage":{"default":"menu"},"current":{"properties":{"path":{}},"unevaluatedProperties":false}}}"#,
        );
        assert_eq!(
            recovered(client),
            ("revision".to_owned(), vec!["valid".to_owned(), "defaults".to_owned()])
        );
        assert_eq!(document(client), r#"{"channel":"a","current":{"path":"login"},"stage":"menu"}"#);
        revise(
            client,
            r#"{"additionalProperties":false,"properties":{"channel":{"x-immutable":true},"current":{"type":"string"}}}"#,
        );
        let (rung, tried) = recovered(client);
        assert_eq!((rung.as_str(), tried.len()), ("reset", 5), "an invalid value is not dropped");
        assert_eq!(document(client), r#"{"channel":"a"}"#);
    });
}

#[test]
fn newest_valid_snapshot_is_restored() {
    state_test(|_, client| {
        created(client, r#"{"channel":"a","amount":1}"#);
        for json in [r#"{"amount":2}"#, r#"{"amount":3}"#, r#"{"amount":"three"}"#, r#"{"amount":"four"}"#] {
            client.ok(&["STATE.UPDATE", KEY, "*", json]);
        }
        revise(
            client,
            r#"{"required":["amount"],"properties":{"channel":{"x-immutable":true},"amount":{"type":"number"}}}"#,
        );
        let (rung, tried) = recovered(client);
        assert_eq!((rung.as_str(), tried.join(" ")), ("snapshot", "valid defaults revision".to_owned()));
        assert_eq!(document(client), r#"{"channel":"a","amount":3}"#);
        let head = client.ok(&["STATE.HISTORY", KEY]).array()[0].clone();
        assert_eq!(
            (head.field("event").text(), head.field("version").int(), head.field("parent").int()),
            ("recover", 6, 2)
        );
    });
}

#[test]
fn labelled_version_is_restored_without_a_valid_snapshot() {
    state_test(|_, client| {
        client.ok(&["CONFIG", "SET", "state.snapshots", "1"]);
        created(client, r#"{"channel":"a","amount":1}"#);
        client.ok(&["STATE.UPDATE", KEY, "*", "{}", "LABEL", "good"]);
        for json in [r#"{"amount":"two"}"#, r#"{"amount":"three"}"#, r#"{"amount":"four"}"#] {
            client.ok(&["STATE.UPDATE", KEY, "*", json]);
        }
        revise(client, r#"{"required":["amount"],"properties":{"amount":{"type":"number"}}}"#);
        let (rung, tried) = recovered(client);
        assert_eq!(
            (rung.as_str(), tried.join(" ")),
            ("label", "valid defaults revision snapshot".to_owned())
        );
        assert_eq!(document(client), r#"{"channel":"a","amount":1}"#);
    });
}

/// S62: the last rung of an existing state is a reset to the menu.
#[test]
fn reset_is_the_last_rung_of_a_state() {
    state_test(|_, client| {
        created(client, r#"{"channel":"a","stage":7}"#);
        revise(
            client,
            r#"{"properties":{"channel":{"x-immutable":true},"stage":{"enum":["menu"],"default":"menu"}}}"#,
        );
        let (rung, tried) = recovered(client);
        assert_eq!(
            (rung.as_str(), tried.join(" ")),
            ("reset", "valid defaults revision snapshot label".to_owned())
        );
        assert_eq!(document(client), r#"{"stage":"menu","channel":"a"}"#);
        assert!(client.text(&["INFO", "state"]).contains("state_recoveries_reset:1"));
    });
}

#[test]
fn failed_recovery_changes_nothing() {
    state_test(|_, client| {
        created(client, r#"{"channel":"a","stage":7}"#);
        revise(client, r#"{"properties":{"channel":{"x-immutable":true,"type":"object"}}}"#);
        let error =
            rejected(client, &["STATE.RECOVER", KEY], "INVALID no rung left: valid: 1 violation: /channel: ");
        for rung in ["valid: ", "defaults: ", "revision: ", "snapshot: ", "label: ", "reset: "] {
            assert!(error.contains(rung), "{rung} in {error}");
        }
        let rungs: Vec<String> =
            audit_values(client, "rung").into_iter().filter(|rung| rung != "-").collect();
        assert_eq!(rungs, ["valid", "defaults", "revision", "snapshot", "label", "reset"]);
        assert!(client.text(&["INFO", "state"]).contains("state_recoveries_failed:1"));
        // Many failing recoveries can't push the commits out of the audit stream.
        (0..60).for_each(|_| drop(client.err(&["STATE.RECOVER", KEY])));
        assert_eq!(client.ok(&["XLEN", AUDIT]).int(), 1 + 100 + 1);
    });
}

/// S67: a state of 30 KB with 3000 commits, removed by DEL, is restored byte for byte, except its
/// secret.
#[test]
fn deleted_state_is_rebuilt_from_its_audit_stream() {
    state_test(|_, client| {
        full_state(client);
        let accounts = (0..400).map(|n| {
            format!(r#"{{"id":"acc_{n:05}","name":"Zoë Müller {n}","balance":{n}.50,"denom":"USD"}}"#)
        });
        let big = format!(r#"{{"dashboard":{{"accounts":[{}]}}}}"#, accounts.collect::<Vec<_>>().join(","));
        client.ok(&["STATE.SETPROTECTED", KEY, "1", &big]);
        for number in 0..2998 {
            let place = number % 300;
            let patch = match number % 5 {
                0 => format!(
                    r#"[{{"op":"replace","path":"/dashboard/accounts/{place}/balance","value":{number}.10}}]"#
                ),
                1 => format!(
                    r#"[{{"op":"add","path":"/current/{number}","value":{{"note":"🙂 \"{number}\""}}}}]"#
                ),
                2 => format!(r#"[{{"op":"remove","path":"/current/{}"}}]"#, number - 1),
                3 => format!(r#"[{{"op":"replace","path":"/auth/token","value":"token {number}"}}]"#),
                _ => format!(r#"[{{"op":"add","path":"/current/path","value":"{number}"}}]"#),
            };
            client.send(&["STATE.SETPROTECTED", KEY, "*", &patch, "PATCH"]);
        }
        (0..2998).for_each(|_| assert!(matches!(client.read(), Reply::Bulk(_))));
        let (etag, before) = client.state(KEY);
        assert!(before.len() > 28_000 && etag.starts_with("3000-"), "{} {etag}", before.len());
        client.ok(&["DEL", KEY]);
        assert_eq!(recovered(client), ("audit".to_owned(), vec![]));
        let (etag, after) = client.state(KEY);
        assert_eq!(after, before.replacen(r#""token":"token 2993","#, "", 1));
        assert!(etag.starts_with("3001-"), "versions continue: {etag}");
        assert_eq!(client.ok(&["STATE.META", KEY]).field("schema").text(), "vimbiso.rules");
        // Once more, from the entry that the recovery has written.
        client.ok(&["DEL", KEY]);
        recovered(client);
        assert_eq!(document(client), after);
    });
}

/// If the audit stream can't give the document, the reply says why, and the next rung is tried.
#[test]
fn unusable_audit_stream_is_reported() {
    state_test(|_, client| {
        full_state(client);
        client.ok(&["STATE.DELETE", KEY, "1"]);
        let reply = client.ok(&["STATE.RECOVER", KEY, "SCHEMA", "vimbiso.rules"]);
        assert_eq!(
            (reply.field("rung").text(), reply.field("tried").array()[0].field("reason").text()),
            ("created", "the state was deleted on purpose")
        );
        client.ok(&["CONFIG", "SET", "state.audit-patch-bytes", "10"]);
        client.ok(&["STATE.UPDATE", KEY, "*", r#"{"current":{"path":"offer"}}"#]);
        client.ok(&["DEL", KEY]);
        let reply = client.ok(&["STATE.RECOVER", KEY]);
        let reason = reply.field("tried").array()[0].field("reason").text().to_owned();
        assert_eq!(reason, "the patch of version 2 was cut (state.audit-patch-bytes)");
        assert_eq!(reply.field("rung").text(), "created");
        client.ok(&["DEL", KEY]);
        client.ok(&["DEL", AUDIT]);
        let reply = client.ok(&["STATE.RECOVER", KEY, "SCHEMA", "vimbiso.conversation"]);
        assert_eq!(reply.field("tried").array()[0].field("reason").text(), "the audit stream has no version");
        assert_eq!(member(client, "/stage").as_deref(), Some("\"handle_action_menu\""));
        client.ok(&["DEL", KEY, AUDIT]);
        let error = client.err(&["STATE.RECOVER", KEY, "SCHEMA", "vimbiso.channel"]);
        assert!(
            error.starts_with(
                "INVALID no rung left: audit: the audit stream has no version; created: 1 violation: "
            ),
            "{error}"
        );
        assert_eq!(client.ok(&["EXISTS", KEY, AUDIT]).int(), 0);
    });
}

/// A rebuilt document must satisfy the present schema; protected members keep their recorded
/// values.
#[test]
fn rebuilt_state_must_be_valid() {
    state_test(|_, client| {
        full_state(client);
        client.ok(&["STATE.SETPROTECTED", KEY, "1", r#"{"dashboard":{"balance":7.70}}"#]);
        client.ok(&["DEL", KEY]);
        recovered(client);
        assert_eq!(member(client, "/dashboard/balance").as_deref(), Some("7.70"));
        let strict = crate::RULES.replace(r#""current": {"#, r#""current": {"maxProperties":0,"#);
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.rules", &strict]);
        client.ok(&["DEL", KEY]);
        let reply = client.ok(&["STATE.RECOVER", KEY]);
        assert_eq!(reply.field("rung").text(), "created");
        assert!(
            reply.field("tried").array()[0].field("reason").text().starts_with("1 violation: /current: ")
        );
    });
}

/// Changing the schema needs permission to run STATE.SETPROTECTED.
#[test]
fn recovery_changes_the_schema_only_with_permission() {
    state_test(|server, client| {
        full_state(client);
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.open", "{}"]);
        let mut flow = crate::permissions::flow(server, client);
        assert!(
            flow.err(&["STATE.RECOVER", KEY, "SCHEMA", "vimbiso.open"])
                .starts_with("BADSCHEMA the schema of the state is vimbiso.rules")
        );
        client.ok(&["STATE.RECOVER", KEY, "SCHEMA", "vimbiso.open"]);
        assert_eq!(client.ok(&["STATE.META", KEY]).field("schema").text(), "vimbiso.open");
    });
}

/// No rung changes an immutable or protected member, neither to fill it nor to drop members of it.
#[test]
fn no_rung_changes_immutable_or_protected_members() {
    for guard in ["x-immutable", "x-protected"] {
        for (inside, tried) in [
            (r#""required":["kind"],"properties":{"kind":{"default":"sms"}}"#, "defaults"),
            (r#""additionalProperties":false,"properties":{"kind":{}}"#, "revision"),
        ] {
            state_test(|_, client| {
                let schema =
                    |inside: &str| format!(r#"{{"properties":{{"channel":{{"{guard}":true{inside}}}}}}}"#);
                client.ok(&["STATE.SCHEMA", "SET", "vimbiso.guarded", &schema("")]);
                let channel = r#"{"channel":{"id":"+263771234567"}}"#;
                client.ok(&["STATE.SETPROTECTED", KEY, "0", channel, "SCHEMA", "vimbiso.guarded"]);
                client.ok(&["STATE.SCHEMA", "SET", "vimbiso.guarded", &schema(&format!(",{inside}"))]);
                let error = client.err(&["STATE.RECOVER", KEY]);
                assert!(error.starts_with("INVALID no rung left: ") && error.contains(tried), "{error}");
                assert_eq!(document(client), channel);
                client.ok(&["STATE.SCHEMA", "SET", "vimbiso.guarded", &schema("")]);
            });
        }
    }
}

/// A recovery of a valid state is no commit, and does not resume the recording of rejections.
#[test]
fn recovery_of_a_valid_state_does_not_resume_recording_of_rejections() {
    state_test(|_, client| {
        client.ok(&["CONFIG", "SET", "state.audit-rejects", "1"]);
        full_state(client);
        let reject =
            |client: &mut Client| drop(client.err(&["STATE.UPDATE", KEY, "*", r#"{"dashboard":1}"#]));
        (0..3).for_each(|_| reject(client));
        assert_eq!(audit_values(client, "event"), ["create", "reject", "reject"]);
        client.ok(&["STATE.RECOVER", KEY]);
        (0..3).for_each(|_| reject(client));
        assert_eq!(audit_values(client, "event"), ["create", "reject", "reject", "recover"]);
        client.ok(&["CONFIG", "SET", "state.audit-rejects", "100"]);
    });
}
