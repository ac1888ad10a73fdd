//! Schemas sent to every primary: afterwards all have the same, the report lists the differences,
//! and equal ones are not sent.

use std::path::Path;

use redis_state_client::redis::cluster::ClusterClient;
use redis_state_client::{
    BindingOutcome, Change, ErrorKind, NodeReport, SchemaOutcome, SchemaReport, Schemas, States, connect,
    connect_blocking, connect_cluster,
};
use serde_json::json;
use support::{Client, Cluster, Reply, Server, block_on};

const OFFER: &str = r#"{"x-bind": ["offer:*"], "required": ["handle"]}"#;
const LEDGER: &str = r#"{"properties": {"page": {"minimum": 1}}}"#;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("a file in a temporary folder");
    }
    folder
}

fn bare_cluster() -> Cluster {
    Cluster::start_with(3, 0, |node| node.without_schemas())
}

/// All texts and bindings of a server, without revisions.
fn kept(client: &mut Client) -> Vec<(String, Reply, Vec<Reply>)> {
    let list = client.ok(&["STATE.SCHEMA", "LIST"]);
    let read = |schema: &Reply| {
        let name = schema.field("name").text().to_owned();
        let text = client.ok(&["STATE.SCHEMA", "GET", &name]);
        (name, text, schema.field("bindings").array().to_vec())
    };
    list.array().iter().map(read).collect()
}

/// The number of commands that changed schemas.
fn writes(client: &mut Client) -> u64 {
    let info = client.text(&["INFO", "commandstats"]);
    let of = |name: &str| {
        let line =
            info.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_state.schema|{name}:calls=")));
        line.and_then(|rest| rest.split(',').next()).map_or(0, |calls| calls.parse().expect("a number"))
    };
    ["set", "bind", "unbind", "del"].into_iter().map(of).sum()
}

/// `+` created, `~` changed, `=` unchanged, `!` rejected, in the order of the names.
fn outcomes(node: &NodeReport) -> String {
    let shown = node.schemas.iter().map(|schema| match &schema.outcome {
        SchemaOutcome::Created { .. } => '+',
        SchemaOutcome::Changed { .. } => '~',
        SchemaOutcome::Unchanged { .. } => '=',
        SchemaOutcome::Rejected(_) => '!',
        _ => '?',
    });
    shown.collect()
}

fn all(report: &SchemaReport, outcome: &str) -> bool {
    report.nodes.iter().all(|node| outcomes(node) == outcome)
}

