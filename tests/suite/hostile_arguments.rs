//! Arguments of every wrong count and kind, for every command: the server process survives, the
//! error has the right prefix, and nothing has changed.
//!
//! Each table has one command line a row, as a user types it, so that the mistake is visible.

use crate::baseline::{KEY, OFFER, rejected, server_with_an_offer};
use support::{Client, Server, words};

/// Two versions, a label and a schema, so that every command has something to fail on.
fn server_with_history() -> (Server, Client) {
    let (server, mut client) = server_with_an_offer();
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"confirm"}"#, "LABEL", "confirm"]);
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.offer", r#"{"type":"object"}"#]);
    (server, client)
}

/// The lines of a table, which are separated by semicolons.
fn split(table: &str) -> impl Iterator<Item = &str> {
    table.split(';').map(str::trim)
}

#[test]
fn every_command_counts_its_arguments() {
    let (server, mut client) = server_with_history();
    let lines = "\
        STATE.GET; STATE.UPDATE; STATE.UPDATE channel:+263771234567; \
        STATE.UPDATE channel:+263771234567 *; STATE.ROLLBACK; STATE.ROLLBACK channel:+263771234567; \
        STATE.HISTORY; STATE.DIFF; STATE.DIFF channel:+263771234567; STATE.DIFF channel:+263771234567 1; \
        STATE.DIFF channel:+263771234567 1 2 3; STATE.META; STATE.META channel:+263771234567 x; \
        STATE.TOUCH; STATE.DELETE; STATE.DELETE channel:+263771234567; STATE.VALIDATE; \
        STATE.VALIDATE vimbiso.offer; STATE.VALIDATE vimbiso.offer {} {}; STATE.SCHEMA; \
        STATE.SCHEMA SET; STATE.SCHEMA SET vimbiso.offer; STATE.SCHEMA SET vimbiso.offer {} {}; \
        STATE.SETPROTECTED; STATE.SETPROTECTED channel:+263771234567 *; STATE.RESET; \
        STATE.RESET channel:+263771234567; STATE.RECOVER; STATE.ATTEMPT; STATE.ATTEMPT channel:+263771234567 login; \
        STATE.ATTEMPT channel:+263771234567 login MAYBE; STATE.ATTEMPTS; STATE.SCHEMA BIND; \
        STATE.SCHEMA BIND channel:*; STATE.SCHEMA BIND channel:* a b; STATE.SCHEMA UNBIND; \
        STATE.SCHEMA GET; STATE.SCHEMA GET a b; STATE.SCHEMA LIST a; STATE.SCHEMA DEL; \
        STATE.SCHEMA DEL a FORCE b; STATE.SCHEMA HELP me; STATE.HELP me";
    for line in split(lines) {
        let error = rejected(&server, &mut client, &words(line), "ERR");
        assert!(
            error.contains("wrong number of arguments") || error.contains("syntax error"),
            "{line}: {error}"
        );
    }
    rejected(&server, &mut client, &words("STATE.SCHEMA FETCH vimbiso.offer"), "ERR unknown subcommand");
    rejected(&server, &mut client, &words("STATE.SCHEMA DEL vimbiso.offer NOW"), "ERR syntax error");
}

