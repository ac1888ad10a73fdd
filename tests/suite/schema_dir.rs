//! `state.schema-dir`: a folder of schemas, loaded after the data. A changed file makes a new
//! revision. A broken file stops the start: otherwise a key that its schema binds could be created
//! unvalidated, with its secrets in clear.

use std::path::Path;

use crate::baseline::KEY;
use crate::config_start::failed_start;
use support::{Client, Server, state_test, wait_until};

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).expect("a file in a temporary folder");
    }
    dir
}

fn server_with(dir: &Path) -> Server {
    Server::builder().without_schemas().arg("--state.schema-dir").arg(dir.display().to_string()).start()
}

/// Name and revision of each schema.
fn schemas(client: &mut Client) -> Vec<(String, i64)> {
    let list = client.ok(&["STATE.SCHEMA", "LIST"]);
    list.array()
        .iter()
        .map(|schema| (schema.field("name").text().to_owned(), schema.field("revision").int()))
        .collect()
}

fn named(names: &[(&str, i64)]) -> Vec<(String, i64)> {
    names.iter().map(|(name, revision)| ((*name).to_owned(), *revision)).collect()
}

#[test]
fn schemas_of_the_project_are_loaded() {
    state_test(|_, client| {
        let names: Vec<String> = schemas(client).into_iter().map(|(name, _)| name).collect();
        let shipped = ["cached-user", "channel", "chatserver", "conversation", "flow"];
        assert_eq!(names, shipped.map(|name| format!("vimbiso.{name}")));
    });
}

