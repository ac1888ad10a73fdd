//! Bindings: keys that match a pattern are validated against its schema, whatever the client names
//! (S39).

use support::{Client, Reply, Server, state_test};

use crate::{KEY, RULES, document, rejected};

const STRICT: &str = r#"{"additionalProperties":false,"properties":{"name":{"type":"string"}}}"#;
const OPEN: &str = r#"{"properties":{"name":{"type":"string"}}}"#;

fn schemas(client: &mut Client) {
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.strict", STRICT]);
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.open", OPEN]);
}

/// The patterns that STATE.SCHEMA LIST shows for a schema.
fn bindings(client: &mut Client, name: &str) -> Vec<String> {
    let list = client.ok(&["STATE.SCHEMA", "LIST"]);
    let schema = list.array().iter().find(|schema| schema.field("name").text() == name).expect("listed");
    schema.field("bindings").array().iter().map(|pattern| pattern.text().to_owned()).collect()
}

#[test]
fn matching_keys_are_validated_against_the_bound_schema() {
    state_test(|_, client| {
        schemas(client);
        assert_eq!(
            client.ok(&["STATE.SCHEMA", "BIND", "channel:*", "vimbiso.strict"]),
            Reply::Simple("OK".into())
        );
        assert!(
            client
                .err(&["STATE.UPDATE", KEY, "0", r#"{"value":1}"#])
                .starts_with("INVALID 1 violation: (root): ")
        );
        // At creation too, even for a document that both schemas allow.
        for json in [r#"{"value":1}"#, r#"{"name":"Ana"}"#] {
            for command in ["STATE.UPDATE", "STATE.SETPROTECTED"] {
                let line = [command, KEY, "0", json, "SCHEMA", "vimbiso.open"];
                let error = client.err(&line);
                assert_eq!(error, "BADSCHEMA key is bound to vimbiso.strict: name that schema or none");
            }
        }
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"name":"Ana"}"#]);
        assert_eq!(client.ok(&["STATE.META", KEY]).field("schema").text(), "vimbiso.strict");
        for command in ["STATE.UPDATE", "STATE.SETPROTECTED"] {
            let error = rejected(client, &[command, KEY, "1", "{}", "SCHEMA", "vimbiso.open"], "BADSCHEMA ");
            assert_eq!(error, "BADSCHEMA key is bound to vimbiso.strict: name that schema or none");
        }
        client.ok(&["STATE.UPDATE", "user:1", "0", r#"{"value":1}"#]);
        assert_eq!(bindings(client, "vimbiso.strict"), ["channel:*"]);
        assert_eq!(client.ok(&["STATE.SCHEMA", "UNBIND", "channel:*"]), Reply::Int(1));
        assert_eq!(client.ok(&["STATE.SCHEMA", "UNBIND", "channel:*"]), Reply::Int(0));
        rejected(client, &["STATE.UPDATE", KEY, "1", r#"{"value":1}"#], "INVALID ");
    });
}

/// A binding applies to an existing state from its next write on.
#[test]
fn binding_applies_to_an_existing_state_at_its_next_write() {
    state_test(|_, client| {
        schemas(client);
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"value":1}"#]);
        client.ok(&["STATE.SCHEMA", "BIND", "channel:*", "vimbiso.strict"]);
        rejected(client, &["STATE.UPDATE", KEY, "1", r#"{"name":"Ana"}"#], "INVALID 1 violation: (root): ");
        rejected(client, &["STATE.ROLLBACK", KEY, "1", "TO", "1"], "INVALID ");
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"name":"Ana","value":null}"#]);
        assert_eq!(client.ok(&["STATE.META", KEY]).field("schema").text(), "vimbiso.strict");
        // A write that only applies the binding is a commit too.
        client.ok(&["STATE.UPDATE", "channel:2", "0", r#"{"name":"Zoë"}"#]);
        client.ok(&["STATE.SCHEMA", "BIND", "channel:?", "vimbiso.open"]);
        assert!(client.text(&["STATE.UPDATE", "channel:2", "1", "{}"]).starts_with("2-"));
        assert_eq!(client.ok(&["STATE.META", "channel:2"]).field("schema").text(), "vimbiso.open");
    });
}

#[test]
fn most_specific_pattern_wins() {
    state_test(|_, client| {
        schemas(client);
        client.ok(&["STATE.SCHEMA", "BIND", "*", "vimbiso.strict"]);
        client.ok(&["STATE.SCHEMA", "BIND", "channel:+263*", "vimbiso.open"]);
        client.ok(&["STATE.SCHEMA", "BIND", "channel:*", "vimbiso.strict"]);
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"value":1}"#]);
        assert!(
            client
                .err(&["STATE.UPDATE", "channel:+27820000000", "0", r#"{"value":1}"#])
                .starts_with("INVALID ")
        );
        assert!(client.err(&["STATE.UPDATE", "session:1", "0", r#"{"value":1}"#]).starts_with("INVALID "));
        client.ok(&["STATE.SCHEMA", "BIND", "channel:+263*", "vimbiso.strict"]);
        rejected(client, &["STATE.UPDATE", KEY, "1", r#"{"value":2}"#], "INVALID ");
        assert_eq!(bindings(client, "vimbiso.strict"), ["channel:+263*", "channel:*", "*"]);
    });
}

/// `x-bind` binds when the schema is set, by a schema folder too; setting the same text binds
/// again.
#[test]
fn x_bind_binds_the_schema() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let bound = RULES.replacen('{', r#"{"x-bind":["channel:*","user:*"],"#, 1);
    std::fs::write(dir.path().join("vimbiso.bound.json"), &bound).expect("a schema");
    let server = Server::builder()
        .without_schemas()
        .arg("--state.schema-dir")
        .arg(dir.path().display().to_string())
        .start();
    let mut client = server.client();
    support::wait_until("the schemas are loaded", || {
        !client.ok(&["STATE.SCHEMA", "LIST"]).array().is_empty()
    });
    assert_eq!(bindings(&mut client, "vimbiso.bound"), ["channel:*", "user:*"]);
    assert!(
        client.err(&["STATE.UPDATE", KEY, "0", r#"{"dashboard":{}}"#]).starts_with("PROTECTED /dashboard")
    );
    client.ok(&["STATE.SCHEMA", "UNBIND", "user:*"]);
    assert_eq!(bindings(&mut client, "vimbiso.bound"), ["channel:*"]);
    assert_eq!(client.ok(&["STATE.SCHEMA", "SET", "vimbiso.bound", &bound]), Reply::Int(1));
    assert_eq!(bindings(&mut client, "vimbiso.bound"), ["channel:*", "user:*"]);
}

/// Found by fuzz-schemas: a schema may have a pattern that BIND rejects as a keyword.
#[test]
fn every_binding_can_be_removed() {
    state_test(|_, client| {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.audit", r#"{"x-bind":["AUDIT"]}"#]);
        assert_eq!(bindings(client, "vimbiso.audit"), ["AUDIT"]);
        assert_eq!(client.ok(&["STATE.SCHEMA", "UNBIND", "AUDIT"]), Reply::Int(1));
        assert!(bindings(client, "vimbiso.audit").is_empty());
        for never_bound in [&b"channel:*"[..], b"channel:\xff", b""] {
            assert_eq!(client.ok(&[&b"STATE.SCHEMA"[..], b"UNBIND", never_bound]), Reply::Int(0));
        }
    });
}

/// A bound schema is deleted only by force; then commands on its keys fail.
#[test]
fn bound_key_without_its_schema_rejects_writes() {
    state_test(|_, client| {
        schemas(client);
        client.ok(&["STATE.SCHEMA", "BIND", "channel:*", "vimbiso.strict"]);
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"name":"Ana"}"#]);
        let error = client.err(&["STATE.SCHEMA", "DEL", "vimbiso.strict"]);
        assert_eq!(
            error,
            "BADSCHEMA 1 state uses and 1 binding uses vimbiso.strict; with FORCE their next write then returns NOSCHEMA"
        );
        client.ok(&["STATE.SCHEMA", "DEL", "vimbiso.strict", "FORCE"]);
        for line in [
            &["STATE.UPDATE", KEY, "1", r#"{"name":"Zoë"}"#][..],
            &["STATE.ROLLBACK", KEY, "1"],
            &["STATE.RESET", KEY, "1"],
            &["STATE.RECOVER", KEY],
        ] {
            rejected(client, line, "NOSCHEMA ");
        }
        assert!(client.err(&["STATE.UPDATE", "channel:2", "0", "{}"]).starts_with("NOSCHEMA "));
        assert_eq!(document(client), r#"{"name":"Ana"}"#);
        let list = client.ok(&["STATE.SCHEMA", "LIST"]);
        let missing = list
            .array()
            .iter()
            .find(|schema| schema.field("name").text() == "vimbiso.strict")
            .expect("still listed");
        assert_eq!((missing.field("revision").int(), missing.field("states").int()), (0, 1));
    });
}

#[test]
fn invalid_bindings_are_rejected() {
    state_test(|_, client| {
        schemas(client);
        assert!(client.err(&["STATE.SCHEMA", "BIND", "channel:*", "vimbiso.none"]).starts_with("NOSCHEMA "));
        assert!(client.err(&["STATE.SCHEMA", "BIND", "", "vimbiso.open"]).starts_with("ERR syntax error"));
        assert!(
            client.err(&["STATE.SCHEMA", "BIND", &"x".repeat(129), "vimbiso.open"]).starts_with("TOOBIG ")
        );
        client.ok(&["STATE.SCHEMA", "BIND", &"x".repeat(128), "vimbiso.open"]);
        for number in 1..1024 {
            client.ok(&["STATE.SCHEMA", "BIND", &format!("key:{number}"), "vimbiso.open"]);
        }
        assert_eq!(
            client.err(&["STATE.SCHEMA", "BIND", "one:more", "vimbiso.open"]),
            "BADSCHEMA 1024 bindings are kept at most"
        );
        let more = r#"{"x-bind":["one:more"]}"#;
        assert_eq!(
            client.err(&["STATE.SCHEMA", "SET", "vimbiso.more", more]),
            "BADSCHEMA 1024 bindings are kept at most"
        );
        client.ok(&["STATE.SCHEMA", "BIND", "key:7", "vimbiso.strict"]);
        assert!(client.text(&["INFO", "state"]).contains("state_bindings:1024"));
    });
}
