//! `x-secret`: all output of the server is searched for a marked secret (S21, S51). It may be in
//! STATE.GET and RETURN of the present version for callers with permission to run
//! STATE.SETPROTECTED, and in RDB, AOF and replication.

use support::{Client, Reply, Server, state_test};

use crate::{AUDIT, FULL, KEY, document, full_state, member, newest, permissions, rejected};

/// Part of every secret in these tests, and of nothing else.
const MARK: &str = "MARK7f3a";

fn token(number: usize) -> String {
    format!(r#"{{"auth":{{"token":"{MARK}-{number}"}}}}"#)
}

/// Masked for every caller: snapshots, diffs, the audit stream, errors, SLOWLOG, MONITOR and the
/// log.
#[test]
fn secrets_never_leave_the_server() {
    let server = Server::builder()
        .arg("--slowlog-log-slower-than")
        .arg("0")
        .arg("--slowlog-max-len")
        .arg("10000")
        .start();
    let mut client = server.client();
    client.ok(&["CONFIG", "SET", "loglevel", "debug"]);
    client.ok(&["CONFIG", "SET", "notify-keyspace-events", "KEA"]);
    let replica = Server::builder().without_schemas().arg("--slowlog-log-slower-than").arg("0").start();
    replica.follow(&server);
    let mut monitors = [&server, &replica].map(|server| {
        let mut monitor = server.client();
        monitor.ok(&["MONITOR"]);
        monitor
    });
    full_state(&mut client);
    let mut seen = String::new();
    let mut note = |reply: Reply| seen.push_str(&format!("{reply}\n"));

    for (number, kind) in ["MERGE", "SHALLOW", "REPLACE"].iter().enumerate() {
        note(client.ok(&["STATE.SETPROTECTED", KEY, "*", &token(number), kind]));
    }
    let add = format!(r#"[{{"op":"add","path":"/auth/token","value":"{MARK}-9"}}]"#);
    note(client.ok(&["STATE.SETPROTECTED", KEY, "*", &add, "PATCH", "LABEL", "signed_in"]));
    for line in wrong_lines() {
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        note(Reply::Error(client.err(&line)));
    }
    for line in [
        &["STATE.UPDATE", KEY, "*", r#"{"current":{"path":"offer"}}"#, "OPERATION", "offer"][..],
        &["STATE.ROLLBACK", KEY, "*", "TO", "3"],
        &["STATE.RESET", KEY, "*"],
        &["STATE.RECOVER", KEY],
        &["STATE.HISTORY", KEY],
        &["STATE.META", KEY],
        &["STATE.ATTEMPTS", KEY, "offer"],
        &["STATE.GET", KEY, "VERSION", "2"],
        &["STATE.GET", KEY, "VERSION", "3", "/auth", "/auth/token"],
        &["STATE.DIFF", KEY, "1", "5"],
        &["STATE.DIFF", KEY, "5", "2"],
        &["XRANGE", AUDIT, "-", "+"],
        &["INFO", "everything"],
        &["SLOWLOG", "GET", "-1"],
        &["CLIENT", "LIST"],
    ] {
        note(client.ok(line));
    }
    replica.catch_up(&server);
    let mut reader = replica.client();
    note(reader.ok(&["SLOWLOG", "GET", "-1"]));
    for (client, monitor) in [&mut client, &mut reader].into_iter().zip(&mut monitors) {
        client.ok(&["ECHO", "the end of the test"]);
        let begun = seen.len();
        while !seen[begun..].contains("the end of the test") {
            seen.push_str(&format!("{}\n", monitor.read()));
        }
    }
    assert!(seen.contains("STATE.EFFECT"), "the replication stream was searched");
    seen.push_str(&server.log());
    seen.push_str(&replica.log());
    let leak = seen.find(MARK).map(|at| &seen[at.saturating_sub(200)..(at + 40).min(seen.len())]);
    assert_eq!(leak, None, "a secret left the server");
    assert!(
        seen.contains("(redacted)") && seen.contains(r#""***""#),
        "the searched output contains masked secrets"
    );
    assert!(
        document(&mut client).contains(&format!("{MARK}-9")),
        "a permitted caller reads the present value"
    );
    server_keeps_it_on_disk(&mut client);
}

/// Rejected requests that contain the secret, each with another error.
fn wrong_lines() -> Vec<Vec<String>> {
    let line = |command: &str, json: &str, more: &[&str]| {
        let mut line = vec![command.to_owned(), KEY.to_owned(), "*".to_owned(), json.to_owned()];
        line.extend(more.iter().map(|word| (*word).to_owned()));
        line
    };
    let operation = |op: &str, rest: &str| format!(r#"[{{"op":"{op}",{rest}}}]"#);
    let mut lines = vec![
        line("STATE.UPDATE", &token(20), &[]),
        line("STATE.UPDATE", &token(21), &["OPERATION", "login"]),
        line("STATE.UPDATE", &token(22), &["FROB"]),
        line("STATE.UPDATE", &token(23), &["SCHEMA", "vimbiso.none"]),
        line("STATE.UPDATE", &format!("{}x", token(24)), &[]),
        line("STATE.SETPROTECTED", &token(25), &["EX", "0"]),
        line("STATE.SETPROTECTED", &format!(r#"{{"auth":{{"token":{{"{MARK}":7}}}}}}"#), &[]),
        line("STATE.SETPROTECTED", &format!(r#"{{"auth":{{"token":["{MARK}"]}}}}"#), &["OPERATION", "login"]),
        line("STATE.SETPROTECTED", &format!(r#"{{"auth":"{MARK}"}}"#), &[]),
        line("STATE.SETPROTECTED", &format!(r#"{{"auth":{{"token":"{MARK}","kind":7}}}}"#), &[]),
        line("STATE.SETPROTECTED", &token(26), &["DRYRUN", "FROB"]),
    ];
    for json in [
        operation("test", &format!(r#""path":"/auth/token","value":"{MARK}-9""#)),
        operation("test", &format!(r#""path":"/auth","value":{{"token":"{MARK}-9"}}"#)),
        operation("copy", r#""from":"/auth/token","path":"/current/token""#),
        operation("move", r#""from":"/auth","path":"/current/auth""#),
    ] {
        lines.push(line("STATE.SETPROTECTED", &json, &["PATCH"]));
    }
    lines.push(vec![
        "STATE.VALIDATE".into(),
        "vimbiso.rules".into(),
        format!(r#"{{"auth":{{"token":["{MARK}"]}}}}"#),
    ]);
    lines
}

/// The search works: DUMP has the secret.
fn server_keeps_it_on_disk(client: &mut Client) {
    let Reply::Bulk(dump) = client.ok(&["DUMP", KEY]) else { panic!("a dump") };
    assert!(String::from_utf8_lossy(&dump).contains(MARK), "DUMP carries whole states");
}

/// A caller without permission to run STATE.SETPROTECTED reads `"***"` everywhere, and may send it
/// back.
#[test]
fn caller_without_permission_reads_masked_secrets() {
    state_test(|server, client| {
        full_state(client);
        let mut flow = permissions::flow(server, client);
        let masked = FULL.replace("eyJhbGciOiJIUzI1NiJ9", "***");
        assert_eq!(flow.state(KEY).1, masked);
        assert_eq!(flow.state(KEY).0, client.state(KEY).0, "the etag is that of the state");
        let reply = flow.ok(&["STATE.GET", KEY, "/auth", "/auth/token", "/auth/token/0"]);
        assert_eq!(reply.array()[1].text(), r#"{"token":"***","kind":"jwt"}"#);
        assert_eq!(reply.array()[2].text(), "\"***\"");
        assert!(reply.array()[3].is_nil());
        let returned =
            flow.ok(&["STATE.UPDATE", KEY, "1", r#"{"current":{"path":"offer"}}"#, "RETURN", "DRYRUN"]);
        assert!(returned.array()[1].text().contains(r#""token":"***""#));
        for (kind, json) in [
            ("REPLACE", masked.clone()),
            ("SHALLOW", r#"{"auth":{"token":"***","kind":"jwt"}}"#.to_owned()),
            ("MERGE", r#"{"auth":{"token":"***"}}"#.to_owned()),
        ] {
            let reply = flow.ok(&["STATE.UPDATE", KEY, "1", &json, kind, "RETURN"]);
            assert_eq!(reply.array()[1].text(), masked, "{kind}");
            assert_eq!(document(client), FULL, "{kind}: a masked value is no write");
        }
        let patch = r#"[{"op":"replace","path":"/auth/token","value":"***"},{"op":"replace","path":"/auth/kind","value":"x"}]"#;
        flow.ok(&["STATE.UPDATE", KEY, "1", patch, "PATCH"]);
        assert_eq!(
            member(client, "/auth").as_deref(),
            Some(r#"{"token":"eyJhbGciOiJIUzI1NiJ9","kind":"x"}"#)
        );
        // In a script and in a transaction, the caller's permissions count.
        let script = "return redis.call('STATE.GET', KEYS[1])[2]";
        assert!(flow.text(&["EVAL", script, "1", KEY]).contains(r#""token":"***""#));
        flow.ok(&["MULTI"]);
        flow.ok(&["STATE.GET", KEY]);
        let replies = flow.ok(&["EXEC"]);
        assert!(replies.array()[0].array()[1].text().contains(r#""token":"***""#));
    });
}

/// `"***"` for a missing secret does not create one.
#[test]
fn masked_value_creates_no_secret() {
    state_test(|_, client| {
        full_state(client);
        let other = "channel:+263772222222";
        client.ok(&[
            "STATE.SETPROTECTED",
            other,
            "0",
            r#"{"auth":{"token":"***","kind":"jwt"}}"#,
            "REPLACE",
            "SCHEMA",
            "vimbiso.rules",
        ]);
        assert_eq!(client.state(other).1, r#"{"auth":{"kind":"jwt"}}"#);
    });
}

/// The audit stream records that a secret was written, without its value.
#[test]
fn audit_stream_records_that_a_secret_was_written() {
    state_test(|_, client| {
        full_state(client);
        client.ok(&["STATE.SETPROTECTED", KEY, "1", &token(1)]);
        assert_eq!(
            newest(client).field("patch").text(),
            r#"[{"op":"replace","path":"/auth/token","value":"***"}]"#
        );
        client.ok(&["STATE.SETPROTECTED", KEY, "2", r#"{"auth":{"token":null}}"#]);
        assert_eq!(newest(client).field("patch").text(), r#"[{"op":"remove","path":"/auth/token"}]"#);
        client.ok(&["STATE.SETPROTECTED", KEY, "3", &token(2)]);
        assert_eq!(
            newest(client).field("patch").text(),
            r#"[{"op":"add","path":"/auth/token","value":"***"}]"#
        );
        // The token moved behind its neighbour: the patch has the whole object, with the token
        // masked.
        let moved = r#"[{"op":"replace","path":"/auth","value":{"kind":"jwt","token":"***"}}]"#;
        assert_eq!(client.text(&["STATE.DIFF", KEY, "1", "4"]), moved);
    });
}

/// A removed secret never returns: not by a rollback, by ALL or by a recovery from the audit
/// stream.
#[test]
fn removed_secret_never_returns() {
    state_test(|_, client| {
        full_state(client);
        client.ok(&["STATE.SETPROTECTED", KEY, "1", &token(2)]);
        for line in
            [&["STATE.ROLLBACK", KEY, "*", "TO", "1"][..], &["STATE.ROLLBACK", KEY, "*", "TO", "1", "ALL"]]
        {
            client.ok(line);
            assert_eq!(member(client, "/auth/token"), Some(format!("\"{MARK}-2\"")), "{line:?}");
        }
        client.ok(&["STATE.SETPROTECTED", KEY, "*", r#"{"auth":{"token":null}}"#]);
        client.ok(&["STATE.ROLLBACK", KEY, "*", "TO", "1", "ALL"]);
        assert_eq!(member(client, "/auth/token"), None);
        client.ok(&["STATE.SETPROTECTED", KEY, "*", &token(3)]);
        client.ok(&["DEL", KEY]);
        assert_eq!(client.ok(&["STATE.RECOVER", KEY]).field("rung").text(), "audit");
        assert_eq!(member(client, "/auth/token"), None);
        assert_eq!(member(client, "/auth").as_deref(), Some(r#"{"kind":"jwt"}"#));
    });
}

/// If the new schema of a state would show its old secrets, the versions with them are dropped,
/// labelled ones too.
#[test]
fn change_of_schema_shows_no_old_secret() {
    state_test(|_, client| {
        full_state(client);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"current":{"path":"menu"}}"#, "LABEL", "menu"]);
        // A schema with the same secrets drops nothing.
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.same", crate::RULES]);
        client.ok(&["STATE.SETPROTECTED", KEY, "2", r#"{"auth":{"token":null}}"#, "SCHEMA", "vimbiso.same"]);
        assert_eq!(client.ok(&["STATE.HISTORY", KEY]).array().len(), 3);
        assert!(!client.ok(&["STATE.GET", KEY, "VERSION", "1"]).to_string().contains("eyJ"));
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.open", "{}"]);
        client.ok(&["STATE.SETPROTECTED", KEY, "3", r#"{"note":1}"#, "SCHEMA", "vimbiso.open"]);
        let history = client.ok(&["STATE.HISTORY", KEY]);
        let versions: Vec<i64> =
            history.array().iter().map(|version| version.field("version").int()).collect();
        assert_eq!(versions, [4, 3], "the versions with a token are dropped");
        assert_eq!(
            client.err(&["STATE.ROLLBACK", KEY, "4", "LABEL", "menu"]),
            "NOVERSION label menu names no version; kept: 3..4"
        );
        assert!(client.err(&["STATE.GET", KEY, "VERSION", "1"]).starts_with("NOVERSION "));
    });
}

/// A new revision masks its secrets at once, also in states written before.
#[test]
fn new_revision_masks_existing_values() {
    state_test(|server, client| {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.cards", r#"{"properties":{"pin":{}}}"#]);
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"pin":"7391"}"#, "SCHEMA", "vimbiso.cards"]);
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.cards", r#"{"properties":{"pin":{"x-secret":true}}}"#]);
        let mut flow = permissions::flow(server, client);
        assert_eq!(flow.state(KEY).1, r#"{"pin":"***"}"#);
        assert_eq!(flow.ok(&["STATE.GET", KEY, "/pin"]).array()[1].text(), r#""***""#);
    });
}

/// A caller that may neither read nor write a secret can't guess it: right and wrong values get the
/// same reply.
#[test]
fn right_and_wrong_guesses_get_the_same_reply() {
    state_test(|server, client| {
        let schema = r#"{"properties":{
            "auth":{"properties":{"token":{"x-protected":true,"x-secret":true},"kind":{}}},
            "card":{"x-protected":true,"properties":{"pin":{"x-secret":true}}},
            "vault":{"x-secret":true,"properties":{"key":{"x-protected":true},"hint":{}}},
            "seed":{"x-immutable":true,"x-secret":true}}}"#;
        let state = r#"{"auth":{"token":"7391","kind":"jwt"},"card":{"pin":"7391","name":"Z"},"vault":{"key":"7391","hint":"x"},"seed":"7391"}"#;
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.pins", schema]);
        client.ok(&["STATE.SETPROTECTED", KEY, "0", state, "REPLACE", "SCHEMA", "vimbiso.pins"]);
        let mut flow = permissions::flow(server, client);
        let guesses = [
            ("/auth/token", r#"{"auth":{"token":"GUESS"}}"#, "PROTECTED"),
            ("/card/pin", r#"{"card":{"pin":"GUESS","name":"Z"}}"#, "PROTECTED"),
            ("/vault/key", r#"{"vault":{"key":"GUESS"}}"#, "PROTECTED"),
            ("/seed", r#"{"seed":"GUESS"}"#, "IMMUTABLE"),
        ];
        for (pointer, json, prefix) in guesses {
            let patch = format!(r#"[{{"op":"replace","path":"{pointer}","value":"GUESS"}}]"#);
            let kinds = [("MERGE", json), ("SHALLOW", json), ("REPLACE", json), ("PATCH", &patch)];
            for ((kind, json), dry_run) in kinds.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
                let answers = ["7391", "0000"].map(|guess| {
                    let json = json.replace("GUESS", guess);
                    let mut line = vec!["STATE.UPDATE", KEY, "1", &json, kind];
                    line.extend(dry_run.then_some("DRYRUN"));
                    flow.call(&line).to_string()
                });
                assert!(answers[0].contains(&format!("{prefix} {pointer}")), "{kind} {json}: {}", answers[0]);
                assert_eq!(answers[0], answers[1], "{kind} {json}");
            }
            // A caller that may read the secret can write it back.
            let known = json.replace("GUESS", "7391");
            assert!(client.text(&["STATE.UPDATE", KEY, "1", &known]).starts_with("1-"), "{known}");
        }
        assert_eq!(document(client), state);
        // An unprotected secret below a protected one is still the caller's to write.
        flow.ok(&["STATE.UPDATE", KEY, "1", r#"{"vault":{"hint":"y"},"auth":{"kind":"k","token":"***"}}"#]);
        assert_eq!(member(client, "/vault").as_deref(), Some(r#"{"key":"7391","hint":"y"}"#));
        assert_eq!(member(client, "/auth").as_deref(), Some(r#"{"token":"7391","kind":"k"}"#));
    });
}

/// A violation names the secret member, and no member within it.
#[test]
fn errors_hide_member_names_within_a_secret() {
    state_test(|_, client| {
        let schema = r#"{"properties":{"vault":{
            "x-secret":true,"type":"object","additionalProperties":false,
            "properties":{"keys":{"type":"object","additionalProperties":{"type":"integer"}}}}}}"#;
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.vault", schema]);
        for json in [
            format!(r#"{{"vault":{{"{MARK}":1}}}}"#),
            format!(r#"{{"vault":{{"keys":{{"{MARK}":"x"}}}}}}"#),
            format!(r#"{{"vault":"{MARK}"}}"#),
        ] {
            let wanted = "INVALID 1 violation: /vault: is not what the schema wants";
            assert_eq!(client.err(&["STATE.VALIDATE", "vimbiso.vault", &json]), wanted);
            assert_eq!(client.err(&["STATE.UPDATE", KEY, "0", &json, "SCHEMA", "vimbiso.vault"]), wanted);
        }
    });
}

/// A patch that reads at, above or below a secret is rejected for every caller: its success would
/// reveal the value.
#[test]
fn patch_cannot_read_a_secret() {
    state_test(|_, client| {
        full_state(client);
        for (number, operations) in [
            (0, r#"[{"op":"test","path":"/auth/token","value":"x"}]"#),
            (0, r#"[{"op":"test","path":"/auth","value":"x"}]"#),
            (0, r#"[{"op":"test","path":"","value":"x"}]"#),
            (0, r#"[{"op":"test","path":"/auth/token/0","value":"x"}]"#),
            (
                1,
                r#"[{"op":"add","path":"/current/x","value":1},{"op":"copy","from":"/auth/token","path":"/current/token"}]"#,
            ),
            (0, r#"[{"op":"move","from":"/auth","path":"/current/auth"}]"#),
            (0, r#"[{"op":"copy","from":"","path":"/current/all"}]"#),
        ] {
            for command in ["STATE.UPDATE", "STATE.SETPROTECTED"] {
                let error =
                    rejected(client, &[command, KEY, "1", operations, "PATCH"], "BADPATCH operation ");
                assert_eq!(error, format!("BADPATCH operation {number}: reads a secret"), "{operations}");
            }
        }
        client.ok(&[
            "STATE.UPDATE",
            KEY,
            "1",
            r#"[{"op":"test","path":"/auth/kind","value":"jwt"}]"#,
            "PATCH",
        ]);
    });
}

/// While the schema is missing, the secrets are unknown: only callers that may read secrets can
/// read.
#[test]
fn missing_schema_masks_everything() {
    state_test(|server, client| {
        full_state(client);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"current":{"path":"offer"}}"#]);
        let mut flow = permissions::flow(server, client);
        client.ok(&["STATE.SCHEMA", "DEL", "vimbiso.rules", "FORCE"]);
        assert!(flow.err(&["STATE.GET", KEY]).starts_with("NOSCHEMA "));
        assert!(flow.err(&["STATE.GET", KEY, "/current"]).starts_with("NOSCHEMA "));
        assert!(client.err(&["STATE.GET", KEY, "VERSION", "1"]).starts_with("NOSCHEMA "));
        assert!(client.err(&["STATE.DIFF", KEY, "1", "2"]).starts_with("NOSCHEMA "));
        assert!(document(client).contains("eyJhbGciOiJIUzI1NiJ9"));
    });
}

/// An error names a wrong null, in a secret too: a type is no secret.
#[test]
fn wrong_null_is_named() {
    state_test(|_, client| {
        let schema = r#"{"properties":{
            "auth":{"type":"object","properties":{"token":{"type":"string","x-secret":true}}},
            "amount":{"type":"number"},"stage":{"enum":["menu","offer"]}}}"#;
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.nulls", schema]);
        for (json, wanted) in [
            (r#"{"auth":{"token":null}}"#, "/auth/token: must not be null"),
            (r#"{"auth":{"token":7}}"#, "/auth/token: is not what the schema wants"),
        ] {
            let error = client.err(&["STATE.VALIDATE", "vimbiso.nulls", json]);
            assert_eq!(error, format!("INVALID 1 violation: {wanted}"));
        }
        for (json, pointer) in [(r#"{"amount":null}"#, "/amount: "), (r#"{"stage":null}"#, "/stage: ")] {
            let error = client.err(&["STATE.VALIDATE", "vimbiso.nulls", json]);
            assert!(error.contains(pointer) && error.ends_with(", not null"), "{error}");
        }
    });
}
