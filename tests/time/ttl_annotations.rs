//! Where `x-ttl` is allowed: a schema with a misplaced one is rejected with the pointer.

use support::state_test;

#[test]
fn misplaced_ttl_is_rejected_with_its_pointer() {
    state_test(|_, client| {
        for (schema, pointer, reason) in [
            (r#"{"properties":{"token":{"x-ttl":0}}}"#, "/properties/token/x-ttl", "above 0"),
            (r#"{"properties":{"token":{"x-ttl":"300"}}}"#, "/properties/token/x-ttl", "a number"),
            (r#"{"properties":{"token":{"x-sliding":true}}}"#, "/properties/token/x-sliding", "beside x-ttl"),
            (
                r#"{"properties":{"token":{"x-ttl":300,"x-sliding":1}}}"#,
                "/properties/token/x-sliding",
                "true or false",
            ),
            (
                r#"{"properties":{"token":{"x-ttl":300,"x-immutable":true}}}"#,
                "/properties/token/x-ttl",
                "x-immutable",
            ),
            (
                r#"{"properties":{"token":{"x-ttl":300,"allOf":[{"x-immutable":true}]}}}"#,
                "/properties/token/x-ttl",
                "x-immutable",
            ),
            (
                r#"{"required":["token"],"properties":{"token":{"x-ttl":300}}}"#,
                "/properties/token/x-ttl",
                "required",
            ),
            (
                r#"{"allOf":[{"required":["token"]}],"properties":{"token":{"x-ttl":300}}}"#,
                "/properties/token/x-ttl",
                "required",
            ),
            (
                r#"{"properties":{"rows":{"items":{"x-ttl":300}}}}"#,
                "/properties/rows/items/x-ttl",
                "no lasting place",
            ),
            (
                r#"{"anyOf":[{"properties":{"token":{"x-ttl":300}}}]}"#,
                "/anyOf/0/properties/token/x-ttl",
                "some documents",
            ),
        ] {
            let error = client.err(&["STATE.SCHEMA", "SET", "vimbiso.forms", schema]);
            assert!(
                error.starts_with(&format!("BADSCHEMA {pointer}: ")) && error.contains(reason),
                "{schema}: {error}"
            );
        }
        for schema in [
            r#"{"required":["step"],"properties":{"step":{"x-ttl":300,"default":"menu"}}}"#,
            r#"{"properties":{"rows":{"type":"array","x-ttl":0.5}}}"#,
            r##"{"properties":{"token":{"$ref":"#/$defs/token"}},"$defs":{"token":{"x-ttl":300,"x-sliding":false}}}"##,
        ] {
            client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", schema]);
        }
    });
}
