//! Hostile JSON on every input: the server process survives, replies an error with the right
//! prefix, and nothing has changed. Unusual JSON that is kept exactly is in `lossless.rs`.
//!
//! Not a fuzzer alone: it finds crashes, but can't tell which error is the right one.

use crate::baseline::{KEY, OFFER, number, rejected, server_with_an_offer};
use support::{Client, Server, state_test};

/// Gives `json` to every command that reads a document; each must fail with `prefix`.
#[track_caller]
fn rejected_everywhere(server: &Server, client: &mut Client, json: &[u8], prefix: &str) {
    for kind in ["MERGE", "SHALLOW", "PATCH", "REPLACE"] {
        rejected(server, client, &[b"STATE.UPDATE", KEY.as_bytes(), b"*", json, kind.as_bytes()], prefix);
    }
    rejected(server, client, &[&b"STATE.UPDATE"[..], b"channel:+263770000000", b"0", json], prefix);
    rejected(server, client, &[&b"STATE.VALIDATE"[..], b"open", json], prefix);
}

fn server_with_a_schema() -> (Server, Client) {
    let (server, mut client) = server_with_an_offer();
    client.ok(&["STATE.SCHEMA", "SET", "open", "{}"]);
    (server, client)
}

#[test]
fn invalid_json_is_rejected() {
    let (server, mut client) = server_with_a_schema();
    let texts: [&[u8]; 44] = [
        b"",
        b" ",
        b"\0",
        b"{",
        b"}",
        b"{}}",
        b"{} {}",
        b"{,}",
        br#"{"stage"}"#,
        br#"{"stage":}"#,
        br#"{"stage":1,}"#,
        br#"{stage:1}"#,
        b"{'stage':1}",
        br#"{"stage" 1}"#,
        br#"{"stage":1 "option":2}"#,
        br#"{"a":[1,]}"#,
        br#"{"a":[1 2]}"#,
        br#"{"a":[1}"#,
        br#"{"a":nul}"#,
        br#"{"a":True}"#,
        br#"{"a":NaN}"#,
        br#"{"a":-Infinity}"#,
        br#"{"amount":01}"#,
        br#"{"amount":+1}"#,
        br#"{"amount":1.}"#,
        br#"{"amount":.5}"#,
        br#"{"amount":1e}"#,
        br#"{"amount":1e+}"#,
        br#"{"amount":-}"#,
        br#"{"amount":0x10}"#,
        br#"{"amount":1_000}"#,
        br#"{"a":"\x41"}"#,
        br#"{"a":"\u12"}"#,
        br#"{"a":"\u12g4"}"#,
        b"{\"a\":\"\n\"}",
        b"{\"a\":\"\0\"}",
        b"{\"a\":\"\x1f\"}",
        b"{\"a\":1}\0",
        b"\xef\xbb\xbf{}",
        b"{/* menu */}",
        b"// menu\n{}",
        b"\x0b{}",
        b"{\"a\":\"\\\"}",
        b"\xc2\xa0{}",
    ];
    for text in texts {
        rejected_everywhere(&server, &mut client, text, "BADJSON");
        rejected(&server, &mut client, &[&b"STATE.SCHEMA"[..], b"SET", b"open", text], "BADJSON");
    }
}

#[test]
fn invalid_utf8_is_rejected() {
    let (server, mut client) = server_with_a_schema();
    let bytes: [&[u8]; 9] = [
        b"\xff",
        b"\xfe\xff",
        b"\xc3",
        b"\xc3\x28",
        b"\xc0\x80",
        b"\xe0\x80\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xf0\x9f\x98",
    ];
    for bad in bytes {
        for text in
            [[b"{\"firstname\":\"", bad, b"\"}"].concat(), [b"{\"", bad, b"\":1}"].concat(), bad.to_vec()]
        {
            rejected_everywhere(&server, &mut client, &text, "BADJSON");
            rejected(&server, &mut client, &[&b"STATE.SCHEMA"[..], b"SET", b"open", &text[..]], "BADJSON");
        }
    }
}

