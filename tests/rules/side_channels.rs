//! Side channels of secrets: etags, lengths, and output and logs while the schema that marks them
//! is missing. Each fails closed.

use support::{Client, Reply, Server, state_test, wait_until};

use crate::{AUDIT, KEY, newest, permissions};

/// Part of every secret in these tests, and of nothing else.
const MARK: &str = "MARK91c2";

const PINS: &str = r#"{"properties":{"pin":{"x-secret":true},"form":{"x-ttl":0.08}}}"#;

fn pin(more: &str) -> String {
    format!(r#"{{"pin":"{MARK}"{more}}}"#)
}

/// A state with a PIN, whose schema is then deleted.
fn state_without_its_schema(client: &mut Client, document: &str) {
    client.ok(&["STATE.SCHEMA", "SET", "bot.pins", PINS]);
    client.ok(&["MULTI"]);
    client.ok(&["STATE.UPDATE", KEY, "0", document, "SCHEMA", "bot.pins"]);
    client.ok(&["STATE.SCHEMA", "DEL", "bot.pins", "FORCE"]);
    client.ok(&["EXEC"]);
}

fn entries(client: &mut Client, stream: &str) -> String {
    client.ok(&["XRANGE", stream, "-", "+"]).to_string()
}

/// Etags do not show that two versions have the same secret.
#[test]
fn etags_of_equal_documents_differ() {
    state_test(|_, client| {
        let first = client.text(&["STATE.UPDATE", KEY, "0", &pin("")]);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"pin":"0000"}"#]);
        let third = client.text(&["STATE.ROLLBACK", KEY, "2", "TO", "1"]);
        let digest = |etag: &str| etag.split_once('-').expect("an etag").1.to_owned();
        assert_ne!(digest(&first), digest(&third));
        assert_eq!(client.ok(&["STATE.GET", KEY, "VERSION", "1"]).array()[0].text(), first);
        assert_eq!(client.state(KEY).0, third);
    });
}

