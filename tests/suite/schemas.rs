//! STATE.SCHEMA and STATE.VALIDATE: schemas by name, with revisions (S38, S39).

use support::{Reply, state_test};

use crate::baseline::KEY;
use crate::create::{FIRST_CONTACT, FLOW, first_contact};

#[test]
fn changed_text_makes_a_new_revision() {
    state_test(|_, client| {
        assert_eq!(client.ok(&["STATE.SCHEMA", "SET", "vimbiso.small", FLOW]), Reply::Int(1));
        // The same schema with other whitespace: canonical texts are compared.
        let spaced = FLOW.replace(',', " , ");
        assert_eq!(client.ok(&["STATE.SCHEMA", "SET", "vimbiso.small", &spaced]), Reply::Int(1));
        assert_eq!(client.text(&["STATE.SCHEMA", "GET", "vimbiso.small"]), FLOW);
        assert_eq!(client.ok(&["STATE.SCHEMA", "SET", "vimbiso.small", "{}"]), Reply::Int(2));
        assert_eq!(client.text(&["STATE.SCHEMA", "GET", "vimbiso.small"]), "{}");
        assert!(client.ok(&["STATE.SCHEMA", "GET", "vimbiso.none"]).is_nil());
    });
}

#[test]
fn list_counts_the_states_of_each_schema() {
    state_test(|_, client| {
        first_contact(client);
        client.ok(&["COPY", KEY, "channel:+263772222222"]);
        let list = client.ok(&["STATE.SCHEMA", "LIST"]);
        let small = list
            .array()
            .iter()
            .find(|schema| schema.field("name").text() == "vimbiso.small")
            .expect("listed");
        assert_eq!(small.field_names(), ["name", "revision", "bytes", "states", "bindings"]);
        assert_eq!((small.field("revision").int(), small.field("states").int()), (1, 2));
        assert_eq!(small.field("bytes").int(), FLOW.len() as i64);
        let names: Vec<&str> = list.array().iter().map(|schema| schema.field("name").text()).collect();
        assert!(names.is_sorted(), "{names:?}");
    });
}

/// A stored document is validated against a new revision at its next write, not before.
#[test]
fn new_revision_is_checked_at_the_next_write() {
    state_test(|_, client| {
        first_contact(client);
        let stricter = FLOW.replace(r#""required":["channel"]"#, r#""required":["channel","dashboard"]"#);
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.small", &stricter]);
        let meta = client.ok(&["STATE.META", KEY]);
        assert_eq!((meta.field("valid").int(), meta.field("revision").int()), (0, 1));
        let line = client.err(&["STATE.UPDATE", KEY, "1", r#"{"current":{"path":"offer"}}"#]);
        assert_eq!(line, r#"INVALID 1 violation: (root): required member "dashboard" is missing"#);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"dashboard":{}}"#]);
        let meta = client.ok(&["STATE.META", KEY]);
        assert_eq!((meta.field("valid").int(), meta.field("revision").int()), (1, 2));
    });
}

/// A schema in use is deleted only by force; its states then report it at their next write.
#[test]
fn schema_in_use_is_not_deleted() {
    state_test(|_, client| {
        let etag = first_contact(client);
        let line = client.err(&["STATE.SCHEMA", "DEL", "vimbiso.small"]);
        assert!(line.starts_with("BADSCHEMA 1 state uses vimbiso.small"), "{line}");
        assert_eq!(client.ok(&["STATE.SCHEMA", "DEL", "vimbiso.small", "FORCE"]), Reply::Int(1));
        for line in [
            client.err(&["STATE.UPDATE", KEY, "1", r#"{"dashboard":{}}"#]),
            client.err(&["STATE.ROLLBACK", KEY, "1"]),
            client.err(&["STATE.SCHEMA", "DEL", "vimbiso.small"]),
        ] {
            assert!(line.starts_with("NOSCHEMA no schema is named vimbiso.small"), "{line}");
        }
        assert_eq!(client.ok(&["STATE.META", KEY]).field("valid").int(), 0);
        assert_eq!(client.state(KEY).0, etag);
        // The session can still be extended.
        assert_eq!(client.ok(&["STATE.TOUCH", KEY]), Reply::Int(1));
    });
}

/// S38: every violation with its pointer, without storing anything.
#[test]
fn validate_lists_every_violation() {
    state_test(|_, client| {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.small", FLOW]);
        assert_eq!(
            client.ok(&["STATE.VALIDATE", "vimbiso.small", FIRST_CONTACT]),
            Reply::Simple("OK".into())
        );
        let wrong = r#"{"channel":{"type":"sms"},"current":{"data":{"amount":0}},"value":{}}"#;
        let line = client.err(&["STATE.VALIDATE", "vimbiso.small", wrong]);
        assert!(line.starts_with("INVALID 4 violations: "), "{line}");
        for pointer in ["/channel: ", "/channel/type: ", "/current/data/amount: ", "(root): "] {
            assert!(line.contains(pointer), "{pointer} in {line}");
        }
        assert_eq!(
            client.err(&["STATE.VALIDATE", "vimbiso.small", "7"]),
            "INVALID 1 violation: (root): must be an object"
        );
        assert!(client.err(&["STATE.VALIDATE", "vimbiso.none", "{}"]).starts_with("NOSCHEMA "));
        assert!(client.err(&["STATE.VALIDATE", "vimbiso.small", "{"]).starts_with("BADJSON at byte 1: "));
        assert_eq!(client.ok(&["DBSIZE"]), Reply::Int(0));
    });
}