#[test]
fn unknown_words_are_syntax_errors() {
    let (server, mut client) = server_with_history();
    let update = "\
        FROB; MERGE MERGE; MERGE PATCH; REPLACE SHALLOW; SCHEMA; LABEL; EVENT; ACTOR; NOTE; EX; PX; \
        EXAT; PXAT; EX 5 PX 5; EX 5 EX 5; EX 5 PERSIST; KEEPTTL PERSIST; KEEPTTL KEEPTTL; \
        SCHEMA vimbiso.offer SCHEMA vimbiso.offer; LABEL a LABEL a; EVENT a EVENT b; ACTOR a ACTOR b; \
        NOTE a NOTE b; RETURN RETURN; DRYRUN DRYRUN; STEPS 1; TO 1; LASTVALID; ONLY 1 /stage; PURGE; \
        FORCE; COUNT 1; VERSION 1; /stage; AUDIT; REBASE; ID; ID a ID b; OPERATION; COMPONENT Greeting; OPERATION a OPERATION b; \
        ALIGN; ALIGN 1; ALIGN 2 token:+263771234567; ALIGN 0; ALL; \
        TURN; TURN a TURN b; OWNER; OWNER a; ID a OWNER; ID a OWNER b OWNER c; WITHTURNS; FEEDFROM 1-0; \
        AUDIT {channel:+263771234567}:audit AUDIT {channel:+263771234567}:audit";
    let rollback = "\
        FROB; STEPS; STEPS x; STEPS -1; STEPS 1.5; STEPS 18446744073709551616; TO; TO x; TO -1; \
        STEPS 1 STEPS 1; STEPS 1 TO 1; TO 1 LABEL confirm; LASTVALID STEPS 1; LASTVALID LASTVALID; \
        LABEL; ONLY; ONLY 1; ONLY x /stage; ONLY 0; ONLY -1 /stage; ONLY 2 /stage; ONLY 1 stage; \
        ONLY 1 /a~2; ONLY 1 /stage /option; ONLY 1 /stage ONLY 1 /option; ALL ALL; MERGE; PATCH; DRYRUN; \
        SCHEMA vimbiso.offer; LABEL a LABEL b; EX 1 PX 1; RETURN RETURN; ID; ID a ID b; REBASE; \
        ALIGN 1; AUDIT";
    let delete = "FROB; PURGE PURGE; PURGE FEEDFROM; PURGE FEEDFROM 1; FEEDFROM 1-0; TURN; ID a; EVENT; EVENT a EVENT b; EX 5; PERSIST; RETURN; LABEL a; ID a; ALIGN 1 token:1; AUDIT";
    let touch = "FROB; EX; EX 5 PX 5; KEEPTTL PERSIST; EVENT menu; NOTE menu; RETURN; ID a; AUDIT";
    let reset = "FROB; EX; EX 5 PERSIST; LABEL a; STEPS 1; ALL ALL; TURN; TURN a TURN b; OWNER a; SCHEMA a; RETURN RETURN; DRYRUN; ID; ID a ID b; REBASE; AUDIT";
    let recover = "FROB; SCHEMA; SCHEMA a SCHEMA b; EX 5 PX 5; RETURN; DRYRUN; ID a; *; AUDIT";
    let attempt = "FROB; COMPONENT; COMPONENT a COMPONENT b; ERROR; ERROR a ERROR b; EX 5; NOTE a; SUCCESS; ID; ID a ID b; AUDIT";
    let attempts = "FROB FROB; login COUNT; login COUNT 0; COUNT x; login COUNT 1 COUNT 1; login FROB";
    let history = "FROB; COUNT; COUNT x; COUNT -1; COUNT 1 COUNT 1; COUNT 1 2; VERSION 1";
    let wait = "; 1; x 0; * 0; 1 -1; 1 1.5; 1 31536000001; 1 0 0; 1 0 BLOCK; -1 0; 1- 0";
    let get = "VERSION; VERSION x; VERSION -1; VERSION 01; stage; /a~2; /a~; /stage VERSION 1 VERSION 1";
    let tables = [
        ("STATE.UPDATE channel:+263771234567 * {\"stage\":\"menu\"}", update),
        ("STATE.ROLLBACK channel:+263771234567 *", rollback),
        ("STATE.DELETE channel:+263771234567 *", delete),
        ("STATE.TOUCH channel:+263771234567", touch),
        ("STATE.SETPROTECTED channel:+263771234567 * {\"stage\":\"menu\"}", update),
        ("STATE.RESET channel:+263771234567 *", reset),
        ("STATE.RECOVER channel:+263771234567", recover),
        ("STATE.ATTEMPT channel:+263771234567 login FAILURE", attempt),
        ("STATE.ATTEMPTS channel:+263771234567", attempts),
        ("STATE.HISTORY channel:+263771234567", history),
        ("STATE.GET channel:+263771234567", get),
        ("STATE.WAIT channel:+263771234567", wait),
    ];
    for (command, tails) in tables {
        for tail in split(tails) {
            for line in [format!("{command} {tail}"), format!("{command} {}", tail.to_lowercase())] {
                rejected(&server, &mut client, &words(&line), "ERR");
            }
        }
    }
}

