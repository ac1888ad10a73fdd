//! Keys of other types, keys whose audit stream can't be in their slot, and user text in error
//! lines.

use crate::baseline::{AUDIT, KEY, OFFER, rejected, server_with_an_offer};
use support::{state_test, words};

/// Every command that takes a key, with arguments that work on a state.
const ON_A_KEY: [&str; 11] = [
    "STATE.GET",
    "STATE.GET VERSION 1",
    "STATE.META",
    "STATE.HISTORY",
    "STATE.DIFF 1 1",
    "STATE.UPDATE * {}",
    "STATE.UPDATE 0 {} DRYRUN",
    "STATE.ROLLBACK *",
    "STATE.TOUCH",
    "STATE.DELETE *",
    "STATE.DELETE 1 PURGE",
];

/// A line of the table with the key inserted after the command's name.
fn on(line: &str, key: &[u8]) -> Vec<Vec<u8>> {
    let mut args = words(line);
    args.insert(1, key.to_vec());
    args
}

#[test]
fn state_commands_reject_keys_of_other_types() {
    let (server, mut client) = server_with_an_offer();
    client.ok(&["SET", "user:{+263771234567}:name", "Tariro"]);
    client.ok(&["HSET", "session:{+263771234567}:data", "lang", "en"]);
    client.ok(&["RPUSH", "queue:offers", "ofr_1"]);
    client.ok(&["SADD", "members", "mem_49d439536b32"]);
    client.ok(&["ZADD", "balances", "812.5", "mem_49d439536b32"]);
    client.ok(&["XADD", "log", "*", "event", "login"]);
    client.ok(&["PFADD", "visitors", "+263771234567"]);
    for key in [
        "user:{+263771234567}:name",
        "session:{+263771234567}:data",
        "queue:offers",
        "members",
        "balances",
        "log",
    ] {
        for line in ON_A_KEY {
            rejected(&server, &mut client, &on(line, key.as_bytes()), "WRONGTYPE");
        }
    }
    for line in ON_A_KEY {
        rejected(&server, &mut client, &on(line, b"visitors"), "WRONGTYPE");
        rejected(&server, &mut client, &on(line, AUDIT.as_bytes()), "WRONGTYPE");
    }
}

#[test]
fn other_commands_reject_a_state() {
    let (server, mut client) = server_with_an_offer();
    client.ok(&["SET", "token:+263771234567", "tok_a4c1"]);
    let lines = [
        "GET",
        "GETDEL",
        "GETEX",
        "APPEND x",
        "STRLEN",
        "INCR",
        "SETRANGE 0 x",
        "GETRANGE 0 1",
        "BITCOUNT",
        "SETBIT 0 1",
        "LPUSH x",
        "LRANGE 0 1",
        "LLEN",
        "RPOP",
        "HSET a b",
        "HGETALL",
        "SADD x",
        "SMEMBERS",
        "ZADD 1 x",
        "ZRANGE 0 1",
        "XADD * a b",
        "XRANGE - +",
        "XLEN",
        "PFADD x",
        "PFCOUNT",
        "GEOADD 31.05 -17.83 harare",
        "SORT",
    ];
    for line in lines {
        rejected(&server, &mut client, &on(line, KEY.as_bytes()), "WRONGTYPE");
    }
    rejected(&server, &mut client, &["LMOVE", KEY, "queue", "LEFT", "RIGHT"], "WRONGTYPE");
    rejected(&server, &mut client, &["SINTER", "members", KEY], "WRONGTYPE");
    rejected(&server, &mut client, &["BITOP", "NOT", "out", KEY], "WRONGTYPE");
    rejected(&server, &mut client, &["XREAD", "STREAMS", KEY, "0"], "WRONGTYPE");
    assert!(client.ok(&["MGET", KEY, "token:+263771234567"]).array()[0].is_nil());
}

