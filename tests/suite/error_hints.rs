//! Errors say what to do: which argument is missing, what was probably meant, which values are
//! allowed.

use crate::baseline::KEY;
use support::{Client, Server, words};

fn server() -> (Server, Client) {
    let server = Server::start();
    let client = server.client();
    (server, client)
}

#[test]
fn missing_expected_is_reported_with_an_example() {
    let (_server, mut client) = server();
    let update = r#"STATE.UPDATE person:7 0 '{"stage":"menu"}'"#;
    for line in [
        &["STATE.UPDATE", KEY, r#"{"stage":"menu"}"#][..],
        &["STATE.UPDATE", KEY, r#"{"stage":"menu"}"#, "SCHEMA", "pizza.order"],
        &["STATE.UPDATE", KEY, r#" [{"op":"remove","path":"/stage"}]"#, "PATCH"],
    ] {
        assert_eq!(client.err(line), format!("ERR syntax error: expected is missing, as in {update}"));
    }
    let error = client.err(&["STATE.UPDATE", KEY, "7"]);
    assert_eq!(error, format!("ERR syntax error: json is missing, as in {update}"));
    let error = client.err(&["STATE.SETPROTECTED", KEY, "{}"]);
    assert!(error.starts_with("ERR syntax error: expected is missing, as in STATE.SETPROTECTED "), "{error}");
    for (command, option) in
        [("STATE.ROLLBACK", &["STEPS", "1"][..]), ("STATE.RESET", &["ex", "5"]), ("STATE.DELETE", &["PURGE"])]
    {
        for rest in [&[], option] {
            let error = client.err(&[&[command, KEY], rest].concat());
            assert_eq!(error, format!("ERR syntax error: expected is missing, as in {command} person:7 3"));
        }
    }
}

#[test]
fn array_without_patch_suggests_patch() {
    let (_server, mut client) = server();
    let patch = r#"[{"op":"add","path":"/stage","value":"menu"}]"#;
    for kind in ["MERGE", "SHALLOW", "REPLACE"] {
        assert_eq!(
            client.err(&["STATE.UPDATE", KEY, "0", patch, kind]),
            "INVALID 1 violation: (root): must be an object, not an array: did you mean PATCH?"
        );
    }
    client.ok(&["STATE.UPDATE", KEY, "0", patch, "PATCH"]);
    assert_eq!(
        client.err(&["STATE.UPDATE", KEY, "1", "7"]),
        "INVALID 1 violation: (root): must be an object"
    );
}

#[test]
fn unknown_type_lists_the_allowed_types() {
    let (_server, mut client) = server();
    assert_eq!(
        client.err(&["STATE.SCHEMA", "SET", "pizza.order", r#"{"type":"objct"}"#]),
        "BADSCHEMA /type: must be one of null, boolean, object, array, number, string, integer, or an array of some of them"
    );
}

#[test]
fn look_around_is_not_supported() {
    let (_server, mut client) = server();
    let schema = r#"{"properties":{"pin":{"pattern":"^(?!0000)[0-9]{4}$"}}}"#;
    let error = client.err(&["STATE.SCHEMA", "SET", "pizza.order", schema]);
    assert!(error.contains("look-around is not supported: linear-time patterns only"), "{error}");
}

#[test]
fn rollback_from_the_first_version_is_an_error() {
    let (_server, mut client) = server();
    client.ok(&["STATE.UPDATE", KEY, "0", "{}"]);
    let error = client.err(&["STATE.ROLLBACK", KEY, "1"]);
    assert_eq!(error, "NOVERSION there is no earlier version; kept: 1");
}

#[test]
fn non_numeric_expiry_names_the_expected_unit() {
    let (_server, mut client) = server();
    for (keyword, wanted) in [
        ("EX", "a number of seconds such as 300"),
        ("PX", "a number of milliseconds such as 300000"),
        ("EXAT", "a Unix time in seconds such as 1795236654"),
        ("PXAT", "a Unix time in milliseconds such as 1795236654520"),
    ] {
        assert_eq!(
            client.err(&["STATE.UPDATE", KEY, "0", "{}", keyword, "5m"]),
            format!("ERR value is not an integer or out of range: {keyword} takes {wanted}, got \"5m\"")
        );
    }
}

#[test]
fn unknown_option_refers_to_help() {
    let (_server, mut client) = server();
    for (line, command, option) in [
        ("STATE.UPDATE channel:1 0 {} pizza.order", "STATE.UPDATE", "pizza.order"),
        ("STATE.TOUCH channel:1 TTL 5", "STATE.TOUCH", "TTL"),
        ("STATE.SCHEMA DEL pizza.order NOW", "STATE.SCHEMA DEL", "NOW"),
    ] {
        assert_eq!(
            client.err(&words(line)),
            format!("ERR syntax error: {command} has no option {option}: STATE.HELP shows what it takes")
        );
    }
}
