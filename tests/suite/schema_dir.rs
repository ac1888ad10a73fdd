//! `state.schema-dir`: a folder of schemas, loaded once the data are there. A file that differs becomes a new
//! revision; a broken one is logged and stops neither the server nor the others, because a bot without one of its
//! schemas is better off than a bot without its sessions.

use std::path::Path;

use crate::standing::KEY;
use support::{Client, Server, state_test, wait_until};

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).expect("a file in a folder of ours");
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
fn the_schemas_of_the_project_are_loaded() {
    state_test(|_, client| {
        let names: Vec<String> = schemas(client).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["vimbiso.cached-user", "vimbiso.channel", "vimbiso.conversation", "vimbiso.flow"]);
    });
}

#[test]
fn a_file_that_differs_becomes_a_new_revision_at_the_next_start() {
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
    std::fs::write(dir.path().join("vimbiso.offer.json"), stricter).expect("a file in a folder of ours");
    std::fs::write(dir.path().join("vimbiso.menu.json"), "{\n  \"type\": \"object\"\n}")
        .expect("only spaces differ");
    server.restart();
    let mut client = server.client();
    assert_eq!(schemas(&mut client), named(&[("by-hand", 1), ("vimbiso.menu", 1), ("vimbiso.offer", 2)]));
    assert_eq!(client.ok(&["STATE.META", KEY]).field("valid").int(), 0, "validated anew at its next write");
    assert!(client.err(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#]).starts_with("INVALID "));
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"amount":0}"#]);
}

#[test]
fn a_broken_file_is_logged_and_does_not_stop_the_others() {
    let dir = folder(&[
        ("a.broken.json", "{"),
        ("b.no-schema.json", r#"{"type":"objekt"}"#),
        ("c.remote.json", r#"{"$ref":"https://example.com/schema.json"}"#),
        ("d.good.json", r#"{"type":"object"}"#),
        ("e.large.json", &format!(r#"{{"title":"{}"}}"#, "x".repeat(70_000))),
        ("z.good.json", "true"),
    ]);
    std::fs::write(dir.path().join("f.bytes.json"), b"\xff\xfe").expect("a file in a folder of ours");
    for name in ["h.%s%n%999d.json", "i.Ā一\u{1b}[2J.json", "j.line\nbreak.json", ".json"] {
        std::fs::write(dir.path().join(name), "{").expect("a file in a folder of ours");
    }
    std::fs::create_dir(dir.path().join("g.folder.json")).expect("a folder in a folder of ours");
    let server = server_with(dir.path());
    let mut client = server.client();
    assert_eq!(schemas(&mut client), named(&[("d.good", 1), ("z.good", 1)]));
    let log = server.log();
    for name in ["a.broken", "b.no-schema", "c.remote", "e.large", "f.bytes"] {
        let line = log
            .lines()
            .find(|line| line.contains(name))
            .unwrap_or_else(|| panic!("{name} in the log: {log}"));
        assert!(line.contains(" # "), "{name} is a warning: {line}");
    }
    assert!(log.contains("h.%s%n%999d") && log.contains("i.Ā一"), "{log}");
    assert!(
        !log.contains('\u{1b}') && !log.contains("j.line\n"),
        "no control character of a name in the log: {log}"
    );
}

#[test]
fn a_folder_that_is_not_there_is_logged() {
    let dir = folder(&[]);
    let gone = dir.path().join("gone");
    let server = server_with(&gone);
    assert_eq!(server.client().text(&["PING"]), "PONG");
    wait_until("the log says so", || server.log().contains("gone"));
    assert_eq!(schemas(&mut server.client()), []);
}

#[test]
fn a_replica_takes_the_schemas_of_its_primary_not_of_its_folder() {
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
