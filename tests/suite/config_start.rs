//! Settings at start: from redis.conf, from the arguments of `loadmodule`, and after CONFIG
//! REWRITE. A bad value stops the start with a log line that names it and says why.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::baseline::{KEY, OFFER};
use crate::config::{SETTINGS, get};
use support::{Client, Server, module_path, repository, wait_until};

/// A redis-server started from a redis.conf alone, as an operator starts it, since CONFIG REWRITE
/// needs a file. Killed when dropped.
struct FromFile {
    child: Child,
    port: u16,
}

impl FromFile {
    /// Writes `lines` and the settings that every test server needs to redis.conf in `dir`.
    fn write(dir: &Path, lines: &str) {
        let conf = format!(
            "bind 127.0.0.1\nsave \"\"\ndir {}\nlogfile server.log\nloadmodule {}{lines}\n",
            dir.display(),
            module_path().display(),
        );
        std::fs::write(dir.join("redis.conf"), conf).expect("a file in a temporary folder");
    }

    fn start(dir: &Path) -> FromFile {
        let port = free_port();
        let child = spawn(
            Command::new("redis-server").arg(dir.join("redis.conf")).args(["--port", &port.to_string()]),
        );
        let server = FromFile { child, port };
        wait_until("the server answers", || Client::connect(port).is_ok());
        server
    }

    fn client(&self) -> Client {
        Client::connect(self.port).expect("the server accepts")
    }
}

impl Drop for FromFile {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _status = self.child.wait();
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn spawn(command: &mut Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server is installed")
}

#[test]
fn config_rewrite_keeps_every_setting() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    FromFile::write(dir.path(), "");
    let server = FromFile::start(dir.path());
    let mut client = server.client();
    for (name, _, taken, _) in SETTINGS {
        client.ok(&["CONFIG", "SET", &format!("state.{name}"), taken[1].0]);
    }
    client.ok(&["CONFIG", "REWRITE"]);
    drop(server);
    let written = std::fs::read_to_string(dir.path().join("redis.conf")).expect("the file is there");
    let server = FromFile::start(dir.path());
    let mut client = server.client();
    for (name, default, taken, _) in SETTINGS {
        assert_eq!(get(&mut client, name), taken[1].1, "{name} after a restart");
        assert_ne!(taken[1].1, default, "the test sets something else than the default of {name}");
        assert!(written.contains(&format!("state.{name} ")), "{name} in {written}");
    }
}

#[test]
fn redis_conf_and_loadmodule_accept_the_same_settings() {
    let schemas = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(schemas.path().join("vimbiso.offer.json"), "{}").expect("a file in a temporary folder");
    for with_prefix in [true, false] {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let folder = format!("schema-dir {}", schemas.path().display());
        let lines = if with_prefix {
            let lines: Vec<String> =
                SETTINGS.iter().map(|(name, _, taken, _)| format!("\nstate.{name} {}", taken[1].0)).collect();
            format!("{}\nstate.{folder}", lines.concat())
        } else {
            let words: Vec<String> =
                SETTINGS.iter().map(|(name, _, taken, _)| format!(" {name} {}", taken[1].0)).collect();
            format!("{} {folder}", words.concat())
        };
        FromFile::write(dir.path(), &lines);
        let server = FromFile::start(dir.path());
        let mut client = server.client();
        for (name, _, taken, _) in SETTINGS {
            assert_eq!(get(&mut client, name), taken[1].1, "{name}");
        }
        assert_eq!(client.text(&["STATE.SCHEMA", "GET", "vimbiso.offer"]), "{}");
        // A second start, from the rewritten file, has the same settings.
        client.ok(&["CONFIG", "SET", "state.snapshots", "7"]);
        client.ok(&["CONFIG", "REWRITE"]);
        drop(server);
        let server = FromFile::start(dir.path());
        let mut client = server.client();
        assert_eq!(get(&mut client, "snapshots"), "7");
        assert_eq!(get(&mut client, "labels"), "1");
        assert_eq!(client.text(&["STATE.SCHEMA", "GET", "vimbiso.offer"]), "{}");
    }
}

