//! When a member has a deadline, and what moves it (S12, S13).

use support::{Client, Reply, state_test};

use crate::{KEY, deadlines, document, patient, state};

const FULL: &str = r#"{"auth":{"token":"eyJ"},"form":{"amount":1.0},"current":{"path":"offer"}}"#;

/// A change that names a protected member.
const REJECTED: &str = r#"{"form":7,"auth":{"token":"x"}}"#;

/// The deadlines that a command moves. It runs a few milliseconds later, so that no times are equal
/// by chance.
fn moved_by(client: &mut Client, line: &[&str]) -> Vec<String> {
    let before = deadlines(client);
    let replies = crate::in_one_go(client, &[&["DEBUG", "SLEEP", "0.003"], line]);
    let is_refused = matches!(replies[1], Reply::Error(_));
    assert_eq!(is_refused, line.contains(&REJECTED), "{line:?}: {}", replies[1]);
    let after = deadlines(client);
    let places = after.iter().filter(|deadline| !before.contains(deadline));
    places.map(|(place, _)| place.clone()).collect()
}

/// Writing a member or a part of it, with an equal value too, moves its deadline; every commit,
/// attempt and touch moves sliding ones.
#[test]
fn writing_moves_a_deadline_and_any_use_moves_sliding_ones() {
    let (token, form, slides) = ("/auth/token", "/form", "/current");
    state_test(|_, client| {
        state(client, &patient(), FULL);
        for (json, kind, moved) in [
            (r#"{"note":1}"#, "MERGE", vec![slides]),
            (r#"{"form":{"amount":1.0}}"#, "MERGE", vec![slides, form]),
            (r#"{"form":{}}"#, "MERGE", vec![slides, form]),
            (r#"{"auth":{"kind":"jwt"}}"#, "MERGE", vec![slides]),
            (r#"{"auth":{"token":"eyJ"}}"#, "SHALLOW", vec![token, slides]),
            (r#"{"current":{"path":"offer"}}"#, "SHALLOW", vec![slides]),
            (r#"[{"op":"add","path":"/form/rows","value":[1]}]"#, "PATCH", vec![slides, form]),
            (
                r#"[{"op":"test","path":"/form/rows/0","value":1},{"op":"add","path":"/note","value":2}]"#,
                "PATCH",
                vec![slides],
            ),
            (r#"[{"op":"replace","path":"/auth","value":{"token":"eyK"}}]"#, "PATCH", vec![token, slides]),
            (
                r#"{"auth":{"token":"eyK"},"form":{"amount":1,"rows":[1]},"current":{"path":"offer"}}"#,
                "REPLACE",
                vec![slides],
            ),
            (
                r#"{"auth":{"token":"eyK"},"form":{"amount":2},"current":{"path":"offer"}}"#,
                "REPLACE",
                vec![slides, form],
            ),
        ] {
            let line = ["STATE.SETPROTECTED", KEY, "*", json, kind];
            assert_eq!(moved_by(client, &line), moved, "{kind} {json}");
        }
        for line in
            [&["STATE.TOUCH", KEY][..], &["STATE.ATTEMPT", KEY, "login", "FAILURE"], &["STATE.RECOVER", KEY]]
        {
            assert_eq!(moved_by(client, line), [slides], "{line:?}");
        }
        for line in [&["STATE.ATTEMPT", KEY, "login", "CLEAR"][..], &["STATE.GET", KEY]] {
            assert_eq!(moved_by(client, line), [""; 0], "{line:?}");
        }
    });
}

/// A rejected update moves no deadline; an attempt moves the sliding ones.
#[test]
fn rejection_moves_no_deadline_and_an_attempt_moves_sliding_ones() {
    state_test(|_, client| {
        state(client, &patient(), FULL);
        let rejected = ["STATE.UPDATE", KEY, "*", REJECTED];
        assert_eq!(moved_by(client, &rejected), [""; 0]);
        assert_eq!(moved_by(client, &[&rejected[..], &["OPERATION", "login"]].concat()), ["/current"]);
    });
}

/// A rollback and a reset move the deadlines of the members that they change, and no others.
#[test]
fn rollback_and_reset_move_the_deadlines_of_changed_members() {
    state_test(|_, client| {
        state(client, &patient(), FULL);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"form":{"amount":2}}"#]);
        let moved = moved_by(client, &["STATE.ROLLBACK", KEY, "2"]);
        assert_eq!(moved, ["/current", "/form"]);
        let token = deadlines(client).into_iter().find(|(place, _)| place == "/auth/token");
        client.ok(&["STATE.RESET", KEY, "3"]);
        assert_eq!(document(client), r#"{"current":{"path":"menu"},"auth":{"token":"eyJ"}}"#);
        assert_eq!(deadlines(client), [token.expect("the token's")]);
    });
}

/// A missing member, and one with its default value, has no deadline.
#[test]
fn default_value_has_no_deadline() {
    state_test(|_, client| {
        state(client, &patient(), r#"{"form":{"amount":1}}"#);
        let places =
            |client: &mut Client| deadlines(client).into_iter().map(|(place, _)| place).collect::<Vec<_>>();
        assert_eq!(places(client), ["/form"]);
        client.ok(&["STATE.UPDATE", KEY, "*", r#"{"form":null,"current":{"path":"offer"}}"#]);
        assert_eq!(places(client), ["/current"]);
        client.ok(&["STATE.UPDATE", KEY, "*", r#"{"current":{"path":"menu"}}"#]);
        assert_eq!(places(client), [""; 0]);
    });
}

/// S12: the key lives as long as its longest deadline, unless the command names an expiry.
#[test]
fn key_lives_as_long_as_its_longest_deadline() {
    state_test(|_, client| {
        state(client, &patient(), FULL);
        let ttl = |client: &mut Client| client.ok(&["PTTL", KEY]).int();
        let ttl_ms = ttl(client);
        assert!((1_790_000..=1_800_000).contains(&ttl_ms), "{ttl_ms}");
        client.ok(&["STATE.UPDATE", KEY, "*", r#"{"note":1}"#, "EX", "90"]);
        let ttl_ms = ttl(client);
        assert!((80_000..=90_000).contains(&ttl_ms), "{ttl_ms}");
        client.ok(&["STATE.RESET", KEY, "*"]);
        let ttl_ms = ttl(client);
        assert!(ttl_ms > 1_700_000, "the token's deadline: {ttl_ms}");
        client.ok(&["STATE.SETPROTECTED", KEY, "*", r#"{"auth":null}"#]);
        let ttl_ms = ttl(client);
        assert!(ttl_ms <= 60_000, "the schema's TTL, since no deadline is left: {ttl_ms}");
    });
}

/// A deadline at or after the key's expiry makes no lapse: the key expires.
#[test]
fn expiry_of_the_key_is_no_lapse() {
    state_test(|_, client| {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", crate::FORMS]);
        crate::at_once(client, &[&crate::creation(FULL), &["STATE.TOUCH", KEY, "PX", "40"]]);
        support::wait_until("the key has expired", || client.ok(&["STATE.GET", KEY]).is_nil());
        assert!(!crate::audit_values(client, "event").contains(&"lapse".to_owned()));
    });
}

/// A document with too many deadlines is rejected.
#[test]
fn number_of_deadlines_is_limited() {
    state_test(|_, client| {
        let schema = r##"{"properties":{"a":{"$ref":"#","x-ttl":1800},"b":{"$ref":"#","x-ttl":1800}}}"##;
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.tree", schema]);
        let mut tree = "{}".to_owned();
        for _ in 0..8 {
            tree = format!(r#"{{"a":{tree},"b":{tree}}}"#);
        }
        client.ok(&["STATE.UPDATE", KEY, "0", &tree, "SCHEMA", "vimbiso.tree"]);
        assert_eq!(deadlines(client).len(), 510);
        // 1022 in a tree of nine levels, and the rest at one of its leaves.
        let with = |end: &str| format!(r#"{{"a":{tree},"b":{tree}}}"#).replacen("{}", end, 1);
        let error = client.err(&["STATE.UPDATE", KEY, "1", &with(r#"{"a":{"a":{}},"b":{}}"#)]);
        assert_eq!(error, "TOOBIG a document has 1024 members with x-ttl at most");
        client.ok(&["STATE.UPDATE", KEY, "1", &with(r#"{"a":{},"b":{}}"#)]);
        assert_eq!(deadlines(client).len(), 1024);
    });
}