#[test]
fn sync_updates_every_primary_and_reports_differences() {
    let cluster = bare_cluster();
    let mut clients: Vec<Client> = cluster.primaries().iter().map(Server::client).collect();
    // The second primary has an older text, another binding and a schema of its own.
    clients[1].ok(&["STATE.SCHEMA", "SET", "bot.offer", r#"{"required":["amount"]}"#]);
    clients[1].ok(&["STATE.SCHEMA", "SET", "bot.old", "{}"]);
    clients[1].ok(&["STATE.SCHEMA", "BIND", "offer:*", "bot.old"]);
    clients[1].ok(&["STATE.SCHEMA", "BIND", "old:*", "bot.old"]);
    let folder =
        folder(&[("bot.offer.json", OFFER), ("bot.ledger.json", LEDGER), ("README.md", "no schema")]);
    let wanted = Schemas::read_dir(folder.path()).expect("a folder").bind("ledger:*", "bot.ledger");
    block_on(async {
        let mut states = connect_cluster(cluster.urls()).await.expect("a cluster");
        let before: Vec<u64> = clients.iter_mut().map(writes).collect();
        let dry = states.sync_schemas_with(&wanted.clone().dry_run()).await.expect("a report");
        assert!(dry.dry_run && dry.differs() && dry.is_ok(), "{dry}");
        assert_eq!(clients.iter_mut().map(writes).collect::<Vec<_>>(), before, "a dry run only reads");

        let report = states.sync_schemas_with(&wanted).await.expect("a report");
        assert_eq!(report.to_string(), dry.to_string(), "the dry run has reported the same");
        assert!(report.is_ok() && report.differs());
        for (client, primary) in clients.iter_mut().zip(cluster.primaries()) {
            let address = format!("127.0.0.1:{}", primary.port());
            let node = report.nodes.iter().find(|node| node.address.as_ref() == Some(&address));
            let node = node.expect("every primary is in the report");
            let second = primary.port() == cluster.primaries()[1].port();
            assert_eq!(outcomes(node), if second { "+~" } else { "++" });
            let from = |pattern: &str| {
                let binding = node.bindings.iter().find(|binding| binding.pattern == pattern);
                match &binding.expect("a binding").outcome {
                    BindingOutcome::Bound { from } => from.clone(),
                    other => panic!("{other:?}"),
                }
            };
            assert_eq!(from("ledger:*"), None);
            assert_eq!(from("offer:*").as_deref(), second.then_some("bot.old"));
            let (extra, bound) = (&node.extra_schemas, &node.extra_bindings);
            assert_eq!((extra.len(), bound.len()), if second { (1, 1) } else { (0, 0) });
            if second {
                assert_eq!(*bound, [("old:*".to_owned(), "bot.old".to_owned())]);
                let changed = &node.schemas[1].outcome;
                assert!(matches!(changed, SchemaOutcome::Changed { from: 1, to: 2 }), "{changed:?}");
                client.ok(&["STATE.SCHEMA", "UNBIND", "old:*"]);
                client.ok(&["STATE.SCHEMA", "DEL", "bot.old"]);
            }
        }
        let first = kept(&mut clients[0]);
        assert_eq!(first.len(), 2);
        for client in &mut clients[1..] {
            assert_eq!(kept(client), first);
        }

        let before: Vec<u64> = clients.iter_mut().map(writes).collect();
        let again = states.sync_schemas_with(&wanted).await.expect("a report");
        assert!(again.is_ok() && !again.differs() && all(&again, "=="), "{again}");
        assert_eq!(again.to_string(), "");
        assert_eq!(clients.iter_mut().map(writes).collect::<Vec<_>>(), before, "nothing is sent");

        // The rules apply on every primary.
        for key in cluster.keys("offer") {
            let error = states.create(&key, Change::merge(&json!({"amount": 5})).expect("JSON")).await;
            assert_eq!(error.expect_err("it has no handle").kind(), ErrorKind::Invalid, "{key}");
        }
    });
}

#[test]
fn joining_primary_gets_schemas_before_slots() {
    let mut cluster = bare_cluster();
    let folder = folder(&[("bot.offer.json", OFFER)]);
    let urls = cluster.urls();
    cluster.add_primary();
    block_on(async {
        let mut states = connect_cluster(urls).await.expect("a cluster");
        let report = states.sync_schemas(folder.path()).await.expect("a report");
        assert!(report.is_ok() && all(&report, "+"), "{report}");
        assert_eq!(report.nodes.len(), 4);
    });
    let fourth = &cluster.primaries()[3];
    assert_eq!(kept(&mut fourth.client()), kept(&mut cluster.primaries()[0].client()));
}

#[test]
fn cluster_connections_of_redis_rs_reach_every_primary() {
    let cluster = bare_cluster();
    let mut clients: Vec<Client> = cluster.primaries().iter().map(Server::client).collect();
    let (one, other) = (folder(&[("bot.offer.json", OFFER)]), folder(&[("bot.ledger.json", LEDGER)]));
    let client = ClusterClient::new(cluster.urls()).expect("addresses");
    let mut blocking = States::blocking(client.get_connection().expect("a cluster"));
    let report = blocking.sync_schemas(one.path()).expect("a report");
    assert!(report.is_ok() && all(&report, "+") && report.nodes.len() == 3, "{report}");
    block_on(async {
        let mut states = States::new(client.get_async_connection().await.expect("a cluster"));
        let report = states.sync_schemas(other.path()).await.expect("a report");
        assert!(report.is_ok() && all(&report, "+") && report.nodes.len() == 3, "{report}");
        // One node of three is a misuse.
        let mut one = connect(&cluster.primaries()[0].url()).await.expect("a node");
        let error = one.sync_schemas(other.path()).await.expect_err("it reaches one node only");
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    });
    let first = kept(&mut clients[0]);
    assert_eq!(first.len(), 2);
    for client in &mut clients[1..] {
        assert_eq!(kept(client), first);
    }
}

#[test]
fn failed_primary_is_reported_and_the_others_are_synced() {
    let mut cluster = Cluster::start_with(3, 0, |node| {
        // The others keep serving their slots.
        node.without_schemas().arg("--cluster-require-full-coverage").arg("no")
    });
    let folder = folder(&[("bot.offer.json", OFFER)]);
    block_on(async {
        let mut states = connect_cluster(cluster.urls()).await.expect("a cluster").resends(1);
        let down = format!("127.0.0.1:{}", cluster.primaries()[2].port());
        cluster.kill_primary(2);
        let report = states.sync_schemas(folder.path()).await.expect("a report");
        assert!(!report.is_ok());
        for node in &report.nodes {
            let is_down = node.address.as_ref() == Some(&down);
            assert_eq!(
                (node.error.is_some(), outcomes(node).as_str()),
                if is_down { (true, "") } else { (false, "+") }
            );
        }
        cluster.restart_primary(2);
        let report = states.sync_schemas(folder.path()).await.expect("a report");
        assert!(report.is_ok(), "{report}");
        let mut shown: Vec<String> = report.nodes.iter().map(outcomes).collect();
        shown.sort();
        assert_eq!(shown, ["+", "=", "="]);
    });
}

fn nothing_is_sent(server: &Server, work: impl FnOnce(&Path)) {
    let broken = folder(&[("bot.offer.json", OFFER), ("bot.zoo.json", r#"{"required": ["handle"#)]);
    let mut client = server.client();
    work(broken.path());
    assert_eq!((writes(&mut client), kept(&mut client)), (0, Vec::new()));
}

#[test]
fn invalid_file_sends_nothing() {
    let server = Server::builder().without_schemas().start();
    nothing_is_sent(&server, |broken| {
        let mut states = connect_blocking(&server.url()).expect("a server");
        let error = states.sync_schemas(broken).expect_err("a file is broken");
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.to_string().contains("bot.zoo.json"), "{error}");
    });
    nothing_is_sent(&server, |broken| {
        block_on(async {
            let mut states = connect(&server.url()).await.expect("a server");
            assert!(states.sync_schemas(broken).await.is_err());
            assert!(states.sync_schemas(broken.join("nowhere")).await.is_err());
            let two = Schemas::new().schema("bot.offer", OFFER).expect("JSON").bind("offer:*", "bot.ledger");
            assert!(states.sync_schemas_with(&two).await.is_err(), "which of the two?");
        });
    });
}

#[test]
fn rejected_schema_is_reported_and_the_others_are_synced() {
    let server = Server::builder().without_schemas().start();
    let folder = folder(&[
        ("bot.bad.json", r#"{"type": "objekt", "x-bind": ["bad:*"]}"#),
        ("bot.ledger.json", LEDGER),
        ("bot.offer.json", OFFER),
    ]);
    let mut states = connect_blocking(&server.url()).expect("a server");
    let wanted = Schemas::read_dir(folder.path()).expect("a folder").bind("zoo:*", "bot.nowhere");
    let report = states.sync_schemas_with(&wanted).expect("a report");
    assert!(!report.is_ok());
    assert_eq!(outcomes(&report.nodes[0]), "!++");
    let kinds: Vec<ErrorKind> = report.failures().map(|error| error.kind()).collect();
    assert_eq!(kinds, [ErrorKind::BadSchema, ErrorKind::BadSchema, ErrorKind::NoSchema], "{report}");
    assert_eq!(report.nodes[0].address, None);
    assert_eq!(kept(&mut server.client()).len(), 2);
}

#[test]
fn only_differences_are_sent_to_a_single_server() {
    let server = Server::builder().without_schemas().start();
    let mut client = server.client();
    let folder = folder(&[("bot.ledger.json", LEDGER), ("bot.offer.json", OFFER)]);
    let mut blocking = connect_blocking(&server.url()).expect("a server");
    assert!(all(&blocking.sync_schemas(folder.path()).expect("a report"), "++"));
    assert_eq!(writes(&mut client), 2, "x-bind needs no command of its own");
    block_on(async {
        let mut states = connect(&server.url()).await.expect("a server");
        // Whitespace makes no difference, a member does.
        std::fs::write(folder.path().join("bot.offer.json"), OFFER.replace(' ', "\n")).expect("a file");
        std::fs::write(folder.path().join("bot.ledger.json"), LEDGER.replace('1', "2")).expect("a file");
        let report = states.sync_schemas(folder.path()).await.expect("a report");
        assert!(all(&report, "~=") && report.is_ok(), "{report}");
        assert_eq!(writes(&mut client), 3);
        // A binding that was removed is restored.
        client.ok(&["STATE.SCHEMA", "UNBIND", "offer:*"]);
        let report = states.sync_schemas(folder.path()).await.expect("a report");
        assert!(all(&report, "==") && report.differs(), "{report}");
        assert!(!states.sync_schemas(folder.path()).await.expect("a report").differs());
    });
    assert_eq!(
        client.text(&["STATE.SCHEMA", "GET", "bot.ledger"]),
        r#"{"properties":{"page":{"minimum":2}}}"#
    );
}
