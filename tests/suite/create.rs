//! First contact: a state is created from its schema's defaults with the change on top (S57, S63).

use support::{Client, state_test, words};

use crate::baseline::{AUDIT, KEY, audit_entries, field};

/// A small schema like the bot's: the channel is required, the flow starts at the greeting.
pub const FLOW: &str = concat!(
    r#"{"type":"object","required":["channel"],"additionalProperties":false,"x-ttl":1800,"properties":{"#,
    r#""channel":{"type":"object","required":["identifier"],"properties":{"type":{"enum":["whatsapp"]},"identifier":{"type":"string"}}},"#,
    r#""current":{"type":"object","default":{},"properties":{"path":{"type":"string","default":"login"},"#,
    r#""component":{"type":"string","default":"Greeting"},"component_result":{"type":["string","null"]},"#,
    r#""data":{"type":"object","properties":{"amount":{"type":"number","exclusiveMinimum":0}}}}},"#,
    r#""dashboard":{"type":"object","properties":{"accounts":{"type":"array","default":[]}}}}}"#
);

pub const FIRST_CONTACT: &str = r#"{"channel":{"type":"whatsapp","identifier":"+263771234567"}}"#;
pub const GREETING: &str = concat!(
    r#"{"current":{"path":"login","component":"Greeting"},"#,
    r#""channel":{"type":"whatsapp","identifier":"+263771234567"}}"#
);

/// Sets [`FLOW`] and creates a state with it; returns the etag.
#[track_caller]
pub fn first_contact(client: &mut Client) -> String {
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.small", FLOW]);
    client.text(&["STATE.UPDATE", KEY, "0", FIRST_CONTACT, "SCHEMA", "vimbiso.small"])
}

/// S57, S63: defaults fill in what the first message leaves out; the creation is audited.
#[test]
fn created_state_has_the_defaults_of_its_schema() {
    state_test(|_, client| {
        let etag = first_contact(client);
        assert_eq!(Client::version(&etag), 1);
        assert_eq!(client.state(KEY), (etag.clone(), GREETING.to_owned()));
        let entries = audit_entries(client, AUDIT);
        assert_eq!(entries.len(), 1);
        let said = |name| field(&entries[0], name).unwrap_or("-");
        assert_eq!(
            [said("event"), said("version"), said("parent"), said("etag")],
            ["create", "1", "0", &etag]
        );
        assert_eq!([said("schema"), said("user"), said("document")], ["vimbiso.small", "default", GREETING]);
        assert_eq!(said("patch"), format!(r#"[{{"op":"add","path":"","value":{GREETING}}}]"#));
    });
}

/// A `default` is filled in only where its parent exists: no dashboard, no list of accounts.
#[test]
fn default_needs_its_parent() {
    state_test(|_, client| {
        first_contact(client);
        assert!(client.ok(&["STATE.GET", KEY, "/dashboard/accounts"]).array()[1].is_nil());
        let changed = r#"{"dashboard":{}}"#;
        client.ok(&["STATE.UPDATE", KEY, "1", changed]);
        // Defaults are filled in at creation, never later.
        assert_eq!(client.ok(&["STATE.GET", KEY, "/dashboard"]).array()[1].text(), "{}");
    });
}

/// S36: a creation that violates its schema leaves nothing behind, not even an audit stream.
#[test]
fn rejected_creation_leaves_nothing() {
    state_test(|_, client| {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.small", FLOW]);
        let rejected = client.err(&["STATE.UPDATE", KEY, "0", r#"{"value":1}"#, "SCHEMA", "vimbiso.small"]);
        assert!(rejected.starts_with("INVALID 2 violations: "), "{rejected}");
        let unknown = client.err(&["STATE.UPDATE", KEY, "0", "{}", "SCHEMA", "vimbiso.unknown"]);
        assert!(unknown.starts_with("NOSCHEMA no schema is named vimbiso.unknown"), "{unknown}");
        assert!(client.ok(&["STATE.GET", KEY]).is_nil());
        assert_eq!(client.ok(&["DBSIZE"]).int(), 0);
        // An AOF without the RDB preamble carries schemas only beside states, and there is none
        // here.
        client.ok(&["STATE.SCHEMA", "DEL", "vimbiso.small"]);
    });
}

/// REPLACE stores the document as it is, without defaults.
#[test]
fn replace_creates_without_defaults() {
    state_test(|_, client| {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.small", FLOW]);
        client.ok(&["STATE.UPDATE", KEY, "*", FIRST_CONTACT, "REPLACE", "SCHEMA", "vimbiso.small"]);
        assert_eq!(client.state(KEY).1, FIRST_CONTACT);
    });
}

/// A JSON Patch applies to the defaults.
#[test]
fn patch_applies_to_the_defaults() {
    state_test(|_, client| {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.small", FLOW]);
        let patch = concat!(
            r#"[{"op":"test","path":"/current/path","value":"login"},"#,
            r#"{"op":"add","path":"/channel","value":{"identifier":"+263771234567"}}]"#
        );
        client.ok(&["STATE.UPDATE", KEY, "0", patch, "PATCH", "SCHEMA", "vimbiso.small"]);
        let document =
            r#"{"current":{"path":"login","component":"Greeting"},"channel":{"identifier":"+263771234567"}}"#;
        assert_eq!(client.state(KEY).1, document);
    });
}

/// The schema is named at creation; later commands may repeat it but not change it.
#[test]
fn schema_of_a_state_cannot_be_changed_by_an_update() {
    state_test(|_, client| {
        first_contact(client);
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.other", "{}"]);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"dashboard":{}}"#, "SCHEMA", "vimbiso.small"]);
        let rejected = client.err(&["STATE.UPDATE", KEY, "*", "{}", "SCHEMA", "vimbiso.other"]);
        assert!(rejected.starts_with("BADSCHEMA the schema of the state is vimbiso.small"), "{rejected}");
        client.ok(&words("STATE.UPDATE channel:+263779999999 0 {}"));
        let rejected = client.err(&words("STATE.UPDATE channel:+263779999999 1 {} SCHEMA vimbiso.small"));
        assert!(rejected.starts_with("BADSCHEMA the state was created without a schema"), "{rejected}");
        assert_eq!(client.ok(&["STATE.META", KEY]).field("schema").text(), "vimbiso.small");
    });
}