#[test]
fn changed_file_makes_a_new_revision_at_the_next_start() {
    let dir = folder(&[
        ("vimbiso.offer.json", r#"{"properties":{"amount":{"type":"number"}}}"#),
        ("vimbiso.menu.json", "{ \"type\" : \"object\" }\n"),
        ("README.md", "not a schema"),
    ]);
    let mut server = server_with(dir.path());
    let mut client = server.client();
    assert_eq!(schemas(&mut client), named(&[("vimbiso.menu", 1), ("vimbiso.offer", 1)]));
    assert_eq!(client.text(&["STATE.SCHEMA", "GET", "vimbiso.menu"]), r#"{"type":"object"}"#);
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"amount":1}"#, "SCHEMA", "vimbiso.offer", "PERSIST"]);
    client.ok(&["STATE.SCHEMA", "SET", "by-hand", "{}"]);
    client.ok(&["SAVE"]);
    server.restart();
    let mut client = server.client();
    let same = [("by-hand", 1), ("vimbiso.menu", 1), ("vimbiso.offer", 1)];
    assert_eq!(schemas(&mut client), named(&same), "the same files are the same revisions");

    let stricter = r#"{"properties":{"amount":{"type":"number","maximum":0}}}"#;
    std::fs::write(dir.path().join("vimbiso.offer.json"), stricter).expect("a file in a temporary folder");
    std::fs::write(dir.path().join("vimbiso.menu.json"), "{\n  \"type\": \"object\"\n}")
        .expect("only spaces differ");
    server.restart();
    let mut client = server.client();
    assert_eq!(schemas(&mut client), named(&[("by-hand", 1), ("vimbiso.menu", 1), ("vimbiso.offer", 2)]));
    assert_eq!(client.ok(&["STATE.META", KEY]).field("valid").int(), 0, "validated at its next write");
    assert!(client.err(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#]).starts_with("INVALID "));
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"amount":0}"#]);
}

/// The log line of a server that must not start with this folder.
#[track_caller]
fn start_error(dir: &Path) -> String {
    let log = failed_start(&format!("\nstate.schema-dir {}", dir.display()));
    let is_named = |line: &&str| line.contains("redis-state is not loaded: state.schema-dir");
    log.lines().find(is_named).unwrap_or_else(|| panic!("no line says why: {log}")).to_owned()
}

#[test]
fn broken_file_stops_the_start_and_is_named() {
    let large = format!(r#"{{"title":"{}"}}"#, "x".repeat(70_000));
    for (name, text, fault) in [
        ("a.broken.json", r#"{"type":"object",,"x-bind":["channel:*"]}"#, "BADJSON "),
        ("b.no-schema.json", r#"{"type":"objekt"}"#, "BADSCHEMA /type"),
        ("c.remote.json", r#"{"$ref":"https://example.com/schema.json"}"#, "BADSCHEMA "),
        ("e.large.json", &large, "at most 65536 bytes"),
        ("h.%s%n%999d.json", "{", "BADJSON "),
        ("AUDIT.json", "{}", "may not be the word"),
    ] {
        let dir =
            folder(&[("d.good.json", r#"{"type":"object"}"#), (name, text), ("README.md", "no schema")]);
        let line = start_error(dir.path());
        assert!(line.contains(name) && line.contains(fault), "{name}: {line}");
    }
    let dir = folder(&[]);
    std::fs::write(dir.path().join("f.bytes.json"), b"\xff\xfe").expect("a file in a temporary folder");
    assert!(start_error(dir.path()).contains("f.bytes.json"));
    let dir = folder(&[]);
    std::fs::create_dir(dir.path().join("fifo")).expect("a folder in a temporary folder");
    let fifo = dir.path().join("fifo/pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a pipe");
    std::os::unix::fs::symlink(&fifo, dir.path().join("k.pipe.json")).expect("a link");
    let line = start_error(dir.path());
    assert!(line.contains("k.pipe.json: ") && line.contains("is no regular file"), "{line}");
    let line = start_error(folder(&[("vimbiso.menu.JSON", "{}"), ("vimbiso.menu.json", "{}")]).path());
    assert!(line.contains("vimbiso.menu.json: ") && line.contains("the same schema"), "{line}");
    let dir = folder(&[]);
    std::fs::create_dir(dir.path().join("g.folder.json")).expect("a folder in a temporary folder");
    assert!(start_error(dir.path()).contains("g.folder.json"));
}

#[test]
fn file_extension_is_case_insensitive() {
    let dir = folder(&[("vimbiso.menu.JSON", "{}")]);
    assert_eq!(schemas(&mut server_with(dir.path()).client()), named(&[("vimbiso.menu", 1)]));
}

#[test]
fn file_name_in_the_log_is_one_printable_line() {
    for name in ["i.Ā一\u{1b}[2J.json", "j.line\nbreak.json"] {
        let dir = folder(&[(name, "{")]);
        let line = start_error(dir.path());
        assert!(!line.contains('\u{1b}') && line.contains(".json: "), "{line}");
    }
}

#[test]
fn unreadable_folder_stops_the_start() {
    let dir = folder(&[("file", "{}"), ("more.schemas", "{}")]);
    for wrong in ["gone", "file"] {
        let line = start_error(&dir.path().join(wrong));
        assert!(line.contains(&format!("/{wrong} can't be read: ")), "{line}");
    }
    // Other files are ignored.
    assert_eq!(schemas(&mut server_with(dir.path()).client()), []);
}

#[test]
fn too_many_schemas_stop_the_start() {
    let dir = folder(&[]);
    for number in 0..1025 {
        std::fs::write(dir.path().join(format!("vimbiso.{number}.json")), "{}").expect("a temporary folder");
    }
    assert!(start_error(dir.path()).contains("1024 schemas"));
}

/// Schemas in the data count as well, and are known only after loading.
#[test]
fn folder_that_exceeds_the_limit_with_the_data_stops_the_server() {
    let dir = folder(&[]);
    let mut server = server_with(dir.path());
    let mut client = server.client();
    for number in 0..1024 {
        client.ok(&["STATE.SCHEMA", "SET", &format!("by-hand.{number}"), "{}"]);
    }
    client.ok(&["SAVE"]);
    server.shut_down();
    std::fs::write(dir.path().join("vimbiso.offer.json"), "{}").expect("a file in a temporary folder");
    let child = server.try_start_again();
    // The server may have answered before the folder was loaded.
    if child.is_ok() {
        wait_until("the server ends", || Client::connect(server.port()).is_err());
    }
    let log = server.log();
    assert!(
        log.contains("vimbiso.offer.json: BADSCHEMA 1024 schemas") && log.contains("the server ends"),
        "{log}"
    );
}

#[test]
fn no_key_is_written_before_the_folder_is_loaded() {
    let bound = r#"{"x-bind":["channel:*"],"required":["amount"],"properties":{"token":{"x-secret":true}}}"#;
    let dir = folder(&[("vimbiso.channel.json", bound)]);
    for _ in 0..5 {
        let server = server_with(dir.path());
        let error = server.client().err(&["STATE.UPDATE", KEY, "0", r#"{"token":"tok_a4c1"}"#]);
        assert!(error.starts_with("INVALID "), "{error}");
    }
}

#[test]
fn replica_uses_the_schemas_of_its_primary() {
    let (here, there) = (folder(&[("vimbiso.offer.json", "{}")]), folder(&[("vimbiso.menu.json", "true")]));
    let (primary, mut replica) = (server_with(here.path()), server_with(there.path()));
    replica.follow(&primary);
    wait_until("the registry is the primary's", || {
        schemas(&mut replica.client()) == named(&[("vimbiso.offer", 1)])
    });
    replica.set_arg("--replicaof", &format!("127.0.0.1 {}", primary.port()));
    replica.restart();
    wait_until("the link is up", || {
        replica.client().text(&["INFO", "replication"]).contains("master_link_status:up")
    });
    assert_eq!(schemas(&mut replica.client()), named(&[("vimbiso.offer", 1)]));
}