/// Also in the entry of every 64th version, which carries the document.
#[test]
fn lapse_without_its_schema_writes_no_value() {
    state_test(|_, client| {
        client.ok(&["CONFIG", "SET", "state.feed", "sessions"]);
        client.ok(&["STATE.SCHEMA", "SET", "bot.pins", PINS]);
        client.ok(&["STATE.UPDATE", KEY, "0", &pin(""), "SCHEMA", "bot.pins"]);
        for step in 2..63 {
            client.ok(&["STATE.UPDATE", KEY, "*", &format!(r#"{{"step":{step}}}"#)]);
        }
        client.ok(&["MULTI"]);
        client.ok(&["STATE.UPDATE", KEY, "62", r#"{"form":{"amount":5,"draft":{"id":7}}}"#]);
        client.ok(&["STATE.SCHEMA", "DEL", "bot.pins", "FORCE"]);
        client.ok(&["EXEC"]);
        wait_until("the form has lapsed", || entries(client, "sessions").contains("lapse"));
        let entry = newest(client);
        assert_eq!((entry.field("event").text(), entry.field("version").text()), ("lapse", "64"));
        assert_eq!(entry.field("patch").text(), r#"[{"op":"remove","path":"/form"}]"#);
        assert!(!entry.field_names().contains(&"document".to_owned()), "{entry}");
        for stream in [AUDIT, "sessions"] {
            let entries = entries(client, stream);
            assert!(!entries.contains(MARK), "{stream}: {entries}");
        }
        client.ok(&["CONFIG", "SET", "state.feed", ""]);
    });
}

/// The state gets another schema after its own was deleted: the new one does not know the old
/// secrets.
#[test]
fn change_of_a_missing_schema_writes_no_value() {
    state_test(|_, client| {
        state_without_its_schema(client, &pin(r#","stage":"menu""#));
        client.ok(&["STATE.SCHEMA", "SET", "bot.open", "{}"]);
        let moved = format!(r#"{{"stage":"offer","moved":{}}}"#, pin(""));
        client.ok(&["STATE.SETPROTECTED", KEY, "1", &moved, "SCHEMA", "bot.open"]);
        assert_eq!(newest(client).field("patch").text(), r#"[{"op":"replace","path":"","value":"***"}]"#);
        let entries = entries(client, AUDIT);
        assert!(!entries.contains(MARK), "{entries}");
        // The next change is audited as usual; a state rebuilt from such a stream begins with the
        // defaults.
        client.ok(&["STATE.UPDATE", KEY, "2", r#"{"stage":"menu"}"#]);
        assert_eq!(
            newest(client).field("patch").text(),
            r#"[{"op":"replace","path":"/stage","value":"menu"}]"#
        );
        client.ok(&["DEL", KEY]);
        assert_eq!(client.ok(&["STATE.RECOVER", KEY]).field("rung").text(), "created");
    });
}

/// The last revision had no secret, but the version was made under one that had.
#[test]
fn secret_in_a_snapshot_stays_masked_without_the_schema() {
    state_test(|_, client| {
        client.ok(&["STATE.SCHEMA", "SET", "bot.pins", PINS]);
        client.ok(&["STATE.UPDATE", KEY, "0", &pin(""), "SCHEMA", "bot.pins"]);
        client.ok(&["STATE.SCHEMA", "SET", "bot.pins", "{}"]);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"pin":null}"#]);
        client.ok(&["STATE.SCHEMA", "DEL", "bot.pins", "FORCE"]);
        assert!(client.err(&["STATE.GET", KEY, "VERSION", "1"]).starts_with("NOSCHEMA "));
        assert!(client.err(&["STATE.DIFF", KEY, "2", "1"]).starts_with("NOSCHEMA "));
        assert_eq!(client.state(KEY).1, "{}");
    });
}

/// META and HISTORY return the length of the document that STATE.GET shows to the same caller.
#[test]
fn bytes_hide_the_length_of_a_secret() {
    state_test(|server, client| {
        client.ok(&["STATE.SCHEMA", "SET", "bot.pins", PINS]);
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"pin":"7391"}"#, "SCHEMA", "bot.pins"]);
        client.ok(&["STATE.SETPROTECTED", KEY, "1", r#"{"pin":"739173917391"}"#]);
        let mut flow = permissions::flow(server, client);
        let bytes = |client: &mut Client| {
            let history = client.ok(&["STATE.HISTORY", KEY]);
            let past = history.array().iter().map(|version| version.field("bytes").int());
            past.chain([client.ok(&["STATE.META", KEY]).field("bytes").int()]).collect::<Vec<_>>()
        };
        let (hidden, whole) = (r#"{"pin":"***"}"#.len() as i64, r#"{"pin":"739173917391"}"#.len() as i64);
        assert_eq!(bytes(&mut flow), [hidden, hidden, hidden]);
        // No caller sees a secret in a snapshot, so the length of version 1 hides it too.
        assert_eq!(bytes(client), [whole, hidden, whole]);
        client.ok(&["STATE.SCHEMA", "DEL", "bot.pins", "FORCE"]);
        assert_eq!(bytes(&mut flow), [0, 0, 0]);
        assert_eq!(bytes(client), [whole, 0, whole]);
    });
}

/// Commands whose JSON no known schema marks as free of secrets, and misplaced arguments.
fn lines() -> Vec<Vec<String>> {
    let json = pin("");
    let line = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    vec![
        line(&["STATE.UPDATE", "channel:1", "0", &json]),
        line(&["STATE.UPDATE", "channel:2", "0", &json, "SCHEMA", "bot.none"]),
        line(&["STATE.UPDATE", "channel:2", "0", &json, "DRYRUN"]),
        line(&["STATE.UPDATE", "bound:1", "0", &json]),
        line(&["STATE.UPDATE", KEY, "1", &json]),
        line(&["STATE.UPDATE", KEY, "7", &json]),
        line(&["STATE.UPDATE", "a}b", "0", &json]),
        line(&["STATE.VALIDATE", "bot.none", &json]),
        line(&["STATE.VALIDATE", "bot.pins", &json]),
        // JSON in the place of another argument.
        line(&["STATE.VALIDATE", &json, "bot.pins"]),
        line(&["STATE.UPDATE", KEY, &json, "1"]),
        line(&["STATE.UPDATE", &json, KEY, "1"]),
        line(&["STATE.UPDATE", KEY, "SCHEMA", "bot.pins", "1", &json]),
        line(&["STATE.UPDATE", KEY, "1", "{}", &json]),
        line(&["STATE.UPDATE", KEY, "1", "{}", "SCHEMA", &json]),
        line(&["STATE.SETPROTECTED", KEY, &json, "1"]),
        line(&["STATE.SETPROTECTED", KEY, "1", "{}", &json]),
        // JSON split by a shell.
        line(&["STATE.UPDATE", KEY, "1", r#"{"pin":"#, &format!(r#""{MARK}"}}"#)]),
        line(&["STATE.GET", KEY, &json]),
        line(&["STATE.ROLLBACK", KEY, "1", &json]),
        line(&["STATE.RESET", KEY, &json]),
        line(&["STATE.TOUCH", KEY, &json]),
        line(&["STATE.DIFF", KEY, "1", &json]),
        line(&["STATE.WAIT", KEY, &json, "1"]),
    ]
}

/// SLOWLOG and MONITOR show JSON only under a known schema without secrets.
#[test]
fn json_without_a_known_schema_is_redacted() {
    let server = Server::builder()
        .arg("--slowlog-log-slower-than")
        .arg("0")
        .arg("--slowlog-max-len")
        .arg("1000")
        .start();
    let mut client = server.client();
    client.ok(&["STATE.SCHEMA", "SET", "bot.bound", "{}"]);
    client.ok(&["STATE.SCHEMA", "BIND", "bound:*", "bot.bound"]);
    client.ok(&["STATE.SCHEMA", "DEL", "bot.bound", "FORCE"]);
    state_without_its_schema(&mut client, "{}");
    client.ok(&["STATE.SCHEMA", "SET", "bot.open", "{}"]);
    let mut monitor = server.client();
    monitor.ok(&["MONITOR"]);
    for line in lines() {
        let _mostly_an_error = client.call(&line);
        client.ok(&["MULTI"]);
        client.ok(&line);
        client.ok(&["EXEC"]);
    }
    client.ok(&["STATE.UPDATE", "offer:1", "0", r#"{"stage":"shown-as-sent"}"#, "SCHEMA", "bot.open"]);
    client.ok(&["ECHO", "that is all"]);
    let monitored = std::iter::repeat_with(|| monitor.read().to_string());
    let monitored: Vec<String> = monitored.take_while(|line| !line.contains("that is all")).collect();
    let slow: Vec<String> =
        client.ok(&["SLOWLOG", "GET", "-1"]).array().iter().map(Reply::to_string).collect();
    for (log, shown) in [("MONITOR", monitored), ("SLOWLOG", slow)] {
        assert_eq!(shown.iter().find(|line| line.contains(MARK)), None, "{log}");
        assert!(shown.iter().any(|line| line.contains("shown-as-sent")), "{log} shows JSON without secrets");
        assert!(shown.iter().filter(|line| line.contains("(redacted)")).count() >= lines().len(), "{log}");
    }
}