#[test]
fn loadmodule_arguments_are_applied() {
    let builder = Server::builder().without_schemas();
    let server =
        builder.module_arg("snapshots").module_arg("3").module_arg("state.audit").module_arg("no").start();
    let mut client = server.client();
    assert_eq!((get(&mut client, "snapshots"), get(&mut client, "audit")), ("3".to_owned(), "no".to_owned()));
    client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
    for amount in 0..9 {
        client.ok(&["STATE.UPDATE", KEY, "*", &format!(r#"{{"amount":{amount}}}"#)]);
    }
    assert_eq!(client.ok(&["STATE.HISTORY", KEY]).array().len(), 4);
    assert_eq!(client.ok(&["DBSIZE"]).int(), 1, "no audit stream is written");
}

/// Starts a server whose start must fail; returns its log.
#[track_caller]
pub fn failed_start(lines: &str) -> String {
    let dir = tempfile::tempdir().expect("a temporary folder");
    FromFile::write(dir.path(), lines);
    let port = free_port().to_string();
    let mut child =
        spawn(Command::new("redis-server").arg(dir.path().join("redis.conf")).args(["--port", &port]));
    let mut ended = None;
    let begun = std::time::Instant::now();
    while ended.is_none() && begun.elapsed().as_secs() < 10 {
        ended = child.try_wait().expect("a child of this process");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let _already_gone = child.kill();
    let _status = child.wait();
    let log = std::fs::read_to_string(dir.path().join("server.log")).unwrap_or_default();
    let status = ended.unwrap_or_else(|| panic!("{lines:?} did not stop the start: {log}"));
    assert_eq!(status.code(), Some(1), "{lines:?} ends the server in order: {log}");
    log
}

#[test]
fn bad_value_stops_the_start_and_is_named() {
    for (name, _, _, rejected) in SETTINGS {
        for value in rejected.iter().filter(|value| !value.is_empty()) {
            for lines in [
                format!("\nstate.{name} {value}"),
                format!(" {name} {value}"),
                format!(" state.{name} {value}"),
            ] {
                let log = failed_start(&lines);
                assert!(log.contains(name), "{lines:?}: {log}");
            }
        }
    }
}

#[test]
fn unknown_setting_stops_the_start() {
    for (lines, word) in [
        (" snapshot 3", "snapshot 3"),
        (" snapshots", "snapshots has no value"),
        (" snapshots 3 labels", "labels has no value"),
        (" attempts 3", "attempts 3"),
        (" snapshot 3", "did you mean state.snapshots?"),
        (" snapshots 3 snapshots,labels 4", "snapshots,labels"),
        ("\nstate.snapshot 5", "state.snapshot: no such setting: did you mean state.snapshots?"),
        ("\n\"state.snapshot\" 5", "line 6: state.snapshot: no such setting: did you mean"),
        ("\n'state.snapshot' \"5\"", "state.snapshot: no such setting: did you mean state.snapshots?"),
        ("\nstate.\"\\x73napshot\" 5", "state.snapshot: no such setting: did you mean state.snapshots?"),
        ("\nState.Audit-Max-Len 5", "state.audit-max-len: no such setting: did you mean state.audit-maxlen?"),
        ("\nstate.schemadir /tmp", "did you mean state.schema-dir?"),
        ("\nstate.frobnicate 1", "state.frobnicate: no such setting: docs/operations.md lists them"),
    ] {
        let log = failed_start(lines);
        assert!(log.contains(word), "{lines:?}: {log}");
    }
}

/// The log names the line, also in a file that redis.conf includes.
#[test]
fn misspelt_setting_in_an_included_file_stops_the_start() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let included = dir.path().join("state.conf");
    std::fs::write(&included, "# settings\nstate.snapshots 3\nstate.default-tll 60\n")
        .expect("a temporary folder");
    let log = failed_start(&format!("\ninclude {}", included.display()));
    assert!(log.contains("state.conf, line 3: state.default-tll: no such setting"), "{log}");
    assert!(log.contains("did you mean state.default-ttl?"), "{log}");
}

/// S5, S10: the project's redis.conf has the required settings, accepts no remote connection, and
/// documents the default of every setting.
#[test]
fn project_redis_conf_matches_its_requirements() {
    let text = std::fs::read_to_string(repository().join("redis.conf")).expect("redis.conf");
    let of_this_machine = ["dir ", "loadmodule ", "port ", "bind ", "state.schema-dir "];
    let lines: Vec<&str> =
        text.lines().filter(|line| !of_this_machine.iter().any(|own| line.starts_with(own))).collect();
    let dir = tempfile::tempdir().expect("a temporary folder");
    FromFile::write(dir.path(), &format!("\n{}", lines.join("\n")));
    let server = FromFile::start(dir.path());
    let mut client = server.client();
    for (name, value) in [
        ("maxmemory", "268435456"),
        ("maxmemory-policy", "allkeys-lru"),
        ("appendonly", "yes"),
        ("appendfsync", "everysec"),
        ("protected-mode", "yes"),
    ] {
        assert_eq!(client.ok(&["CONFIG", "GET", name]).field(name).text(), value, "{name}");
    }
    assert!(text.contains("\nbind 127.0.0.1 -::1\n"));
    for (name, default, ..) in SETTINGS {
        assert!(
            lines.iter().any(|line| line.starts_with(&format!("state.{name} "))),
            "redis.conf lacks {name}"
        );
        assert_eq!(get(&mut client, name), default, "state.{name}");
    }
}
