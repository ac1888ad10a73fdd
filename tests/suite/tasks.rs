//! docs/tasks.md works as printed: each shell block runs with bash against a real server and has
//! the result that its section says.
//!
//! A wrapper of `redis-cli`, first in PATH, adds the port. Hosts and paths of the page are replaced
//! by those of the test.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use support::console::{blocks, page};
use support::{Client, Server, module_path, wait_until};

const KEY: &str = "channel:+263771000010";
const STREAM: &str = "{channel:+263771000010}:audit";

/// The shell blocks of a section, run one after another against `server`.
struct Section<'a> {
    blocks: Vec<String>,
    server: &'a Server,
    replica: Option<&'a Server>,
}

impl<'a> Section<'a> {
    fn new(title: &str, server: &'a Server) -> Section<'a> {
        let page = page("docs/tasks.md");
        let section =
            page.split_once(&format!("\n## {title}\n")).unwrap_or_else(|| panic!("no section {title}")).1;
        let blocks = blocks(section.split("\n## ").next().expect("a section"), "sh");
        Section { blocks, server, replica: None }
    }

    /// Runs the block with this index; returns its output.
    #[track_caller]
    fn run(&self, at: usize) -> String {
        let block = &self.blocks[at];
        let bin = self.bin();
        let replica = self.replica.map_or(0, Server::port);
        let block = block
            .replace("-h replica.example", &format!("-p {replica}"))
            .replace("primary.example 6379", &format!("127.0.0.1 {}", self.server.port()))
            .replace("target/release/libredis_state.so", &module_path().display().to_string())
            .replace("/usr/lib/redis/modules", &self.server.dir().display().to_string())
            .replace(
                "target/release/redis-state-import",
                &module_path().with_file_name("redis-state-import").display().to_string(),
            )
            .replace("127.0.0.1:6379/", &format!("127.0.0.1:{}/", self.server.port()))
            .replace("sudo systemctl restart redis-server", "true");
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &block])
            .env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").expect("a PATH")))
            .output()
            .expect("bash");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{block}\n{printed}{complaint}");
        let is_error =
            |line: &str| ["ERR ", "NOAUTH", "NOPERM", "WRONGPASS"].iter().any(|word| line.starts_with(word));
        assert!(!printed.lines().any(is_error), "{block}\n{printed}{complaint}");
        printed
    }

    /// A folder with a `redis-cli` that uses the server's port unless the block names another.
    fn bin(&self) -> PathBuf {
        let bin = self.server.dir().join("bin");
        fs::create_dir_all(&bin).expect("a folder of the server");
        let real = String::from_utf8(
            Command::new("sh").args(["-c", "command -v redis-cli"]).output().expect("sh").stdout,
        );
        let real = real.expect("a path").trim().to_owned();
        let script = format!("#!/bin/sh\nexec {real} -p {} \"$@\"\n", self.server.port());
        let cli = bin.join("redis-cli");
        fs::write(&cli, script).expect("a file in a folder of the server");
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&cli, executable).expect("a file of the test");
        bin
    }
}

/// A conversation under the project's schema, with a token.
fn converse(client: &mut Client) {
    let channel =
        r#"{"channel":{"type":"whatsapp","identifier":"+263771000010"},"auth":{"token":"an-old-token"}}"#;
    client.ok(&["STATE.SETPROTECTED", KEY, "0", channel, "SCHEMA", "vimbiso.channel"]);
}

/// The command returns an error with this first word.
#[track_caller]
fn fails(client: &mut Client, command: &[&str], word: &str) {
    let error = client.err(command);
    assert!(error.starts_with(word), "{command:?}: {error}");
}

#[test]
fn version_of_the_module_is_shown() {
    let server = Server::start();
    let section = Section::new("See the module's version", &server);
    let [major, minor, patch]: [u32; 3] = env!("CARGO_PKG_VERSION")
        .split('.')
        .map(|number| number.parse().expect("a number"))
        .collect::<Vec<_>>()
        .try_into()
        .expect("three numbers");
    let version = format!("ver={},", major * 10_000 + minor * 100 + patch);
    let printed = section.run(0);
    assert!(printed.contains(&version), "{printed} has not {version}");
}

