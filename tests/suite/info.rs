//! `INFO state`: one `name:number` a line; each counter counts its events and nothing else (S8).

use std::collections::BTreeMap;

use crate::baseline::{KEY, OFFER};
use support::{Client, Server, state_test};

/// Every counter, without the prefix `state_`.
fn counters(client: &mut Client) -> BTreeMap<String, i64> {
    let text = client.text(&["INFO", "state"]);
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let counter = |line: &str| {
        let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("{line:?} is no name:number"));
        let name =
            name.strip_prefix("state_").unwrap_or_else(|| panic!("{line:?} does not begin with state_"));
        (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("{line:?} has no number")))
    };
    lines.map(counter).collect()
}

#[test]
fn section_has_one_number_a_line() {
    let server = Server::builder().without_schemas().start();
    let mut client = server.client();
    let names = [
        "created",
        "updates",
        "conflicts",
        "rollbacks",
        "deletes",
        "rejections_invalid",
        "rejections_badpatch",
        "rejections_toobig",
        "rejections_toodeep",
        "rejections_toocostly",
        "panics",
        "audit_entries",
        "schemas",
        "states",
        "bytes",
    ];
    let counters = counters(&mut client);
    for name in names {
        assert_eq!(counters.get(name), Some(&0), "state_{name} of a fresh server");
    }
    assert!(client.text(&["INFO", "state"]).starts_with("# state"));
    for section in ["everything", "modules"] {
        assert!(client.text(&["INFO", section]).contains("state_created:0"), "INFO {section}");
    }
}

/// Runs `command` and returns the counters that it moved, and by how much; without bytes, which
/// always move.
fn moved(client: &mut Client, command: &[&str]) -> Vec<(String, i64)> {
    let before = counters(client);
    let _reply = client.call(command);
    let after = counters(client);
    let changes = after.iter().map(|(name, value)| (name.clone(), value - before[name]));
    changes.filter(|(name, change)| *change != 0 && name != "bytes").collect()
}

/// A command, and by how much it moves which counters.
type Step<'a> = (&'a [&'a str], &'a [(&'a str, i64)]);

#[test]
fn each_counter_counts_its_events() {
    state_test(|_, client| {
        client.ok(&["CONFIG", "SET", "state.max-bytes", "4096"]);
        let big = format!(r#"{{"note":"{}"}}"#, "x".repeat(5000));
        let deep = format!("{}{}", r#"{"a":"#.repeat(70), "{}");
        let deep = format!("{deep}{}", "}".repeat(70));
        let schema = r#"{"properties":{"amount":{"type":"number"}}}"#;
        let steps: [Step; 24] = [
            (&["STATE.SCHEMA", "SET", "vimbiso.offer2", schema], &[("schemas", 1)]),
            (&["STATE.SCHEMA", "SET", "vimbiso.offer2", "true"], &[]),
            (&["STATE.SCHEMA", "SET", "vimbiso.offer2", schema], &[]),
            (
                &["STATE.UPDATE", KEY, "0", OFFER, "SCHEMA", "vimbiso.offer2"],
                &[("audit_entries", 1), ("created", 1), ("states", 1)],
            ),
            (&["STATE.UPDATE", KEY, "1", r#"{"amount":1}"#], &[("audit_entries", 1), ("updates", 1)]),
            (&["STATE.UPDATE", KEY, "*", r#"{"amount":2}"#, "DRYRUN"], &[]),
            (&["STATE.UPDATE", KEY, "2", r#"{"amount":1}"#], &[]),
            (&["STATE.UPDATE", KEY, "2", "{}", "EVENT", "shown"], &[("audit_entries", 1)]),
            (&["STATE.UPDATE", KEY, "1", "{}"], &[("conflicts", 1)]),
            (&["STATE.UPDATE", KEY, "0", "{}"], &[("conflicts", 1)]),
            (&["STATE.ROLLBACK", KEY, "1"], &[("conflicts", 1)]),
            (&["STATE.DELETE", KEY, "1"], &[("conflicts", 1)]),
            (
                &["STATE.UPDATE", KEY, "*", r#"{"amount":"ten"}"#],
                &[("audit_entries", 1), ("rejections_invalid", 1)],
            ),
            (
                &["STATE.UPDATE", KEY, "*", r#"[{"op":"remove","path":"/x"}]"#, "PATCH"],
                &[("audit_entries", 1), ("rejections_badpatch", 1)],
            ),
            (&["STATE.UPDATE", KEY, "*", &big], &[("audit_entries", 1), ("rejections_toobig", 1)]),
            (&["STATE.UPDATE", KEY, "*", &deep], &[("audit_entries", 1), ("rejections_toodeep", 1)]),
            (
                &["STATE.UPDATE", "channel:none", "0", r#"{"amount":"ten"}"#, "SCHEMA", "vimbiso.offer2"],
                &[("rejections_invalid", 1)],
            ),
            (&["STATE.UPDATE", "channel:none", "7", "{}"], &[]),
            (&["STATE.UPDATE", KEY, "*", "{"], &[]),
            (&["STATE.ROLLBACK", KEY, "2"], &[("audit_entries", 1), ("rollbacks", 1)]),
            (&["COPY", KEY, "channel:copy"], &[("states", 1)]),
            (&["STATE.DELETE", KEY, "*"], &[("audit_entries", 1), ("deletes", 1), ("states", -1)]),
            (&["DEL", "channel:copy"], &[("states", -1)]),
            (&["STATE.SCHEMA", "DEL", "vimbiso.offer2"], &[("schemas", -1)]),
        ];
        for (command, expected) in steps {
            let expected: Vec<(String, i64)> =
                expected.iter().map(|(name, by)| ((*name).to_owned(), *by)).collect();
            let shown: String = command.join(" ").chars().take(120).collect();
            assert_eq!(moved(client, command), expected, "{shown}");
        }
        assert_eq!(counters(client)["bytes"], 0, "no state is left");
    });
}

#[test]
fn errorstats_counts_errors_by_prefix() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
    client.err(&["STATE.UPDATE", KEY, "7", "{}"]);
    client.err(&["STATE.UPDATE", KEY, "7", "{}"]);
    client.err(&["STATE.UPDATE", KEY, "*", "{"]);
    let stats = client.text(&["INFO", "errorstats"]);
    assert!(
        stats.contains("errorstat_CONFLICT:count=2") && stats.contains("errorstat_BADJSON:count=1"),
        "{stats}"
    );
    assert!(client.text(&["INFO", "commandstats"]).contains("cmdstat_state.update:calls=4"));
}

#[test]
fn no_document_reaches_the_log() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"note":"words-of-tariro"}"#]);
    client.err(&["STATE.UPDATE", KEY, "1", r#"{"note":"words-of-tariro","#]);
    client.ok(&["STATE.DELETE", KEY, "1"]);
    assert!(!server.log().contains("words-of-tariro"));
}