#[test]
fn lone_surrogate_is_rejected() {
    let (server, mut client) = server_with_a_schema();
    for escape in
        [r"\ud800", r"\udc00", r"\ud83d\ud83d", r"\udc00\ud83d", r"\ud83dx", r"\uD83D\n", r"\ud83d\u0041"]
    {
        rejected_everywhere(
            &server,
            &mut client,
            format!(r#"{{"firstname":"{escape}"}}"#).as_bytes(),
            "BADJSON",
        );
        rejected_everywhere(&server, &mut client, format!(r#"{{"{escape}":1}}"#).as_bytes(), "BADJSON");
    }
}

#[test]
fn every_truncated_document_is_rejected() {
    let (server, mut client) = server_with_a_schema();
    for len in 0..OFFER.len() {
        rejected(&server, &mut client, &["STATE.UPDATE", KEY, "*", &OFFER[..len], "REPLACE"], "BADJSON");
    }
}

#[test]
fn a_million_nested_levels_are_rejected() {
    let (server, mut client) = server_with_a_schema();
    let arrays = "[".repeat(1_000_000);
    let objects = r#"{"a":"#.repeat(1_000_000);
    let closed = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
    let patch = format!(r#"[{{"op":"add","path":"/current","value":{arrays}"#);
    for text in [&arrays, &closed, &patch] {
        rejected_everywhere(&server, &mut client, text.as_bytes(), "TOODEEP");
    }
    rejected_everywhere(&server, &mut client, objects.as_bytes(), "TOOBIG");
    client.ok(&["CONFIG", "SET", "state.max-bytes", "16mb"]);
    rejected_everywhere(&server, &mut client, objects.as_bytes(), "TOODEEP");
    rejected(&server, &mut client, &["STATE.SCHEMA", "SET", "open", &arrays], "BADSCHEMA");
    rejected(&server, &mut client, &["STATE.SCHEMA", "SET", "open", &arrays[..60_000]], "BADSCHEMA");
}

/// `{"a":[[…]]}`, `depth` containers in each other.
fn nested(depth: usize) -> String {
    format!(r#"{{"a":{}{}}}"#, "[".repeat(depth - 1), "]".repeat(depth - 1))
}

#[test]
fn depth_is_limited_to_64_on_every_input() {
    state_test(|server, client| {
        client.ok(&["STATE.SCHEMA", "SET", "open", "{}"]);
        let objects = |depth: usize| format!("{}{{}}{}", r#"{"a":"#.repeat(depth - 1), "}".repeat(depth - 1));
        client.ok(&["STATE.UPDATE", KEY, "0", "{}"]);
        for kind in ["MERGE", "SHALLOW", "REPLACE"] {
            for text in [nested(63), nested(64), objects(63), objects(64)] {
                client.ok(&["STATE.UPDATE", KEY, "*", &text, kind]);
                assert_eq!(client.state(KEY).1, text);
                client.ok(&["STATE.UPDATE", KEY, "*", "{}", "REPLACE"]);
            }
            rejected(server, client, &["STATE.UPDATE", KEY, "*", &nested(65), kind], "TOODEEP");
            rejected(server, client, &["STATE.UPDATE", KEY, "*", &objects(65), kind], "TOODEEP");
        }
        client.ok(&["STATE.VALIDATE", "open", &nested(64)]);
        rejected(server, client, &["STATE.VALIDATE", "open", &nested(65)], "TOODEEP");
        // A patch wraps its value in two containers; the result's depth counts, not the patch's.
        let patch = |path: &str, depth: usize| {
            let value = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            format!(r#"[{{"op":"add","path":"{path}","value":{value}}}]"#)
        };
        client.ok(&["STATE.UPDATE", KEY, "*", &patch("/a", 63), "PATCH"]);
        rejected(server, client, &["STATE.UPDATE", KEY, "*", &patch("/a", 64), "PATCH"], "TOODEEP");
        rejected(server, client, &["STATE.UPDATE", KEY, "*", &patch("/a/0", 63), "PATCH"], "TOODEEP");
        rejected(server, client, &["STATE.UPDATE", KEY, "*", &patch("/a", 65), "PATCH"], "TOODEEP");
    });
}

/// A document of exactly `bytes` bytes.
fn sized(bytes: usize) -> String {
    let frame = r#"{"note":""}"#.len();
    format!(r#"{{"note":"{}"}}"#, "x".repeat(bytes - frame))
}

#[test]
fn size_is_limited_for_the_json_and_for_the_result() {
    state_test(|server, client| {
        client.ok(&["STATE.SCHEMA", "SET", "open", "{}"]);
        client.ok(&["STATE.UPDATE", KEY, "0", "{}"]);
        for limit in [1024, 1024 * 1024] {
            client.ok(&["CONFIG", "SET", "state.max-bytes", &limit.to_string()]);
            for bytes in [limit - 1, limit] {
                client.ok(&["STATE.UPDATE", KEY, "*", &sized(bytes), "REPLACE"]);
                assert_eq!(client.state(KEY).1.len(), bytes);
            }
            let line =
                rejected(server, client, &["STATE.UPDATE", KEY, "*", &sized(limit + 1), "REPLACE"], "TOOBIG");
            assert!(line.contains("state.max-bytes") && line.contains(&limit.to_string()), "{line}");
            rejected(server, client, &["STATE.VALIDATE", "open", &sized(limit + 1)], "TOOBIG");
            // The argument counts as sent, with its whitespace; the result counts however small the
            // change.
            rejected(server, client, &["STATE.UPDATE", KEY, "*", &(" ".repeat(limit - 1) + "{}")], "TOOBIG");
            rejected(server, client, &["STATE.UPDATE", KEY, "*", r#"{"amount":5}"#], "TOOBIG");
            let patch = r#"[{"op":"add","path":"/amount","value":5}]"#;
            rejected(server, client, &["STATE.UPDATE", KEY, "*", patch, "PATCH"], "TOOBIG");
            client.ok(&["STATE.UPDATE", KEY, "*", r#"{"note":null}"#]);
        }
        client.ok(&["CONFIG", "SET", "state.max-bytes", "1mb"]);
    });
}

#[test]
fn document_that_is_not_an_object_is_rejected() {
    let (server, mut client) = server_with_a_schema();
    let patch = |json: &str| format!(r#"[{{"op":"replace","path":"","value":{json}}}]"#);
    for json in ["[]", "1", "\"offer\"", "null", "true", "[{}]"] {
        for kind in ["MERGE", "SHALLOW", "REPLACE"] {
            let line = rejected(&server, &mut client, &["STATE.UPDATE", KEY, "*", json, kind], "INVALID");
            assert!(line.starts_with("INVALID 1 violation: (root): must be an object"), "{line}");
        }
        rejected(&server, &mut client, &["STATE.UPDATE", KEY, "*", &patch(json), "PATCH"], "INVALID");
        rejected(&server, &mut client, &["STATE.VALIDATE", "open", json], "INVALID");
    }
}

#[test]
fn doubling_patch_stops_at_the_size_limit() {
    let (server, mut client) = server_with_an_offer();
    let operations = |copy: &str| format!("[{}]", vec![copy; 60].join(","));
    let whole = operations(r#"{"op":"copy","from":"","path":"/current"}"#);
    let wide = operations(r#"{"op":"copy","from":"/dashboard","path":"/dashboard/accounts/-"}"#);
    let begun = std::time::Instant::now();
    rejected(&server, &mut client, &["STATE.UPDATE", KEY, "*", &whole, "PATCH"], "TOODEEP");
    rejected(&server, &mut client, &["STATE.UPDATE", KEY, "*", &wide, "PATCH"], "TOOBIG");
    client.ok(&["CONFIG", "SET", "state.max-bytes", "64mb"]);
    client.ok(&["CONFIG", "SET", "state.max-depth", "128"]);
    rejected(&server, &mut client, &["STATE.UPDATE", KEY, "*", &wide, "PATCH"], "TOOCOSTLY|TOOBIG");
    // Many cheap operations, each of which moves a long array.
    let list = format!(r#"{{"list":[{}]}}"#, vec!["0"; 100_000].join(","));
    client.ok(&["STATE.UPDATE", KEY, "*", &list, "REPLACE"]);
    let shifts = vec![r#"{"op":"add","path":"/list/0","value":0}"#; 20_000].join(",");
    rejected(&server, &mut client, &["STATE.UPDATE", KEY, "*", &format!("[{shifts}]"), "PATCH"], "TOOCOSTLY");
    assert!(begun.elapsed().as_secs() < 20, "patch bombs took {:?}", begun.elapsed());
    let peak = number(&mut client, "memory", "used_memory_peak");
    assert!(peak < 1024 * 1024 * 1024, "patch bombs made the server use {peak} bytes");
}
