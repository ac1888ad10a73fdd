//! Which annotations a schema may have, and the pointer in the error of a rejected one (S38).

use support::{Reply, state_test};

/// A schema, the pointer in its error, and a word of the reason.
const WRONG: &[(&str, &str, &str)] = &[
    (r#"{"properties":{"auth":{"x-secret":"yes"}}}"#, "/properties/auth/x-secret", "true or false"),
    (r#"{"properties":{"auth":{"x-protected":1}}}"#, "/properties/auth/x-protected", "true or false"),
    (r#"{"properties":{"auth":{"x-immutable":null}}}"#, "/properties/auth/x-immutable", "true or false"),
    (r#"{"x-protected":true}"#, "/x-protected", "members"),
    (r#"{"x-immutable":true}"#, "/x-immutable", "members"),
    (r##"{"$ref":"#/$defs/a","$defs":{"a":{"x-secret":true}}}"##, "/x-secret", "members"),
    (
        r#"{"properties":{"accounts":{"items":{"x-secret":true}}}}"#,
        "/properties/accounts/items/x-secret",
        "element",
    ),
    (
        r#"{"properties":{"accounts":{"items":{"properties":{"pin":{"x-protected":true}}}}}}"#,
        "/properties/accounts/items/properties/pin/x-protected",
        "element",
    ),
    (
        r#"{"properties":{"a":{"prefixItems":[{"x-immutable":true}]}}}"#,
        "/properties/a/prefixItems/0/x-immutable",
        "element",
    ),
    (
        r##"{"properties":{"a":{"contains":{"$ref":"#/$defs/pin"}}},"$defs":{"pin":{"x-secret":true}}}"##,
        "/$defs/pin/x-secret",
        "element",
    ),
    (r#"{"additionalProperties":{"x-secret":true}}"#, "/additionalProperties/x-secret", "some documents"),
    (r#"{"patternProperties":{"^t":{"x-secret":true}}}"#, "/patternProperties/^t/x-secret", "some documents"),
    (
        r#"{"anyOf":[{"properties":{"a":{"x-secret":true}}}]}"#,
        "/anyOf/0/properties/a/x-secret",
        "some documents",
    ),
    (
        r#"{"oneOf":[{"properties":{"a":{"x-protected":true}}}]}"#,
        "/oneOf/0/properties/a/x-protected",
        "some documents",
    ),
    (
        r#"{"if":true,"then":{"properties":{"a":{"x-immutable":true}}}}"#,
        "/then/properties/a/x-immutable",
        "some documents",
    ),
    (r#"{"not":{"properties":{"a":{"x-secret":true}}}}"#, "/not/properties/a/x-secret", "some documents"),
    (
        r#"{"dependentSchemas":{"a":{"properties":{"b":{"x-secret":true}}}}}"#,
        "/dependentSchemas/a/properties/b/x-secret",
        "some documents",
    ),
    (r#"{"properties":{"stage":{"x-transitions":[]}}}"#, "/properties/stage/x-transitions", "object"),
    (
        r#"{"properties":{"stage":{"x-transitions":{"initial":["a"]}}}}"#,
        "/properties/stage/x-transitions/allow",
        "object",
    ),
    (
        r#"{"properties":{"stage":{"x-transitions":{"allow":{}}}}}"#,
        "/properties/stage/x-transitions",
        "initial",
    ),
    (
        r#"{"properties":{"stage":{"x-transitions":{"initial":[1],"allow":{}}}}}"#,
        "/properties/stage/x-transitions/initial",
        "strings",
    ),
    (
        r#"{"properties":{"stage":{"x-transitions":{"initial":[],"allow":{},"form":1}}}}"#,
        "/properties/stage/x-transitions/form",
        "by, initial or allow",
    ),
    (
        r#"{"properties":{"stage":{"type":"object","x-transitions":{"initial":[],"allow":{}}}}}"#,
        "/properties/stage/x-transitions",
        "without by on a string",
    ),
    (
        r#"{"properties":{"stage":{"type":"string","x-transitions":{"by":["a"],"initial":[],"allow":{}}}}}"#,
        "/properties/stage/x-transitions",
        "with by it stands on an object",
    ),
    (
        r#"{"properties":{"stage":{"default":"form","x-transitions":{"initial":["menu"],"allow":{}}}}}"#,
        "/properties/stage",
        "initial",
    ),
    (
        r#"{"default":{"stage":"form"},"properties":{"stage":{"x-transitions":{"initial":["menu"],"allow":{}}}}}"#,
        "/properties/stage",
        "initial",
    ),
    (
        r#"{"properties":{"step":{"x-transitions":{"by":["pin"],"initial":[],"allow":{}},"properties":{"pin":{"x-secret":true}}}}}"#,
        "/properties/step",
        "secret",
    ),
    (
        r#"{"properties":{"step":{"x-secret":true,"x-transitions":{"initial":[],"allow":{}}}}}"#,
        "/properties/step",
        "secret",
    ),
    (r#"{"x-bind":"channel:*"}"#, "/x-bind", "array"),
    (r#"{"x-bind":[""]}"#, "/x-bind", "1 to 128"),
    (r#"{"x-bind":[7]}"#, "/x-bind", "array"),
    (r#"{"x-bind":["channel:\b*"]}"#, "/x-bind", "control characters"),
];

#[test]
fn invalid_annotation_is_rejected_with_its_pointer() {
    state_test(|_, client| {
        for (schema, pointer, reason) in WRONG {
            let error = client.err(&["STATE.SCHEMA", "SET", "vimbiso.wrong", schema]);
            assert!(error.starts_with(&format!("BADSCHEMA {pointer}: ")), "{schema}: {error}");
            assert!(error.contains(reason), "{schema}: {error}");
        }
        assert_eq!(client.ok(&["STATE.SCHEMA", "GET", "vimbiso.wrong"]), Reply::Nil);
    });
}

/// The search for annotations is bounded: a small schema that references the same subschemas again
/// and again is rejected.
#[test]
fn schema_with_too_many_referenced_subschemas_is_rejected() {
    state_test(|_, client| {
        let names =
            |count: usize, name: &str| (0..count).map(|n| format!(r#""{name}{n}":"#)).collect::<Vec<_>>();
        let big = vec![r##"{"$ref":"#/$defs/pin"}"##; 400].join(",");
        let members: Vec<String> =
            names(500, "p").iter().map(|name| format!(r##"{name}{{"$ref":"#/$defs/big"}}"##)).collect();
        let wide = format!(
            r#"{{"properties":{{{}}},"$defs":{{"big":{{"allOf":[{big}]}},"pin":{{"x-secret":true}}}}}}"#,
            members.join(",")
        );
        let links: Vec<String> =
            (0..300).map(|n| format!(r##""d{n}":{{"$ref":"#/$defs/d{}"}}"##, n + 1)).collect();
        let members: Vec<String> =
            names(600, "p").iter().map(|name| format!(r##"{name}{{"$ref":"#/$defs/d0"}}"##)).collect();
        let long = format!(
            r#"{{"properties":{{{}}},"$defs":{{{},"d300":{{"x-secret":true}}}}}}"#,
            members.join(","),
            links.join(",")
        );
        for schema in [wide, long] {
            let error = client.err(&["STATE.SCHEMA", "SET", "vimbiso.wide", &schema]);
            assert_eq!(error, "BADSCHEMA (root): its references lead to more than 10000 subschemas");
        }
    });
}

/// Members named like annotations are ordinary members; annotations in unreferenced definitions
/// have no effect.
#[test]
fn members_may_be_named_like_annotations() {
    state_test(|_, client| {
        for schema in [
            r#"{"properties":{"x-secret":{"type":"string"},"items":{"properties":{"x-protected":true}}}}"#,
            r#"{"$defs":{"pin":{"x-secret":true}},"items":{"type":"string"}}"#,
            r#"{"properties":{"a":{"x-secret":false,"items":{"const":{"x-secret":true}}}}}"#,
            r#"{"properties":{"accounts":{"x-protected":true,"items":{"type":"object"}}}}"#,
        ] {
            client.ok(&["STATE.SCHEMA", "SET", "vimbiso.right", schema]);
        }
    });
}

/// The annotations of a recursive schema apply at every depth.
#[test]
fn recursive_schema_protects_at_every_depth() {
    state_test(|_, client| {
        let tree = r##"{"properties":{"owner":{"x-protected":true},"next":{"$ref":"#"}}}"##;
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.tree", tree]);
        let key = crate::KEY;
        client.ok(&[
            "STATE.UPDATE",
            key,
            "0",
            r#"{"next":{"next":{"next":{"name":"x"}}}}"#,
            "SCHEMA",
            "vimbiso.tree",
        ]);
        let deep = r#"{"next":{"next":{"next":{"owner":"me"}}}}"#;
        let error =
            crate::rejected(client, &["STATE.UPDATE", key, "1", deep], "PROTECTED /next/next/next/owner");
        assert!(error.contains("STATE.SETPROTECTED"), "{error}");
        client.ok(&["STATE.SETPROTECTED", key, "1", deep]);
        crate::rejected(
            client,
            &["STATE.UPDATE", key, "2", r#"{"next":null}"#],
            "PROTECTED /next/next/next/owner",
        );
    });
}
