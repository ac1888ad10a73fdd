//! Keys of the wrong type, keys whose trail can't lie in their slot, and user text in error lines.

use crate::standing::{AUDIT, KEY, OFFER, refused, server_with_an_offer};
use support::{state_test, words};

/// Every command that takes a key, as it would work on a state.
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

/// A line of the table with the key put behind the command's name.
fn on(line: &str, key: &[u8]) -> Vec<Vec<u8>> {
    let mut args = words(line);
    args.insert(1, key.to_vec());
    args
}

#[test]
fn state_commands_leave_other_types_alone() {
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
            refused(&server, &mut client, &on(line, key.as_bytes()), "WRONGTYPE");
        }
    }
    for line in ON_A_KEY {
        refused(&server, &mut client, &on(line, b"visitors"), "WRONGTYPE");
        refused(&server, &mut client, &on(line, AUDIT.as_bytes()), "WRONGTYPE");
    }
}

#[test]
fn other_commands_leave_a_state_alone() {
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
        refused(&server, &mut client, &on(line, KEY.as_bytes()), "WRONGTYPE");
    }
    refused(&server, &mut client, &["LMOVE", KEY, "queue", "LEFT", "RIGHT"], "WRONGTYPE");
    refused(&server, &mut client, &["SINTER", "members", KEY], "WRONGTYPE");
    refused(&server, &mut client, &["BITOP", "NOT", "out", KEY], "WRONGTYPE");
    refused(&server, &mut client, &["XREAD", "STREAMS", KEY, "0"], "WRONGTYPE");
    assert!(client.ok(&["MGET", KEY, "token:+263771234567"]).array()[0].is_nil());
}

#[test]
fn a_trail_of_another_type_refuses_the_command_before_anything_is_written() {
    let (server, mut client) = server_with_an_offer();
    client.ok(&["RENAME", AUDIT, "old-trail"]);
    client.ok(&["SET", AUDIT, "not a stream"]);
    for line in [
        "STATE.UPDATE * {\"stage\":\"menu\"}",
        "STATE.UPDATE 1 {} EVENT shown",
        "STATE.ROLLBACK 1",
        "STATE.DELETE 1",
    ] {
        let error = refused(&server, &mut client, &on(line, KEY.as_bytes()), "WRONGTYPE");
        assert!(error.starts_with(&format!("WRONGTYPE audit stream {AUDIT}")), "{error}");
    }
    // Reads do not need the trail.
    assert_eq!(client.state(KEY).1, OFFER);
    // A state that is not there yet is not created half.
    client.ok(&["HSET", "{channel:+263770000000}:audit", "a", "b"]);
    refused(&server, &mut client, &["STATE.UPDATE", "channel:+263770000000", "0", "{}"], "WRONGTYPE");
    client.ok(&["DEL", AUDIT]);
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#]);
}

#[test]
fn a_trail_that_can_take_no_more_refuses_the_command_before_anything_is_written() {
    let (server, mut client) = server_with_an_offer();
    let last = "18446744073709551615-18446744073709551615";
    client.ok(&["XADD", AUDIT, last, "event", "from somebody else"]);
    for line in ["STATE.UPDATE * {\"stage\":\"menu\"}", "STATE.UPDATE 1 {} EVENT shown", "STATE.DELETE 1"] {
        let error = refused(&server, &mut client, &on(line, KEY.as_bytes()), "ERR");
        assert!(error.contains(AUDIT) && !error.contains("internal"), "it says what is full: {error}");
    }
    // A refusal that can't be recorded is a refusal all the same.
    refused(&server, &mut client, &["STATE.UPDATE", KEY, "*", "[1]"], "INVALID|ERR");
    client.ok(&["DEL", AUDIT]);
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#]);
}

#[test]
fn a_trail_with_entries_of_somebody_else_is_carried_on() {
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
            refused(server, client, &["STATE.UPDATE", KEY, "*", "[1]"], "INVALID");
        }
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#]);
        assert_eq!(client.ok(&["XLEN", AUDIT]).int(), 11);
    });
}

