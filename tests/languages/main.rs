//! One example in four languages, each run against a real server as a developer runs it: its
//! output, the state that it leaves, and that docs/clients.md prints its code.
//!
//! `scripts/clients.sh`, which `make test` calls, installs the client libraries.

mod any_order;
mod example;
mod page;
mod racing_proxy;

use serde_json::{Value, json};
use support::{Client, Reply, Server};

use example::{Example, masked};
use racing_proxy::Rush;

/// The output of every example, in both protocols.
pub const PRINTED: &str = "\
created     1-<digest>
read        1-<digest> login/Greeting
moved       2-<digest>
resent      2-<digest>
rejected    CONFLICT
answered    4-<digest> after 2 tries
redelivered already counted
rolled back 5-<digest> onboard/Welcome
meta        version 5, schema vimbiso.channel, valid 1
audit       1 create
audit       2 update
audit       3 update
audit       4 update
audit       4 reject
audit       5 rollback
";

/// The fields of the audit entries that show each author and event; `-` where an entry has none.
const AUDIT: [&str; 6] = [
    "1 create first_contact - - - -",
    "2 update - wamid.1 - - -",
    "3 update - - login_api - -",
    "4 update - wamid.2 - - -",
    "4 reject - wamid.2 - - IDMISMATCH",
    "5 rollback - - - user said back -",
];

/// Runs an example without arguments where `protocol` is 3, and with another key where it is 2.
#[track_caller]
fn plays(example: Example, protocol: u8) {
    let server = Server::start();
    let mut monitor = server.client();
    monitor.ok(&["MONITOR"]);

    let other_key = "channel:+263772222222";
    let (key, run) = match protocol {
        3 => (example.key(), example.start(&server, server.port(), None, None)),
        _ => (other_key, example.start(&server, server.port(), Some(other_key), Some(protocol))),
    };
    let ended = run.end();
    assert!(ended.success, "{example:?} fails: {}{}", ended.printed, ended.complaint);
    assert_eq!(masked(&ended.printed), PRINTED, "{example:?} prints");

    let mut client = server.client();
    assert_eq!(speaks_resp3(&mut client, &mut monitor), protocol == 3, "{example:?} speaks RESP{protocol}");
    let (etag, document) = client.state(key);
    assert!(ended.printed.contains(&format!("rolled back {etag} ")), "{etag} is the last: {}", ended.printed);
    assert_eq!(Client::version(&etag), 5);
    let identifier = key.strip_prefix("channel:").expect("a channel");
    let expected = json!({
        "channel": {"type": "whatsapp", "identifier": identifier},
        "current": {
            "path": "onboard", "component": "Welcome", "awaiting_input": false, "component_result": null, "data": {}
        },
    });
    assert_eq!(serde_json::from_str::<Value>(&document).expect("a document is JSON"), expected);
    assert_eq!(audit(&mut client, key), AUDIT);
}

/// Whether a client has asked for RESP3 since `monitor` started.
#[track_caller]
fn speaks_resp3(client: &mut Client, monitor: &mut Client) -> bool {
    client.ok(&["ECHO", "that was all"]);
    let lines = std::iter::from_fn(|| {
        let line = monitor.read().text().to_lowercase();
        (!line.ends_with(r#""echo" "that was all""#)).then_some(line)
    });
    let lines: Vec<String> = lines.collect();
    assert!(lines.iter().any(|line| line.contains(r#""state.get""#)), "the monitor shows: {lines:?}");
    lines.iter().any(|line| line.contains(r#""hello" "3""#))
}

/// The audit stream of a state, a line for each entry, with the first word of an error.
fn audit(client: &mut Client, key: &str) -> Vec<String> {
    let entries = client.ok(&["XRANGE", &format!("{{{key}}}:audit"), "-", "+"]);
    let shown = |entry: &Reply| {
        let fields = &entry.array()[1];
        let names = fields.field_names();
        let value = |name: &str| match names.iter().any(|known| known == name) {
            true => fields.field(name).text(),
            false => "-",
        };
        let error = value("error").split(' ').next().expect("a first word").to_owned();
        let shown = ["version", "event", "name", "id", "actor", "note"].map(value).join(" ");
        format!("{shown} {error}")
    };
    entries.array().iter().map(shown).collect()
}

/// If another client commits first each time, an example gives up after three tries; the message is
/// not counted.
#[track_caller]
fn gives_up(example: Example) {
    let server = Server::start();
    let mut client = server.client();
    let rush = Rush::before(&server, example.key(), "wamid.2");

    let ended = example.start(&server, rush.port(), None, None).end();
    assert!(!ended.success, "{example:?} succeeded: {}", ended.printed);
    assert!(ended.complaint.contains("conflict in all 3 tries"), "{}", ended.complaint);
    assert_eq!(rush.times(), 3, "{example:?} tries three times");
    assert!(ended.printed.ends_with("rejected    CONFLICT\n"), "{}", ended.printed);

    assert_eq!(Client::version(&client.state(example.key()).0), 6);
    let audit = audit(&mut client, example.key());
    assert!(!audit.iter().any(|entry| entry.contains("wamid.2")), "{audit:?}");
}

#[test]
fn python_speaks_resp3() {
    plays(Example::Python, 3);
}

#[test]
fn python_speaks_resp2() {
    plays(Example::Python, 2);
}

#[test]
fn python_tries_three_times() {
    gives_up(Example::Python);
}

#[test]
fn node_speaks_resp3() {
    plays(Example::Node, 3);
}

#[test]
fn node_speaks_resp2() {
    plays(Example::Node, 2);
}

#[test]
fn node_tries_three_times() {
    gives_up(Example::Node);
}

#[test]
fn redis_cli_speaks_resp3() {
    plays(Example::RedisCli, 3);
}

#[test]
fn redis_cli_speaks_resp2() {
    plays(Example::RedisCli, 2);
}

#[test]
fn redis_cli_tries_three_times() {
    gives_up(Example::RedisCli);
}

/// S4: the client crate connects to `REDIS_STATE_URL` too.
#[test]
fn rust_speaks_resp3() {
    plays(Example::Rust, 3);
}

#[test]
fn rust_speaks_resp2() {
    plays(Example::Rust, 2);
}

#[test]
fn rust_tries_three_times() {
    gives_up(Example::Rust);
}