#[test]
fn audit_key_of_another_type_rejects_the_command_before_any_write() {
    let (server, mut client) = server_with_an_offer();
    client.ok(&["RENAME", AUDIT, "old-audit"]);
    client.ok(&["SET", AUDIT, "not a stream"]);
    for line in [
        "STATE.UPDATE * {\"stage\":\"menu\"}",
        "STATE.UPDATE 1 {} EVENT shown",
        "STATE.ROLLBACK 1",
        "STATE.DELETE 1",
    ] {
        let error = rejected(&server, &mut client, &on(line, KEY.as_bytes()), "WRONGTYPE");
        assert!(error.starts_with(&format!("WRONGTYPE audit stream {AUDIT}")), "{error}");
    }
    // Reads do not need the audit stream.
    assert_eq!(client.state(KEY).1, OFFER);
    // A missing state is not created in part.
    client.ok(&["HSET", "{channel:+263770000000}:audit", "a", "b"]);
    rejected(&server, &mut client, &["STATE.UPDATE", "channel:+263770000000", "0", "{}"], "WRONGTYPE");
    client.ok(&["DEL", AUDIT]);
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#]);
}

#[test]
fn full_audit_stream_rejects_the_command_before_any_write() {
    let (server, mut client) = server_with_an_offer();
    let last = "18446744073709551615-18446744073709551615";
    client.ok(&["XADD", AUDIT, last, "event", "from another writer"]);
    for line in ["STATE.UPDATE * {\"stage\":\"menu\"}", "STATE.UPDATE 1 {} EVENT shown", "STATE.DELETE 1"] {
        let error = rejected(&server, &mut client, &on(line, KEY.as_bytes()), "ERR");
        assert!(
            error.contains(AUDIT) && !error.contains("internal"),
            "the error names the full stream: {error}"
        );
    }
    // A rejection that can't be recorded is still a rejection.
    rejected(&server, &mut client, &["STATE.UPDATE", KEY, "*", "[1]"], "INVALID|ERR");
    client.ok(&["DEL", AUDIT]);
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#]);
}

#[test]
fn audit_stream_with_foreign_entries_is_continued() {
    state_test(|server, client| {
        client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
        let odd: [&[&[u8]]; 4] = [
            &[b"x", b"y"],
            &[b"event", b"\xff\x00"],
            &[b"\xff", b"event"],
            &[b"event", b"", b"event", b"reject"],
        ];
        for entry in odd {
            client.ok(&[&[&b"XADD"[..], AUDIT.as_bytes(), b"*"], entry].concat());
        }
        client.ok(&["XADD", AUDIT, "*", "event", &"x".repeat(100_000)]);
        client.ok(&["XADD", AUDIT, "99999999999999-5", "event", "of the future"]);
        for _ in 0..3 {
            rejected(server, client, &["STATE.UPDATE", KEY, "*", "[1]"], "INVALID");
        }
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#]);
        assert_eq!(client.ok(&["XLEN", AUDIT]).int(), 11);
    });
}

#[test]
fn keys_whose_audit_stream_would_be_in_another_slot_are_rejected() {
    let (server, mut client) = server_with_an_offer();
    for key in ["a}b", "{}x", "{}", "channel:}", "}{", "channel:{}:state}"] {
        for line in
            ["STATE.UPDATE 0 {}", "STATE.UPDATE 7 {}", "STATE.ROLLBACK *", "STATE.DELETE *", "STATE.TOUCH"]
        {
            rejected(&server, &mut client, &on(line, key.as_bytes()), "BADKEY");
        }
    }
}