#[test]
fn rejection_of_yesterday_is_found() {
    let server = Server::start();
    let mut client = server.client();
    // An audit entry as of yesterday.
    let noon =
        client.ok(&["TIME"]).array()[0].text().parse::<u64>().expect("seconds") / 86_400 * 86_400 - 43_200;
    let yesterday = ["XADD", STREAM, &format!("{noon}000-0"), "event", "reject", "user", "flow", "error"];
    client.ok(&[&yesterday[..], &["INVALID 1 violation: /current/path: is yesterday's"]].concat());
    converse(&mut client);
    fails(&mut client, &["STATE.UPDATE", KEY, "1", r#"{"current":{"awaiting_input":"now"}}"#], "INVALID");
    let section = Section::new("Find why an update was rejected", &server);
    let printed = section.run(0);
    assert!(printed.contains("/current/path: is yesterday's") && printed.contains("flow"), "{printed}");
    assert!(!printed.contains("awaiting_input"), "{printed}");
    assert!(section.run(1).contains("INVALID 1 violation: /current/awaiting_input"));
    assert_eq!(section.blocks.len(), 2);
}

#[test]
fn no_data_of_a_deleted_user_stays() {
    let server = Server::builder().arg("--appendonly").arg("yes").start();
    let mut client = server.client();
    client.ok(&["CONFIG", "SET", "state.feed", "sessions"]);
    let other = KEY.replace("10", "11");
    for key in [KEY, &other] {
        client.ok(&["STATE.UPDATE", key, "0", r#"{"stage":"menu"}"#]);
        fails(
            &mut client,
            &["STATE.UPDATE", key, "1", r#"[{"op":"remove","path":"/no"}]"#, "PATCH"],
            "BADPATCH",
        );
    }
    client.ok(&["SET", "token:+263771000010", "a-token"]);
    assert_eq!(client.ok(&["XLEN", "sessions"]).int(), 2);
    let section = Section::new("Delete a user's data", &server);
    let printed = section.run(0);
    assert!(printed.starts_with("state\n1\naudit\n2\nfeed\n1\n"), "{printed}");
    section.run(1);
    assert_eq!(section.run(2), "0\n");
    assert_eq!(client.ok(&["XLEN", "sessions"]).int(), 1, "the entry about the other user");
    assert_eq!(client.ok(&["EXISTS", "token:+263771000010", &other]).int(), 1);
    wait_until("the AOF is rewritten", || {
        let info = client.text(&["INFO", "persistence"]);
        info.contains("aof_rewrite_in_progress:0") && info.contains("aof_rewrite_scheduled:0")
    });
    for file in fs::read_dir(server.dir().join("appendonlydir")).expect("an AOF") {
        let bytes = fs::read(file.expect("a file").path()).expect("a file");
        assert!(!bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes()), "the AOF names the user");
    }
    // Again after the state has expired and only its stream is left.
    client.ok(&["XADD", STREAM, "*", "event", "expire"]);
    section.run(0);
    assert_eq!(section.run(2), "0\n");
    assert_eq!(section.blocks.len(), 3);
}

#[test]
fn largest_state_is_found() {
    let server = Server::start();
    let mut client = server.client();
    converse(&mut client);
    client.ok(&["STATE.UPDATE", "channel:+263771000011", "0", r#"{"stage":"menu"}"#]);
    let section = Section::new("Find the largest states", &server);
    // Each release of redis-cli quotes the key in its own way.
    let is_found = |line: &str| line.starts_with("Biggest statedoc1 found") && line.contains(KEY);
    assert!(section.run(0).lines().any(is_found));
    assert!(section.run(1).contains("snapshots"));
    assert_eq!(section.blocks.len(), 2);
    // As the page says of --bigkeys.
    let bigkeys = Command::new("redis-cli").args(["-p", &server.port().to_string(), "--bigkeys"]).output();
    let bigkeys = String::from_utf8_lossy(&bigkeys.expect("redis-cli").stdout).into_owned();
    assert!(!bigkeys.contains("Biggest statedoc1 found"), "{bigkeys}");
}

#[test]
fn node_is_sized_by_its_data() {
    let server = Server::start();
    let mut client = server.client();
    converse(&mut client);
    let section = Section::new("Size a node", &server);
    let printed = section.run(0);
    let bytes = client.ok(&["MEMORY", "USAGE", KEY, "SAMPLES", "0"]).int();
    let (state, stream) = printed.trim().split_once('\n').expect("two lines");
    let state: i64 = state.strip_suffix(" bytes a state").expect("a mean").parse().expect("a number");
    assert!((bytes - 200..=bytes + 200).contains(&state), "{state} of {bytes}");
    assert!(stream.parse::<i64>().expect("a number") > 0);
    section.run(1);
    assert_eq!(client.ok(&["CONFIG", "GET", "maxmemory"]).array()[1].text(), "2147483648");
    assert_eq!(section.blocks.len(), 2);
}

#[test]
fn replica_joins_without_the_default_user() {
    let (server, replica) = (Server::start(), Server::builder().without_schemas().start());
    let mut client = server.client();
    converse(&mut client);
    let mut on_replica = replica.client();
    let section = Section { replica: Some(&replica), ..Section::new("Add a replica", &server) };
    section.run(0);
    section.run(1);
    // This connection was authenticated before.
    wait_until("the link is up", || {
        on_replica.text(&["INFO", "replication"]).contains("master_link_status:up")
    });
    let printed = section.run(2);
    assert!(printed.contains("master_link_status:up") && printed.contains("vimbiso.channel"), "{printed}");
    assert_eq!(on_replica.state(KEY), client.state(KEY));
    assert_eq!(section.blocks.len(), 3);
}

#[test]
fn upgrade_keeps_states_and_schemas() {
    let mut server = Server::start();
    converse(&mut server.client());
    let before = server.client().state(KEY);
    let section = Section::new("Upgrade the module", &server);
    section.run(0);
    assert!(server.dir().join("libredis_state.so").exists());
    section.run(1);
    server.restart();
    let section = Section::new("Upgrade the module", &server);
    let printed = section.run(2);
    assert!(printed.contains("name=state,ver=") && printed.contains("state_states:1"), "{printed}");
    assert_eq!(server.client().state(KEY), before);
    assert_eq!(section.blocks.len(), 3);
}

#[test]
fn secrets_are_rotated() {
    let server = Server::start();
    let mut client = server.client();
    converse(&mut client);
    let section = Section::new("Rotate secrets", &server);
    section.run(0);
    fails(&mut client, &["AUTH", "api", "the-old-password"], "WRONGPASS");
    assert!(section.run(1).contains("a-new-token"));
    fails(&mut client, &["STATE.ROLLBACK", KEY, "2"], "NOVERSION");
    section.run(2);
    client.ok(&["STATE.UPDATE", KEY, "*", r#"{"current":{"path":"login","component":"LoginApiCall"}}"#]);
    assert_eq!(client.ok(&["STATE.META", KEY]).field("snapshots").int(), 0);
    assert_eq!(section.blocks.len(), 3);
}

/// The user of the page has the permissions that an import needs.
#[test]
fn first_bots_conversations_are_imported() {
    let server = Server::start();
    let mut client = server.client();
    // By Python: pickle.dumps("handle_action_transactions", 0).
    client.ok(&["SET", "vimbiso:1:+263771000010_stage", "Vhandle_action_transactions\np0\n."]);
    let channel = r#"{"channel":{"type":"whatsapp","identifier":"+263771000010"}}"#;
    client.ok(&["SET", KEY, channel]);
    let section = Section::new("Import the conversations of the first bots", &server);
    section.run(0);
    let tried = section.run(1);
    assert_eq!(tried.matches("1 found: 0 created, 1 would be created,").count(), 2, "{tried}");
    assert_eq!(client.ok(&["TYPE", KEY]).text(), "string");
    let done = section.run(2);
    assert_eq!(done.matches("1 found: 1 created,").count(), 2, "{done}");
    assert!(client.state("+263771000010").1.contains("handle_action_transactions"));
    assert!(client.state(KEY).1.contains("whatsapp"));
    assert_eq!(client.ok(&["KEYS", "*imported"]).array().len(), 0);
    assert_eq!(client.ok(&["EXISTS", "vimbiso:1:+263771000010_stage"]).int(), 0);
}
