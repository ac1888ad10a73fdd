//! Hostile schemas: each is rejected before it costs anything, or answers in time; the registry is
//! unchanged.

use std::time::{Duration, Instant};

use crate::baseline::{KEY, rejected, server_with_an_offer};
use support::{Client, Reply, Server};

/// Far more than a check takes on a busy machine, far less than these schemas take unchecked.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// The schema is rejected in time, and the previous one still applies.
#[track_caller]
fn rejects(server: &Server, client: &mut Client, schema: &str) -> String {
    let begun = Instant::now();
    let line = rejected(server, client, &["STATE.SCHEMA", "SET", "vimbiso.offer", schema], "BADSCHEMA");
    assert!(begun.elapsed() < TIME_LIMIT, "{line} took {:?}", begun.elapsed());
    assert_eq!(client.text(&["STATE.SCHEMA", "GET", "vimbiso.offer"]), GOOD);
    line
}

const GOOD: &str = r#"{"type":"object","properties":{"amount":{"type":"number"}}}"#;

fn server_with_a_schema() -> (Server, Client) {
    let (server, mut client) = server_with_an_offer();
    assert_eq!(client.ok(&["STATE.SCHEMA", "SET", "vimbiso.offer", GOOD]).int(), 1);
    (server, client)
}

#[test]
fn invalid_schema_is_rejected_with_its_pointer() {
    let (server, mut client) = server_with_a_schema();
    for (schema, place) in [
        ("7", "(root)"),
        ("[]", "(root)"),
        ("\"object\"", "(root)"),
        ("null", "(root)"),
        (r#"{"type":"objekt"}"#, "/type"),
        (r#"{"properties":[]}"#, "/properties"),
        (r#"{"properties":{"amount":{"minimum":"0"}}}"#, "/properties/amount/minimum"),
        (r#"{"properties":{"a/b":{"minLength":-1}}}"#, "/properties/a~1b/minLength"),
        (r#"{"required":"channel"}"#, "/required"),
        (r#"{"x-ttl":0}"#, "/x-ttl"),
        (r#"{"x-ttl":-300}"#, "/x-ttl"),
        (r#"{"x-ttl":"300"}"#, "/x-ttl"),
        (r#"{"$schema":"http://json-schema.org/draft-04/schema#"}"#, "/$schema"),
    ] {
        let line = rejects(&server, &mut client, schema);
        assert!(line.starts_with(&format!("BADSCHEMA {place}: ")), "{schema}: {line}");
    }
}

#[test]
fn references_fetch_nothing_from_network_or_files() {
    let (server, mut client) = server_with_a_schema();
    // A listener that would see a connection, and a file that would be found.
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.set_nonblocking(true).expect("a socket option");
    let port = listener.local_addr().expect("an address").port();
    std::fs::write(server.dir().join("remote.json"), "{}").expect("a file in a temporary folder");
    let file = format!("file://{}", server.dir().join("remote.json").display());
    for target in [
        format!("http://127.0.0.1:{port}/schema.json"),
        format!("https://127.0.0.1:{port}/schema.json"),
        format!("//127.0.0.1:{port}/schema.json"),
        file,
        "file:///etc/passwd".to_owned(),
        "remote.json".to_owned(),
        "remote.json#/$defs/a".to_owned(),
        "urn:uuid:deadbeef-dead-beef-dead-beefdeadbeef".to_owned(),
        "https://json-schema.org/draft/2020-12/schema".to_owned(),
        "vimbiso.offer".to_owned(),
    ] {
        for keyword in ["$ref", "$dynamicRef", "$recursiveRef"] {
            rejects(&server, &mut client, &format!(r#"{{"properties":{{"a":{{"{keyword}":"{target}"}}}}}}"#));
        }
        rejects(&server, &mut client, &format!(r#"{{"$schema":"{target}x"}}"#));
    }
    rejects(&server, &mut client, r##"{"$ref":"#/$defs/none"}"##);
    rejects(&server, &mut client, r##"{"$ref":"#none"}"##);
    let connection = listener.accept().map(|_connected| ()).map_err(|error| error.kind());
    assert_eq!(connection, Err(std::io::ErrorKind::WouldBlock), "a schema made the server open a connection");
}

#[test]
fn references_that_multiply_work_are_rejected() {
    let (server, mut client) = server_with_a_schema();
    let doubling = |keyword: &str, levels: usize| {
        let level = |n: usize| {
            let next = n + 1;
            format!(r##""d{n}":{{"{keyword}":[{{"$ref":"#/$defs/d{next}"}},{{"$ref":"#/$defs/d{next}"}}]}}"##)
        };
        let levels_text = (0..levels).map(level).collect::<Vec<_>>().join(",");
        format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{levels_text},"d{levels}":{{}}}}}}"##)
    };
    for keyword in ["allOf", "anyOf", "oneOf"] {
        rejects(&server, &mut client, &doubling(keyword, 26));
        rejects(&server, &mut client, &doubling(keyword, 200));
    }
    // One level of the document doubles the work too.
    rejects(&server, &mut client, r##"{"properties":{"a":{"allOf":[{"$ref":"#"},{"$ref":"#"}]}}}"##);
    rejects(&server, &mut client, r##"{"additionalProperties":{"anyOf":[{"$ref":"#"},{"$ref":"#"}]}}"##);
    // A reference to itself that does not descend.
    rejects(&server, &mut client, r##"{"$ref":"#"}"##);
    rejects(&server, &mut client, r##"{"allOf":[{"$ref":"#"}]}"##);
    rejects(
        &server,
        &mut client,
        r##"{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"}"##,
    );
}

#[test]
fn schemas_are_limited_in_bytes_depth_and_subschemas() {
    let (server, mut client) = server_with_a_schema();
    let titled = |bytes: usize| format!(r#"{{"title":"{}"}}"#, "x".repeat(bytes - r#"{"title":""}"#.len()));
    let nested = |depth: usize| format!("{}true{}", r#"{"not":"#.repeat(depth), "}".repeat(depth));
    // The schema itself is one subschema.
    let wide = |count: usize| {
        let members = (1..count).map(|n| format!("\"m{n}\":true")).collect::<Vec<_>>();
        format!(r#"{{"properties":{{{}}}}}"#, members.join(","))
    };
    let limit = 64 * 1024;
    for good in [titled(limit - 1), titled(limit), nested(31), nested(32), wide(1023), wide(1024)] {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.large", &good]);
        assert_eq!(client.text(&["STATE.SCHEMA", "GET", "vimbiso.large"]), good);
    }
    for bad in
        [titled(limit + 1), titled(1_000_000), nested(33), nested(5_000), wide(1025), "[".repeat(60_000)]
    {
        rejects(&server, &mut client, &bad);
    }
    let deep_all_of = format!("{}true{}", r#"{"allOf":["#.repeat(3000), "]}".repeat(3000));
    rejects(&server, &mut client, &deep_all_of);
}

#[test]
fn regular_expressions_run_in_linear_time() {
    let (server, mut client) = server_with_a_schema();
    for unsupported in
        [r"(?=x)", r"(?<!x)y", r"(a)\\1", "(", "[", "a{2,1}", "a{1000}{1000}{1000}", "(?P<a", r"\\p{Nope}"]
    {
        rejects(
            &server,
            &mut client,
            &format!(r#"{{"properties":{{"handle":{{"pattern":"{unsupported}"}}}}}}"#),
        );
        rejects(&server, &mut client, &format!(r#"{{"patternProperties":{{"{unsupported}":{{}}}}}}"#));
    }
    // A backtracking engine would never finish any of these.
    let victim = format!("{}!", "a".repeat(50_000));
    for pattern in ["^(a+)+$", "^(a|aa)+$", "^(a|a?)+$", "^(.*a){12}$", "^([a-z]+)*$", "(x+x+)+y"] {
        let schema = format!(r#"{{"properties":{{"handle":{{"pattern":"{pattern}"}}}}}}"#);
        client.ok(&["STATE.SCHEMA", "SET", "patterned", &schema]);
        let begun = Instant::now();
        let json = format!(r#"{{"handle":"{victim}"}}"#);
        let reply = client.call(&["STATE.VALIDATE", "patterned", &json]);
        assert!(matches!(reply, Reply::Error(line) if line.starts_with("INVALID ")), "{pattern}");
        assert!(begun.elapsed() < TIME_LIMIT, "{pattern} took {:?}", begun.elapsed());
    }
}

#[test]
fn unusual_valid_schemas_answer_in_time() {
    let (_server, mut client) = server_with_a_schema();
    let schemas = [
        r##"{"properties":{"left":{"$ref":"#"},"right":{"$ref":"#"}}}"##,
        r##"{"additionalProperties":{"$ref":"#"},"items":{"$ref":"#"}}"##,
        r#"{"uniqueItems":true,"additionalProperties":{"uniqueItems":true}}"#,
        r#"{"properties":{"amount":{"multipleOf":1e-300}}}"#,
        r#"{"properties":{"amount":{"multipleOf":0.01,"maximum":1e400}}}"#,
        r#"{"unevaluatedProperties":{"unevaluatedProperties":{"not":{}}}}"#,
        r##"{"x-app-anything":{"$ref":"http://127.0.0.1/"},"default":{"$ref":"#/none"}}"##,
        "true",
    ];
    let tree = format!("{}{}{}", r#"{"left":"#.repeat(63), "{}", "}".repeat(63));
    let list = (0..20_000).map(|n| format!(r#"{{"offer":{n}}}"#)).collect::<Vec<_>>().join(",");
    let list = format!(r#"{{"offers":[{list}]}}"#);
    for schema in schemas {
        client.ok(&["STATE.SCHEMA", "SET", "unusual", schema]);
        for json in
            [&tree, &list, r#"{"amount":1e308}"#, r#"{"amount":1e400}"#, r#"{"amount":123456789.123456789}"#]
        {
            let begun = Instant::now();
            let reply = client.call(&["STATE.VALIDATE", "unusual", json]);
            let answered = match &reply {
                Reply::Error(line) => line.starts_with("INVALID "),
                reply => reply.text() == "OK",
            };
            assert!(answered, "{schema}: {reply:?}");
            assert!(begun.elapsed() < TIME_LIMIT, "{schema} took {:?}", begun.elapsed());
        }
    }
}

#[test]
fn a_thousand_violations_make_a_short_error() {
    let (server, mut client) = server_with_a_schema();
    client.ok(&["STATE.SCHEMA", "SET", "texts", r#"{"additionalProperties":{"type":"string"}}"#]);
    let members = (0..5_000).map(|n| format!("\"m{n}\":{n}")).collect::<Vec<_>>().join(",");
    let line =
        rejected(&server, &mut client, &["STATE.VALIDATE", "texts", &format!("{{{members}}}")], "INVALID");
    assert!(line.matches("; /").count() == 9 && line.contains("; and "), "ten are listed: {line}");
    assert!(line.len() < 4096, "{} bytes", line.len());
}

#[test]
fn number_of_schemas_is_limited() {
    let (server, mut client) = server_with_a_schema();
    for number in 1..1024 {
        client.ok(&["STATE.SCHEMA", "SET", &format!("schema-{number}"), "{}"]);
    }
    rejected(&server, &mut client, &["STATE.SCHEMA", "SET", "one-too-many", "{}"], "BADSCHEMA");
    // A present schema can still change, and a freed place can be reused.
    assert_eq!(client.ok(&["STATE.SCHEMA", "SET", "schema-1", "true"]).int(), 2);
    client.ok(&["STATE.SCHEMA", "DEL", "schema-2"]);
    client.ok(&["STATE.SCHEMA", "SET", "one-too-many", "{}"]);
    assert_eq!(client.ok(&["STATE.SCHEMA", "LIST"]).array().len(), 1024);
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#]);
}

#[test]
fn schema_in_use_is_deleted_only_by_force() {
    let (server, mut client) = server_with_a_schema();
    client.ok(&["STATE.UPDATE", "channel:a", "0", r#"{"amount":1}"#, "SCHEMA", "vimbiso.offer"]);
    rejected(&server, &mut client, &["STATE.SCHEMA", "DEL", "vimbiso.offer"], "BADSCHEMA");
    rejected(&server, &mut client, &["STATE.SCHEMA", "DEL", "vimbiso.menu"], "NOSCHEMA");
    rejected(
        &server,
        &mut client,
        &["STATE.UPDATE", "channel:a", "1", "{}", "SCHEMA", "vimbiso.menu"],
        "BADSCHEMA|NOSCHEMA",
    );
    rejected(&server, &mut client, &["STATE.UPDATE", KEY, "1", "{}", "SCHEMA", "vimbiso.offer"], "BADSCHEMA");
    assert_eq!(client.ok(&["STATE.SCHEMA", "DEL", "vimbiso.offer", "FORCE"]).int(), 1);
    rejected(&server, &mut client, &["STATE.UPDATE", "channel:a", "1", r#"{"amount":2}"#], "NOSCHEMA");
    assert_eq!(client.ok(&["STATE.META", "channel:a"]).field("valid").int(), 0);
    // Reads work; the state can be repaired by setting the schema again, or be deleted.
    assert_eq!(client.state("channel:a").1, r#"{"amount":1}"#);
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.offer", GOOD]);
    client.ok(&["STATE.UPDATE", "channel:a", "1", r#"{"amount":2}"#]);
}
