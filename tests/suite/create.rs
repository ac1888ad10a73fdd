//! First contact: a state comes into being from its schema's defaults with the change on top (S57, S63).

use support::{Client, state_test, words};

use crate::standing::{AUDIT, KEY, field, trail};

/// A small schema of the bot's kind: the channel is required, the flow starts at the greeting.
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

/// Sets [`FLOW`] and creates a state that obeys it; returns its etag.
#[track_caller]
pub fn first_contact(client: &mut Client) -> String {
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.small", FLOW]);
    client.text(&["STATE.UPDATE", KEY, "0", FIRST_CONTACT, "SCHEMA", "vimbiso.small"])
}

/// S57, S63: defaults fill in what the first message does not say; the creation is on the trail.
#[test]
fn a_state_begins_with_the_defaults_of_its_schema() {
    state_test(|_, client| {
        let etag = first_contact(client);
        assert_eq!(Client::version(&etag), 1);
        assert_eq!(client.state(KEY), (etag.clone(), GREETING.to_owned()));
        let entries = trail(client, AUDIT);
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

/// `default`s fill only where their parent is there: no dashboard, no list of accounts.
#[test]
fn a_default_needs_its_parent() {
    state_test(|_, client| {
        first_contact(client);
        assert!(client.ok(&["STATE.GET", KEY, "/dashboard/accounts"]).array()[1].is_nil());
        let changed = r#"{"dashboard":{}}"#;
        client.ok(&["STATE.UPDATE", KEY, "1", changed]);
        // Defaults come at creation, never later.
        assert_eq!(client.ok(&["STATE.GET", KEY, "/dashboard"]).array()[1].text(), "{}");
    });
}

/// S36: a creation that does not pass its schema leaves nothing behind, not even a trail.
#[test]
fn a_refused_creation_leaves_nothing() {
    state_test(|_, client| {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.small", FLOW]);
        let refused = client.err(&["STATE.UPDATE", KEY, "0", r#"{"value":1}"#, "SCHEMA", "vimbiso.small"]);
        assert!(refused.starts_with("INVALID 2 violations: "), "{refused}");
        let unknown = client.err(&["STATE.UPDATE", KEY, "0", "{}", "SCHEMA", "vimbiso.unknown"]);
        assert!(unknown.starts_with("NOSCHEMA no schema is named vimbiso.unknown"), "{unknown}");
        assert!(client.ok(&["STATE.GET", KEY]).is_nil());
        assert_eq!(client.ok(&["DBSIZE"]).int(), 0);
        // An AOF without the RDB preamble carries schemas only beside states, and here is none.
        client.ok(&["STATE.SCHEMA", "DEL", "vimbiso.small"]);
    });
}

/// REPLACE takes the document as it is, without a default.
#[test]
fn a_whole_document_is_taken_as_it_is() {
    state_test(|_, client| {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.small", FLOW]);
        client.ok(&["STATE.UPDATE", KEY, "*", FIRST_CONTACT, "REPLACE", "SCHEMA", "vimbiso.small"]);
        assert_eq!(client.state(KEY).1, FIRST_CONTACT);
    });
}

/// A JSON patch works on the defaults.
#[test]
fn a_patch_creates_on_top_of_the_defaults() {
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

/// The schema is named once, at creation; later commands may repeat it but not change it.
#[test]
fn a_state_keeps_its_schema() {
    state_test(|_, client| {
        first_contact(client);
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.other", "{}"]);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"dashboard":{}}"#, "SCHEMA", "vimbiso.small"]);
        let refused = client.err(&["STATE.UPDATE", KEY, "*", "{}", "SCHEMA", "vimbiso.other"]);
        assert!(refused.starts_with("BADSCHEMA the schema of the state is vimbiso.small"), "{refused}");
        client.ok(&words("STATE.UPDATE channel:+263779999999 0 {}"));
        let refused = client.err(&words("STATE.UPDATE channel:+263779999999 1 {} SCHEMA vimbiso.small"));
        assert!(refused.starts_with("BADSCHEMA the state was created without a schema"), "{refused}");
        assert_eq!(client.ok(&["STATE.META", KEY]).field("schema").text(), "vimbiso.small");
    });
}
