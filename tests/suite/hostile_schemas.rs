//! Schemas that attack: each is refused before it costs anything, or answers in time; the registry stays as it was.

use std::time::{Duration, Instant};

use crate::standing::{KEY, refused, server_with_an_offer};
use support::{Client, Reply, Server};

/// Far above what a check takes on a busy machine, far below what these schemas would take unchecked.
const PATIENCE: Duration = Duration::from_secs(5);

/// The schema is refused, in time, and the one that was there before still counts.
#[track_caller]
fn refuses(server: &Server, client: &mut Client, schema: &str) -> String {
    let begun = Instant::now();
    let line = refused(server, client, &["STATE.SCHEMA", "SET", "vimbiso.offer", schema], "BADSCHEMA");
    assert!(begun.elapsed() < PATIENCE, "{line} took {:?}", begun.elapsed());
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
fn what_is_no_schema_is_refused_with_its_place() {
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
        let line = refuses(&server, &mut client, schema);
        assert!(line.starts_with(&format!("BADSCHEMA {place}: ")), "{schema}: {line}");
    }
}

#[test]
fn nothing_is_fetched_over_network_or_file() {
    let (server, mut client) = server_with_a_schema();
    // A listener that would see a connection, and a file that would be found.
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.set_nonblocking(true).expect("a socket option");
    let port = listener.local_addr().expect("an address").port();
    std::fs::write(server.dir().join("remote.json"), "{}").expect("a file in a folder of ours");
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
            refuses(&server, &mut client, &format!(r#"{{"properties":{{"a":{{"{keyword}":"{target}"}}}}}}"#));
        }
        refuses(&server, &mut client, &format!(r#"{{"$schema":"{target}x"}}"#));
    }
    refuses(&server, &mut client, r##"{"$ref":"#/$defs/none"}"##);
    refuses(&server, &mut client, r##"{"$ref":"#none"}"##);
    let connection = listener.accept().map(|_connected| ()).map_err(|error| error.kind());
    assert_eq!(connection, Err(std::io::ErrorKind::WouldBlock), "a schema made the server open a connection");
}

#[test]
fn what_multiplies_is_refused() {
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
        refuses(&server, &mut client, &doubling(keyword, 26));
        refuses(&server, &mut client, &doubling(keyword, 200));
    }
    // One level of the document doubles too.
    refuses(&server, &mut client, r##"{"properties":{"a":{"allOf":[{"$ref":"#"},{"$ref":"#"}]}}}"##);
    refuses(&server, &mut client, r##"{"additionalProperties":{"anyOf":[{"$ref":"#"},{"$ref":"#"}]}}"##);
    // A reference that leads back to itself without going down.
    refuses(&server, &mut client, r##"{"$ref":"#"}"##);
    refuses(&server, &mut client, r##"{"allOf":[{"$ref":"#"}]}"##);
    refuses(
        &server,
        &mut client,
        r##"{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"}"##,
    );
}

#[test]
fn a_schema_is_limited_in_bytes_depth_and_number_of_subschemas() {
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
        refuses(&server, &mut client, &bad);
    }
    let deep_all_of = format!("{}true{}", r#"{"allOf":["#.repeat(3000), "]}".repeat(3000));
    refuses(&server, &mut client, &deep_all_of);
}

#[test]
fn regular_expressions_run_in_linear_time() {
    let (server, mut client) = server_with_a_schema();
    for unsupported in
        [r"(?=x)", r"(?<!x)y", r"(a)\\1", "(", "[", "a{2,1}", "a{1000}{1000}{1000}", "(?P<a", r"\\p{Nope}"]
    {
        refuses(
            &server,
            &mut client,
            &format!(r#"{{"properties":{{"handle":{{"pattern":"{unsupported}"}}}}}}"#),
        );
        refuses(&server, &mut client, &format!(r#"{{"patternProperties":{{"{unsupported}":{{}}}}}}"#));
    }
    // Each of these takes a backtracking engine longer than the universe has.
    let victim = format!("{}!", "a".repeat(50_000));
    for pattern in ["^(a+)+$", "^(a|aa)+$", "^(a|a?)+$", "^(.*a){12}$", "^([a-z]+)*$", "(x+x+)+y"] {
        let schema = format!(r#"{{"properties":{{"handle":{{"pattern":"{pattern}"}}}}}}"#);
        client.ok(&["STATE.SCHEMA", "SET", "patterned", &schema]);
        let begun = Instant::now();
        let json = format!(r#"{{"handle":"{victim}"}}"#);
        let reply = client.call(&["STATE.VALIDATE", "patterned", &json]);
        assert!(matches!(reply, Reply::Error(line) if line.starts_with("INVALID ")), "{pattern}");
        assert!(begun.elapsed() < PATIENCE, "{pattern} took {:?}", begun.elapsed());
    }
}

#[test]
fn unusual_schemas_that_are_allowed_answer_in_time() {
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
            assert!(begun.elapsed() < PATIENCE, "{schema} took {:?}", begun.elapsed());
        }
    }
}

#[test]
fn a_document_with_a_thousand_violations_gets_a_short_answer() {
    let (server, mut client) = server_with_a_schema();
    client.ok(&["STATE.SCHEMA", "SET", "texts", r#"{"additionalProperties":{"type":"string"}}"#]);
    let members = (0..5_000).map(|n| format!("\"m{n}\":{n}")).collect::<Vec<_>>().join(",");
    let line =
        refused(&server, &mut client, &["STATE.VALIDATE", "texts", &format!("{{{members}}}")], "INVALID");
    assert!(line.matches("; /").count() == 9 && line.contains("; and "), "ten are spelled out: {line}");
    assert!(line.len() < 4096, "{} bytes", line.len());
}

#[test]
fn only_so_many_schemas_are_kept() {
    let (server, mut client) = server_with_a_schema();
    for number in 1..1024 {
        client.ok(&["STATE.SCHEMA", "SET", &format!("schema-{number}"), "{}"]);
    }
    refused(&server, &mut client, &["STATE.SCHEMA", "SET", "one-too-many", "{}"], "BADSCHEMA");
    // One that is there already may still change, and a place that becomes free may be taken.
    assert_eq!(client.ok(&["STATE.SCHEMA", "SET", "schema-1", "true"]).int(), 2);
    client.ok(&["STATE.SCHEMA", "DEL", "schema-2"]);
    client.ok(&["STATE.SCHEMA", "SET", "one-too-many", "{}"]);
    assert_eq!(client.ok(&["STATE.SCHEMA", "LIST"]).array().len(), 1024);
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#]);
}

#[test]
fn a_schema_in_use_is_not_taken_away_by_mistake() {
    let (server, mut client) = server_with_a_schema();
    client.ok(&["STATE.UPDATE", "channel:a", "0", r#"{"amount":1}"#, "SCHEMA", "vimbiso.offer"]);
    refused(&server, &mut client, &["STATE.SCHEMA", "DEL", "vimbiso.offer"], "BADSCHEMA");
    refused(&server, &mut client, &["STATE.SCHEMA", "DEL", "vimbiso.menu"], "NOSCHEMA");
    refused(
        &server,
        &mut client,
        &["STATE.UPDATE", "channel:a", "1", "{}", "SCHEMA", "vimbiso.menu"],
        "BADSCHEMA|NOSCHEMA",
    );
    refused(&server, &mut client, &["STATE.UPDATE", KEY, "1", "{}", "SCHEMA", "vimbiso.offer"], "BADSCHEMA");
    assert_eq!(client.ok(&["STATE.SCHEMA", "DEL", "vimbiso.offer", "FORCE"]).int(), 1);
    refused(&server, &mut client, &["STATE.UPDATE", "channel:a", "1", r#"{"amount":2}"#], "NOSCHEMA");
    assert_eq!(client.ok(&["STATE.META", "channel:a"]).field("valid").int(), 0);
    // Reads go on, and the state can be rescued by setting the schema again, or be deleted.
    assert_eq!(client.state("channel:a").1, r#"{"amount":1}"#);
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.offer", GOOD]);
    client.ok(&["STATE.UPDATE", "channel:a", "1", r#"{"amount":2}"#]);
}