#[test]
fn malformed_expected_is_a_syntax_error() {
    let (server, mut client) = server_with_history();
    let (etag, _) = client.state(KEY);
    let digest = etag.split_once('-').expect("an etag").1;
    let expected = [
        "",
        " ",
        "x",
        "-1",
        "+2",
        "02",
        "00",
        "2.0",
        "2e0",
        "0x2",
        "2 ",
        " 2",
        "**",
        "*2",
        "2*",
        "2-",
        "-",
        "2-2",
        "18446744073709551616",
        "2\0",
        "latest",
        "2-zzzzzzzzzzzzzzzz",
        "nil",
        "２",
    ];
    let made = [
        format!("2-{}", digest.to_uppercase().replace(|c: char| c.is_ascii_digit(), "A")),
        format!("2-{}", &digest[1..]),
        format!("{etag}0"),
        format!(" {etag}"),
        format!("02-{digest}"),
        format!("{etag}\n"),
    ];
    for expected in expected.iter().map(ToString::to_string).chain(made) {
        for command in [
            vec!["STATE.UPDATE", KEY, &expected, "{}"],
            vec!["STATE.ROLLBACK", KEY, &expected],
            vec!["STATE.DELETE", KEY, &expected],
            vec!["STATE.UPDATE", "channel:+263770000000", &expected, "{}"],
        ] {
            rejected(&server, &mut client, &command, "ERR syntax error");
        }
    }
    rejected(&server, &mut client, &[b"STATE.DELETE", KEY.as_bytes(), b"\xff"], "ERR syntax error");
}

#[test]
fn expiry_must_be_in_the_future() {
    let (server, mut client) = server_with_history();
    for unit in ["EX", "PX", "EXAT", "PXAT"] {
        for (value, error) in [
            ("0", "ERR invalid expire time"),
            ("-1", "ERR invalid expire time"),
            ("9223372036854775807", "ERR invalid expire time"),
            ("-9223372036854775808", "ERR invalid expire time"),
            ("9223372036854775808", "ERR value is not an integer or out of range"),
            ("", "ERR value is not an integer or out of range"),
            ("soon", "ERR value is not an integer or out of range"),
            ("1.5", "ERR value is not an integer or out of range"),
            ("1e3", "ERR value is not an integer or out of range"),
            ("5\0", "ERR value is not an integer or out of range"),
        ] {
            rejected(&server, &mut client, &["STATE.UPDATE", KEY, "*", "{}", unit, value], error);
            rejected(&server, &mut client, &["STATE.ROLLBACK", KEY, "*", unit, value], error);
            rejected(&server, &mut client, &["STATE.TOUCH", KEY, unit, value], error);
            rejected(&server, &mut client, &["STATE.UPDATE", "channel:new", "0", "{}", unit, value], error);
        }
    }
    rejected(&server, &mut client, &["STATE.TOUCH", KEY, "EXAT", "1741058499"], "ERR invalid expire time");
    rejected(&server, &mut client, &["STATE.TOUCH", KEY, "PXAT", "1741058499570"], "ERR invalid expire time");
}

/// Every option that takes a name, after a command that would otherwise change something.
const NAMED: [(&str, &str); 14] = [
    ("STATE.UPDATE", "SCHEMA"),
    ("STATE.UPDATE", "LABEL"),
    ("STATE.UPDATE", "EVENT"),
    ("STATE.UPDATE", "ACTOR"),
    ("STATE.UPDATE", "NOTE"),
    ("STATE.UPDATE", "ID"),
    ("STATE.ROLLBACK", "ID"),
    ("STATE.RESET", "ID"),
    ("STATE.ROLLBACK", "EVENT"),
    ("STATE.ROLLBACK", "ACTOR"),
    ("STATE.ROLLBACK", "NOTE"),
    ("STATE.DELETE", "EVENT"),
    ("STATE.DELETE", "ACTOR"),
    ("STATE.DELETE", "NOTE"),
];

fn with_name<'a>(command: &'a str, option: &'a str, name: &'a [u8]) -> Vec<&'a [u8]> {
    let mut args = vec![command.as_bytes(), KEY.as_bytes(), b"*"];
    if command == "STATE.UPDATE" {
        args.push(br#"{"stage":"menu"}"#);
    }
    args.extend([option.as_bytes(), name]);
    args
}

