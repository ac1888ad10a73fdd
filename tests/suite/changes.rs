//! The four kinds of change, and what each can and can't express.

use support::{Client, state_test};

use crate::baseline::KEY;

const BEFORE: &str = r#"{"current":{"path":"offer","data":{"amount":1.10,"handle":"tariro"}},"page":1}"#;

/// The document that `json` makes of [`BEFORE`], or the error line.
fn changed(client: &mut Client, json: &str, kind: &str) -> String {
    client.call(&["STATE.DELETE", KEY, "*", "PURGE"]);
    client.ok(&["STATE.UPDATE", KEY, "0", BEFORE]);
    match client.call(&["STATE.UPDATE", KEY, "1", json, kind]) {
        support::Reply::Error(line) => {
            assert_eq!(client.state(KEY).1, BEFORE, "a rejected change modified the state");
            line
        }
        reply => {
            assert_eq!(Client::version(reply.text()), 2);
            client.state(KEY).1
        }
    }
}

/// RFC 7396: null removes, objects are merged, everything else replaces; member order stays.
#[test]
fn merge() {
    state_test(|_, client| {
        for (json, after) in [
            (
                r#"{"page":2}"#,
                r#"{"current":{"path":"offer","data":{"amount":1.10,"handle":"tariro"}},"page":2}"#,
            ),
            (
                r#"{"current":{"data":{"amount":null}}}"#,
                r#"{"current":{"path":"offer","data":{"handle":"tariro"}},"page":1}"#,
            ),
            (r#"{"current":{"data":[1,null]}}"#, r#"{"current":{"path":"offer","data":[1,null]},"page":1}"#),
            (r#"{"current":null,"auth":{"a":null,"b":1}}"#, r#"{"page":1,"auth":{"b":1}}"#),
        ] {
            assert_eq!(changed(client, json, "MERGE"), after, "{json}");
        }
        assert_eq!(changed(client, "7", "merge"), "INVALID 1 violation: (root): must be an object");
    });
}

/// Each top-level member replaces the member of the same name whole, and null is a value.
#[test]
fn shallow() {
    state_test(|_, client| {
        for (json, after) in [
            (r#"{"current":{"path":"login"}}"#, r#"{"current":{"path":"login"},"page":1}"#),
            (r#"{"current":null,"option":null}"#, r#"{"current":null,"page":1,"option":null}"#),
        ] {
            assert_eq!(changed(client, json, "SHALLOW"), after, "{json}");
        }
        assert_eq!(changed(client, "7", "SHALLOW"), "INVALID 1 violation: (root): must be an object");
    });
}

/// All six operations of RFC 6902.
#[test]
fn patch() {
    state_test(|_, client| {
        for (operations, after) in [
            (
                r#"{"op":"add","path":"/current/data/note","value":null}"#,
                r#"{"current":{"path":"offer","data":{"amount":1.10,"handle":"tariro","note":null}},"page":1}"#,
            ),
            (
                r#"{"op":"remove","path":"/current/data/amount"}"#,
                r#"{"current":{"path":"offer","data":{"handle":"tariro"}},"page":1}"#,
            ),
            (
                r#"{"op":"replace","path":"/current/data/amount","value":2.50}"#,
                r#"{"current":{"path":"offer","data":{"amount":2.50,"handle":"tariro"}},"page":1}"#,
            ),
            (
                r#"{"op":"move","from":"/current/data","path":"/form"}"#,
                r#"{"current":{"path":"offer"},"page":1,"form":{"amount":1.10,"handle":"tariro"}}"#,
            ),
            (
                r#"{"op":"copy","from":"/current/data/amount","path":"/amount"}"#,
                r#"{"current":{"path":"offer","data":{"amount":1.10,"handle":"tariro"}},"page":1,"amount":1.10}"#,
            ),
            (
                r#"{"op":"test","path":"/current/data/amount","value":1.1},{"op":"replace","path":"/page","value":2}"#,
                r#"{"current":{"path":"offer","data":{"amount":1.10,"handle":"tariro"}},"page":2}"#,
            ),
        ] {
            assert_eq!(changed(client, &format!("[{operations}]"), "PATCH"), after, "{operations}");
        }
    });
}

/// A patch is all or nothing, and the error names the operation.
#[test]
fn failed_patch_names_its_operation() {
    state_test(|_, client| {
        for (patch, error) in [
            (
                r#"[{"op":"replace","path":"/page","value":2},{"op":"remove","path":"/auth"}]"#,
                "BADPATCH operation 1: ",
            ),
            (r#"[{"op":"test","path":"/page","value":2}]"#, "BADPATCH operation 0: "),
            (r#"[{"op":"move","from":"/current","path":"/current/data/x"}]"#, "BADPATCH operation 0: "),
            (r#"[{"op":"increment","path":"/page"}]"#, "BADPATCH operation 0: "),
            (r#"{"op":"remove","path":"/page"}"#, "BADPATCH a patch is an array"),
            (r#"[{"op":"replace","path":"","value":[]}]"#, "INVALID 1 violation: (root): must be an object"),
        ] {
            let line = changed(client, patch, "PATCH");
            assert!(line.starts_with(error), "{patch}: {line}");
        }
    });
}

/// REPLACE stores the document exactly as written.
#[test]
fn replace() {
    state_test(|_, client| {
        assert_eq!(changed(client, r#" { "page" : 2 } "#, "REPLACE"), r#"{"page":2}"#);
        assert_eq!(changed(client, r#"{"current":null}"#, "replace"), r#"{"current":null}"#);
        assert_eq!(changed(client, "null", "REPLACE"), "INVALID 1 violation: (root): must be an object");
    });
}

/// S39, S36: every update is validated against the state's schema, whatever its kind.
#[test]
fn every_change_is_validated() {
    state_test(|_, client| {
        crate::create::first_contact(client);
        let ttl = client.ok(&["PEXPIRETIME", KEY]).int();
        for (kind, json) in [
            ("MERGE", r#"{"current":{"data":{"amount":-1}}}"#),
            ("SHALLOW", r#"{"current":{"data":{"amount":"much"}}}"#),
            ("PATCH", r#"[{"op":"add","path":"/current/data","value":{"amount":0}}]"#),
            ("REPLACE", r#"{"channel":{"identifier":"x"},"current":{"data":{"amount":-0.01}}}"#),
        ] {
            let line = client.err(&["STATE.UPDATE", KEY, "1", json, kind]);
            assert!(line.starts_with("INVALID 1 violation: /current/data/amount: "), "{kind}: {line}");
        }
        assert_eq!(client.state(KEY).1, crate::create::GREETING);
        assert_eq!(client.ok(&["PEXPIRETIME", KEY]).int(), ttl);
    });
}