#[test]
fn keys_whose_trail_would_lie_in_another_slot_are_refused() {
    let (server, mut client) = server_with_an_offer();
    for key in ["a}b", "{}x", "{}", "channel:}", "}{", "channel:{}:state}"] {
        for line in
            ["STATE.UPDATE 0 {}", "STATE.UPDATE 7 {}", "STATE.ROLLBACK *", "STATE.DELETE *", "STATE.TOUCH"]
        {
            refused(&server, &mut client, &on(line, key.as_bytes()), "BADKEY");
        }
    }
}

#[test]
fn keys_are_bytes() {
    state_test(|_, client| {
        let keys: [(&[u8], &[u8]); 6] = [
            (b"channel:\xff\x00\xfe", b"{channel:\xff\x00\xfe}:audit"),
            (b"user:{+263771234567}:state", b"user:{+263771234567}:state:audit"),
            ("kanal:Ā一😀".as_bytes(), "{kanal:Ā一😀}:audit".as_bytes()),
            (b"channel with\r\nline", b"{channel with\r\nline}:audit"),
            (b"{a}{b}", b"{a}{b}:audit"),
            (b"open{", b"{open{}:audit"),
        ];
        for (key, trail) in keys {
            client.ok(&[b"STATE.UPDATE", key, b"0", b"{}"]);
            client.ok(&[b"STATE.UPDATE", key, b"1", br#"{"stage":"menu"}"#, b"AUDIT", trail]);
            assert_eq!(
                client.ok(&[b"STATE.META", key]).field("audit"),
                &support::Reply::Bulk(trail.to_vec())
            );
            assert_eq!(client.ok(&[b"XLEN", trail]).int(), 2, "{}", String::from_utf8_lossy(key));
            let state = client.ok(&[b"STATE.GET", key]);
            assert_eq!(state.array()[1].text(), r#"{"stage":"menu"}"#);
        }
    });
}

#[test]
fn a_wrong_audit_key_is_refused() {
    let (server, mut client) = server_with_an_offer();
    for trail in [
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
            args.extend([b"AUDIT".to_vec(), trail.as_bytes().to_vec()]);
            refused(&server, &mut client, &args, "BADKEY|ERR");
        }
    }
    let wrong = ["STATE.UPDATE", KEY, "1", "{}", "AUDIT", "{channel:+263770000000}:audit"];
    refused(&server, &mut client, &wrong, "BADKEY");
    // What is wrong with the key is said before what is wrong with the json or the version.
    refused(&server, &mut client, &["STATE.UPDATE", KEY, "9", "{", "AUDIT", "admin:1"], "BADKEY");
}

/// Text that has killed, confused or recoloured something else before.
const NASTY: [&str; 9] =
    ["Ā", "一", "Ā一Ā一", "%s%n%s%n", "%999999999d", "\u{202e}txt", "😀", "'; DROP", "a b"];

/// Without audit streams there is nothing that would lie in another slot.
#[test]
fn any_key_holds_a_state_while_no_audit_stream_is_written() {
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
        // What names a stream names one that there is not.
        let named = ["STATE.UPDATE", key, "*", "{}", "AUDIT", AUDIT];
        assert!(client.err(&named).starts_with("BADKEY "), "{key}");
        client.ok(&["CONFIG", "SET", "state.audit", "yes"]);
        refused(&server, &mut client, &["STATE.UPDATE", key, "*", "{}"], "BADKEY");
        client.state(key);
        client.ok(&["CONFIG", "SET", "state.audit", "no"]);
        assert_eq!(client.ok(&["STATE.DELETE", key, "*", "PURGE"]).int(), 1);
        // No stream tells what was there.
        assert_eq!(client.ok(&["STATE.RECOVER", key]).field("rung").text(), "created");
        assert_eq!(client.ok(&["STATE.DELETE", key, "1"]).int(), 1);
    }
    client.ok(&["STATE.UPDATE", "{}x", "0", OFFER, "PX", "20"]);
    support::wait_until("the key expires", || client.ok(&["EXISTS", "{}x"]).int() == 0);
    assert_eq!(client.ok(&["KEYS", "*"]).array().len(), 2, "{KEY} and its stream");
}

#[test]
fn user_text_in_an_error_stays_one_line_of_text() {
    let (server, mut client) = server_with_an_offer();
    let strict = r#"{"properties":{"current":{"additionalProperties":false}},"additionalProperties":{"type":"object"}}"#;
    client.ok(&["STATE.SCHEMA", "SET", "strict", strict]);
    client.ok(&["STATE.UPDATE", "channel:strict", "0", "{}", "SCHEMA", "strict"]);
    for text in NASTY {
        let named = refused(&server, &mut client, &["STATE.VALIDATE", text, "{}"], "NOSCHEMA");
        assert!(named.contains(text), "{named}");
        refused(
            &server,
            &mut client,
            &["STATE.UPDATE", "channel:new", "0", "{}", "SCHEMA", text],
            "NOSCHEMA",
        );
        let label = refused(&server, &mut client, &["STATE.ROLLBACK", KEY, "1", "LABEL", text], "NOVERSION");
        assert!(label.contains(text), "{label}");
        refused(&server, &mut client, &["STATE.UPDATE", KEY, "1", "{}", text], "ERR");
        refused(&server, &mut client, &["STATE.UPDATE", KEY, text, "{}"], "ERR");
        refused(&server, &mut client, &["STATE.SCHEMA", text], "ERR");
        refused(&server, &mut client, &["STATE.UPDATE", &format!("{{}}{text}"), "0", "{}"], "BADKEY");
    }
    let json_text = |text: &str| serde_json::Value::from(text).to_string();
    let controls = ["\n+OK\r\n", "\0", "\u{1b}[2J", "\r\n$-1\r\n", "\u{85}", "\u{7f}"];
    for text in NASTY.into_iter().chain(controls) {
        let name = json_text(text);
        let pointer = json_text(&format!("/{text}/none"));
        for json in [format!(r#"{{"current":{{{name}:1}}}}"#), format!(r#"{{{name}:1}}"#)] {
            refused(&server, &mut client, &["STATE.UPDATE", "channel:strict", "1", &json], "INVALID");
            refused(&server, &mut client, &["STATE.VALIDATE", "strict", &json], "INVALID");
        }
        let patch = format!(r#"[{{"op":"remove","path":{pointer}}}]"#);
        refused(&server, &mut client, &["STATE.UPDATE", KEY, "1", &patch, "PATCH"], "BADPATCH");
        let operation = format!(r#"[{{"op":{name},"path":"/a"}}]"#);
        refused(&server, &mut client, &["STATE.UPDATE", KEY, "1", &operation, "PATCH"], "BADPATCH");
        refused(
            &server,
            &mut client,
            &["STATE.SCHEMA", "SET", "odd", &format!(r#"{{"type":{name}}}"#)],
            "BADSCHEMA",
        );
        let schema = format!(r#"{{"properties":{{{name}:{{"type":7}}}}}}"#);
        refused(&server, &mut client, &["STATE.SCHEMA", "SET", "odd", &schema], "BADSCHEMA");
    }
    let log = server.log();
    assert!(!log.contains("\u{1b}[2J"), "a control sequence of a user reached the log");
}

#[test]
fn a_refusal_quotes_no_value() {
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
        let error = refused(&server, &mut client, &["STATE.VALIDATE", "strict", &json], "INVALID");
        assert!(!error.contains("s3cr3t"), "{error}");
    }
    let patch = format!(r#"[{{"op":"test","path":"/channel/type","value":"{secret}"}}]"#);
    let error = refused(&server, &mut client, &["STATE.UPDATE", KEY, "1", &patch, "PATCH"], "BADPATCH");
    assert!(!error.contains("s3cr3t") && !error.contains("whatsapp"), "{error}");
    refused(
        &server,
        &mut client,
        &["STATE.UPDATE", KEY, "1", &format!(r#"{{"token":"{secret}""#)],
        "BADJSON",
    );
    assert!(!server.log().contains("s3cr3t"));
}