#[test]
fn keys_may_be_any_bytes() {
    state_test(|_, client| {
        let keys: [(&[u8], &[u8]); 6] = [
            (b"channel:\xff\x00\xfe", b"{channel:\xff\x00\xfe}:audit"),
            (b"user:{+263771234567}:state", b"user:{+263771234567}:state:audit"),
            ("kanal:Ā一😀".as_bytes(), "{kanal:Ā一😀}:audit".as_bytes()),
            (b"channel with\r\nline", b"{channel with\r\nline}:audit"),
            (b"{a}{b}", b"{a}{b}:audit"),
            (b"open{", b"{open{}:audit"),
        ];
        for (key, stream) in keys {
            client.ok(&[b"STATE.UPDATE", key, b"0", b"{}"]);
            client.ok(&[b"STATE.UPDATE", key, b"1", br#"{"stage":"menu"}"#, b"AUDIT", stream]);
            assert_eq!(
                client.ok(&[b"STATE.META", key]).field("audit"),
                &support::Reply::Bulk(stream.to_vec())
            );
            assert_eq!(client.ok(&[b"XLEN", stream]).int(), 2, "{}", String::from_utf8_lossy(key));
            let state = client.ok(&[b"STATE.GET", key]);
            assert_eq!(state.array()[1].text(), r#"{"stage":"menu"}"#);
        }
    });
}

#[test]
fn wrong_audit_key_is_rejected() {
    let (server, mut client) = server_with_an_offer();
    for stream in [
        "",
        "channel:+263771234567:audit",
        "{channel:+263771234567}:audit ",
        KEY,
        "admin:1",
        "ALIGN",
        "AUDIT",
    ] {
        for line in ["STATE.UPDATE 1 {\"stage\":\"menu\"}", "STATE.ROLLBACK 1", "STATE.DELETE 1"] {
            let mut args = on(line, KEY.as_bytes());
            args.extend([b"AUDIT".to_vec(), stream.as_bytes().to_vec()]);
            rejected(&server, &mut client, &args, "BADKEY|ERR");
        }
    }
    let wrong = ["STATE.UPDATE", KEY, "1", "{}", "AUDIT", "{channel:+263770000000}:audit"];
    rejected(&server, &mut client, &wrong, "BADKEY");
    // An error of the key is reported before an error of the JSON or the version.
    rejected(&server, &mut client, &["STATE.UPDATE", KEY, "9", "{", "AUDIT", "admin:1"], "BADKEY");
}

/// Text that breaks log lines, format strings, terminals or string handling.
const NASTY: [&str; 9] =
    ["Ā", "一", "Ā一Ā一", "%s%n%s%n", "%999999999d", "\u{202e}txt", "😀", "'; DROP", "a b"];

/// Without audit streams, a key needs no stream in its slot.
#[test]
fn any_key_can_hold_a_state_without_audit() {
    let (server, mut client) = server_with_an_offer();
    client.ok(&["CONFIG", "SET", "state.audit", "no"]);
    for key in ["a}b", "{}x", "{}", "channel:}", "}{", "channel:{}:state}", ""] {
        client.ok(&["STATE.UPDATE", key, "0", OFFER]);
        assert!(client.err(&["STATE.UPDATE", key, "1", "[1]"]).starts_with("INVALID "));
        client.ok(&["STATE.UPDATE", key, "1", r#"{"stage":"menu"}"#, "EVENT", "shown", "ALIGN", "1", KEY]);
        client.ok(&["STATE.ROLLBACK", key, "2"]);
        client.ok(&["STATE.ATTEMPT", key, "login", "FAILURE"]);
        client.ok(&["STATE.RESET", key, "*"]);
        assert_eq!(client.ok(&["STATE.TOUCH", key]).int(), 1);
        assert!(client.ok(&["STATE.META", key]).field("audit").is_nil());
        assert_eq!(client.ok(&["STATE.RECOVER", key]).field("rung").text(), "valid");
        // `AUDIT` names a stream that does not exist.
        let named = ["STATE.UPDATE", key, "*", "{}", "AUDIT", AUDIT];
        assert!(client.err(&named).starts_with("BADKEY "), "{key}");
        client.ok(&["CONFIG", "SET", "state.audit", "yes"]);
        rejected(&server, &mut client, &["STATE.UPDATE", key, "*", "{}"], "BADKEY");
        client.state(key);
        client.ok(&["CONFIG", "SET", "state.audit", "no"]);
        assert_eq!(client.ok(&["STATE.DELETE", key, "*", "PURGE"]).field("state").int(), 1);
        // The recovery finds no audit stream.
        assert_eq!(client.ok(&["STATE.RECOVER", key]).field("rung").text(), "created");
        assert_eq!(client.ok(&["STATE.DELETE", key, "1"]).int(), 1);
    }
    client.ok(&["STATE.UPDATE", "{}x", "0", OFFER, "PX", "20"]);
    support::wait_until("the key expires", || client.ok(&["EXISTS", "{}x"]).int() == 0);
    assert_eq!(client.ok(&["KEYS", "*"]).array().len(), 2, "{KEY} and its stream");
}

#[test]
fn user_text_in_an_error_stays_one_printable_line() {
    let (server, mut client) = server_with_an_offer();
    let strict = r#"{"properties":{"current":{"additionalProperties":false}},"additionalProperties":{"type":"object"}}"#;
    client.ok(&["STATE.SCHEMA", "SET", "strict", strict]);
    client.ok(&["STATE.UPDATE", "channel:strict", "0", "{}", "SCHEMA", "strict"]);
    for text in NASTY {
        let named = rejected(&server, &mut client, &["STATE.VALIDATE", text, "{}"], "NOSCHEMA");
        assert!(named.contains(text), "{named}");
        rejected(
            &server,
            &mut client,
            &["STATE.UPDATE", "channel:new", "0", "{}", "SCHEMA", text],
            "NOSCHEMA",
        );
        let label = rejected(&server, &mut client, &["STATE.ROLLBACK", KEY, "1", "LABEL", text], "NOVERSION");
        assert!(label.contains(text), "{label}");
        rejected(&server, &mut client, &["STATE.UPDATE", KEY, "1", "{}", text], "ERR");
        rejected(&server, &mut client, &["STATE.UPDATE", KEY, text, "{}"], "ERR");
        rejected(&server, &mut client, &["STATE.SCHEMA", text], "ERR");
        rejected(&server, &mut client, &["STATE.UPDATE", &format!("{{}}{text}"), "0", "{}"], "BADKEY");
    }
    let json_text = |text: &str| serde_json::Value::from(text).to_string();
    let controls = ["\n+OK\r\n", "\0", "\u{1b}[2J", "\r\n$-1\r\n", "\u{85}", "\u{7f}"];
    for text in NASTY.into_iter().chain(controls) {
        let name = json_text(text);
        let pointer = json_text(&format!("/{text}/none"));
        for json in [format!(r#"{{"current":{{{name}:1}}}}"#), format!(r#"{{{name}:1}}"#)] {
            rejected(&server, &mut client, &["STATE.UPDATE", "channel:strict", "1", &json], "INVALID");
            rejected(&server, &mut client, &["STATE.VALIDATE", "strict", &json], "INVALID");
        }
        let patch = format!(r#"[{{"op":"remove","path":{pointer}}}]"#);
        rejected(&server, &mut client, &["STATE.UPDATE", KEY, "1", &patch, "PATCH"], "BADPATCH");
        let operation = format!(r#"[{{"op":{name},"path":"/a"}}]"#);
        rejected(&server, &mut client, &["STATE.UPDATE", KEY, "1", &operation, "PATCH"], "BADPATCH");
        rejected(
            &server,
            &mut client,
            &["STATE.SCHEMA", "SET", "odd", &format!(r#"{{"type":{name}}}"#)],
            "BADSCHEMA",
        );
        let schema = format!(r#"{{"properties":{{{name}:{{"type":7}}}}}}"#);
        rejected(&server, &mut client, &["STATE.SCHEMA", "SET", "odd", &schema], "BADSCHEMA");
    }
    let log = server.log();
    assert!(!log.contains("\u{1b}[2J"), "a control sequence of a user reached the log");
}

#[test]
fn errors_quote_no_value() {
    let (server, mut client) = server_with_an_offer();
    let schema = r#"{"properties":{"auth":{"properties":{"token":{"type":"string","pattern":"^tok_","maxLength":9}}},
        "amount":{"enum":[1,2]},"tier":{"const":1}}}"#;
    client.ok(&["STATE.SCHEMA", "SET", "strict", schema]);
    let secret = "s3cr3t-jwt-of-tariro";
    for json in [
        format!(r#"{{"auth":{{"token":"{secret}"}}}}"#),
        format!(r#"{{"auth":{{"token":{{"jwt":"{secret}"}}}}}}"#),
        format!(r#"{{"amount":"{secret}"}}"#),
        format!(r#"{{"tier":"{secret}"}}"#),
    ] {
        let error = rejected(&server, &mut client, &["STATE.VALIDATE", "strict", &json], "INVALID");
        assert!(!error.contains("s3cr3t"), "{error}");
    }
    let patch = format!(r#"[{{"op":"test","path":"/channel/type","value":"{secret}"}}]"#);
    let error = rejected(&server, &mut client, &["STATE.UPDATE", KEY, "1", &patch, "PATCH"], "BADPATCH");
    assert!(!error.contains("s3cr3t") && !error.contains("whatsapp"), "{error}");
    rejected(
        &server,
        &mut client,
        &["STATE.UPDATE", KEY, "1", &format!(r#"{{"token":"{secret}""#)],
        "BADJSON",
    );
    assert!(!server.log().contains("s3cr3t"));
}