#[test]
fn names_are_limited_in_length_and_characters() {
    let (server, mut client) = server_with_history();
    for (command, option) in NAMED {
        let limit = if option == "NOTE" { 1024 } else { 128 };
        for bad in [&b"\xff"[..], b"offer\xc3"] {
            rejected(&server, &mut client, &with_name(command, option, bad), "ERR syntax error");
        }
        if option != "NOTE" {
            for bad in
                [&b""[..], b"offer\0", b"offer\n", b"\x1b[31m", b"\x7f", b"a\tb", "a\u{85}b".as_bytes()]
            {
                rejected(&server, &mut client, &with_name(command, option, bad), "ERR syntax error");
            }
        }
        rejected(&server, &mut client, &with_name(command, option, &vec![b'x'; limit + 1]), "TOOBIG");
    }
    let long = "x".repeat(129);
    for command in [
        vec!["STATE.SCHEMA", "SET", &long, "{}"],
        vec!["STATE.SCHEMA", "GET", &long],
        vec!["STATE.SCHEMA", "DEL", &long],
        vec!["STATE.VALIDATE", &long, "{}"],
        vec!["STATE.ROLLBACK", KEY, "*", "LABEL", &long],
    ] {
        rejected(&server, &mut client, &command, "TOOBIG");
    }
    rejected(&server, &mut client, &["STATE.SCHEMA", "SET", "", "{}"], "ERR syntax error");
    rejected(&server, &mut client, &["STATE.SCHEMA", "SET", "a\nb", "{}"], "ERR syntax error");
    // At the limit, counted in bytes: 64 letters of two bytes each.
    let name = "é".repeat(64);
    let note = "é".repeat(512);
    client.ok(&["STATE.SCHEMA", "SET", &name, "{}"]);
    let options = ["SCHEMA", &name, "LABEL", &name, "EVENT", &name, "ACTOR", &name, "NOTE", &note];
    client.ok(&[&["STATE.UPDATE", "channel:+263770000000", "0", "{}"][..], &options].concat());
    let meta = client.ok(&["STATE.META", "channel:+263770000000"]);
    assert_eq!(meta.field("schema").text(), name);
}

#[test]
fn names_must_not_be_keywords_of_the_key_specs() {
    let (server, mut client) = server_with_history();
    let words: [&[u8]; 10] = [
        b"ALIGN",
        b"align",
        b"AlIgN",
        b"AUDIT",
        b"audit",
        b"Audit",
        b"ALIGN\0",
        b"AUDIT\0 of March",
        b"align\0\xff",
        b"audit\0audit",
    ];
    for word in words {
        for (command, option) in NAMED {
            rejected(&server, &mut client, &with_name(command, option, word), "ERR syntax error");
            let mut with_key = with_name(command, option, word);
            with_key.extend([&b"admin:1"[..], b"EX", b"60"]);
            rejected(&server, &mut client, &with_key, "ERR syntax error");
        }
        let label = [b"STATE.ROLLBACK", KEY.as_bytes(), b"*", b"LABEL", word];
        rejected(&server, &mut client, &label, "ERR syntax error");
        rejected(&server, &mut client, &[&b"STATE.SCHEMA"[..], b"SET", word, b"{}"], "ERR syntax error");
        rejected(&server, &mut client, &[b"STATE.VALIDATE", word, b"{}"], "ERR syntax error");
    }
    // A word that only begins with a keyword is an ordinary name.
    client.ok(&["STATE.UPDATE", KEY, "2", r#"{"stage":"menu"}"#, "NOTE", "audited", "EVENT", "ALIGNED"]);
}

#[test]
fn pointers_are_limited_in_length_and_number() {
    let (server, mut client) = server_with_history();
    let pointer = |bytes: usize| format!("/{}", "x".repeat(bytes - 1));
    let many = |count: usize| vec!["/stage".to_owned(); count];
    let get = |pointers: Vec<String>| [vec!["STATE.GET".to_owned(), KEY.to_owned()], pointers].concat();
    let only = |pointers: Vec<String>| {
        let count = pointers.len().to_string();
        let words = ["STATE.ROLLBACK", KEY, "*", "ONLY", &count].map(str::to_owned).to_vec();
        [words, pointers].concat()
    };
    assert!(client.ok(&get(vec![pointer(1024)])).array()[1].is_nil());
    assert_eq!(client.ok(&get(many(64))).array().len(), 65);
    for args in [get(vec![pointer(1025)]), get(many(65)), only(vec![pointer(1025)]), only(many(65))] {
        rejected(&server, &mut client, &args, "ERR|TOOBIG");
    }
    let utf8: [&[u8]; 3] = [b"STATE.GET", KEY.as_bytes(), b"/\xff"];
    rejected(&server, &mut client, &utf8, "ERR syntax error");
    client.ok(&only(many(64)));
}

#[test]
fn document_of_these_tests_is_stored_as_written() {
    let (_server, mut client) = server_with_history();
    assert_eq!(client.ok(&["STATE.GET", KEY, "VERSION", "1"]).array()[1].text(), OFFER);
}
