//! faults: a command that fails half-way changes nothing (invariant I3), whichever command and
//! wherever it runs.
//!
//! STATE.FAULT injects the failures: a panic while the former version is packed, an audit entry
//! that the server rejects, a clock that goes back. (When memory really runs out there, the server
//! dies, and the AOF decides.) An audit key of another type needs no injection. Each command of the
//! table fails this way alone, in a transaction and in a script. Then the dataset, the audit
//! stream, the AOF and another client's WATCH must be unchanged, and the same command must succeed.

use support::{Client, Fingerprint, Reply, Server, fingerprint};

const KEY: &str = "channel:+263771234567";
const AUDIT: &str = "{channel:+263771234567}:audit";
const SIBLING: &str = "user:{channel:+263771234567}:token";
const GREETING: &str = r#"{"channel":{"type":"whatsapp","identifier":"+263771234567"},"current":{"path":"login"},"amount":1.10}"#;

/// Commands that make a version of the state of [`World::new`].
const MAKES_A_VERSION: [&str; 6] = [
    r#"STATE.UPDATE channel:+263771234567 * {"current":{"path":"offer"}} EX 900 LABEL offer ID wamid.7 ALIGN 1 user:{channel:+263771234567}:token"#,
    r#"STATE.UPDATE channel:+263771234567 3 [{"op":"remove","path":"/amount"}] PATCH ACTOR amount_input"#,
    r#"STATE.UPDATE channel:+263771234567 3 {"channel":{},"current":{}} REPLACE OPERATION offer_credex COMPONENT ConfirmOffer"#,
    r#"STATE.SETPROTECTED channel:+263771234567 * {"auth":{"token":"eyJhbGciOiJIUzI1NiJ9"}} PERSIST"#,
    "STATE.ROLLBACK channel:+263771234567 3 STEPS 1 EX 900",
    "STATE.RESET channel:+263771234567 *",
];

/// Other commands that add an audit entry.
const WRITES_AN_ENTRY: [&str; 4] = [
    "STATE.UPDATE channel:+263771234567 * {} EVENT menu_shown EX 900",
    "STATE.ATTEMPT channel:+263771234567 offer_credex FAILURE ERROR timeout",
    "STATE.DELETE channel:+263771234567 *",
    "STATE.DELETE channel:+263771234567 3 NOTE logout",
];

/// A server with a state of three versions, a sibling, and an AOF.
struct World {
    server: Server,
    client: Client,
}

/// What must not change.
#[derive(PartialEq, Debug)]
struct There {
    data: Fingerprint,
    stream: Reply,
    aof_bytes: String,
}

impl World {
    fn new() -> World {
        let builder = Server::builder().without_schemas().arg("--appendonly").arg("yes");
        let server = builder.arg("--appendfsync").arg("no").start();
        let mut client = server.client();
        client.ok(&["SET", SIBLING, "eyJhbGciOiJIUzI1NiJ9"]);
        client.ok(&["STATE.UPDATE", KEY, "0", GREETING]);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"current":{"path":"account"}}"#, "LABEL", "menu"]);
        client.ok(&["STATE.UPDATE", KEY, "2", r#"{"amount":99.25}"#]);
        World { server, client }
    }

    fn there(&mut self) -> There {
        There {
            data: fingerprint(&mut self.client),
            stream: self.client.ok(&["XRANGE", AUDIT, "-", "+"]),
            aof_bytes: self.client.info("persistence", "aof_current_size"),
        }
    }

    fn inject(&mut self, fault: &str, number: &str) {
        self.client.ok(&["STATE.FAULT", fault, number]);
    }

    /// `command`, which `prepare` lets fail with `error`, leaves nothing, wherever it runs.
    #[track_caller]
    fn leaves_nothing(&mut self, command: &str, error: &str, mut prepare: impl FnMut(&mut World)) {
        let words = support::words(command);
        for place in [alone, in_a_transaction, in_a_script] {
            prepare(self);
            let before = self.there();
            let mut watching = self.server.client();
            watching.ok(&["WATCH", KEY, AUDIT, SIBLING]);
            let line = place(&mut self.client, &words);
            assert!(line.contains(error), "{command}: {line}");
            assert_eq!(self.there(), before, "{command}");
            watching.ok(&["MULTI"]);
            watching.ok(&["PING"]);
            assert!(!watching.ok(&["EXEC"]).is_nil(), "{command} has touched a key");
        }
    }
}

fn alone(client: &mut Client, words: &[Vec<u8>]) -> String {
    client.err(words)
}

fn in_a_transaction(client: &mut Client, words: &[Vec<u8>]) -> String {
    client.ok(&["MULTI"]);
    client.ok(words);
    match client.ok(&["EXEC"]).array() {
        [Reply::Error(error)] => error.clone(),
        replies => panic!("{replies:?}"),
    }
}

fn in_a_script(client: &mut Client, words: &[Vec<u8>]) -> String {
    let keys = [KEY, AUDIT, SIBLING].map(|key| key.as_bytes().to_vec());
    let script = [&b"EVAL"[..], b"return redis.pcall(unpack(ARGV))", b"3"].map(<[u8]>::to_vec);
    client.err(&[&script[..], &keys, words].concat())
}

#[test]
fn failed_packing_makes_no_version() {
    for command in MAKES_A_VERSION {
        let mut world = World::new();
        world.leaves_nothing(command, "ERR internal", |world| world.inject("SNAPSHOT", "1"));
        assert_eq!(world.client.info("state", "state_panics"), "3");
        world.client.ok(&support::words(command));
        assert_eq!(world.client.ok(&["STATE.META", KEY]).field("version").int(), 4, "{command}");
    }
}

#[test]
fn failed_audit_entry_rejects_the_command() {
    for command in MAKES_A_VERSION.into_iter().chain(WRITES_AN_ENTRY) {
        let mut world = World::new();
        world.leaves_nothing(command, "ERR audit stream", |world| world.inject("APPEND", "1"));
        world.client.ok(&support::words(command));
        assert_eq!(world.client.ok(&["XLEN", AUDIT]).int(), 4, "{command}");
    }
}

#[test]
fn audit_key_of_another_type_rejects_the_command() {
    for command in MAKES_A_VERSION.into_iter().chain(WRITES_AN_ENTRY) {
        let mut world = World::new();
        let aside = format!("{AUDIT}:aside");
        world.client.ok(&["RENAME", AUDIT, &aside]);
        world.client.ok(&["SET", AUDIT, "not a stream"]);
        let words = support::words(command);
        for place in [alone, in_a_transaction, in_a_script] {
            let before = fingerprint(&mut world.client);
            let error = place(&mut world.client, &words);
            assert!(error.contains("WRONGTYPE audit stream"), "{command}: {error}");
            assert_eq!(fingerprint(&mut world.client), before, "{command}");
        }
        world.client.ok(&["RENAME", &aside, AUDIT]);
        world.client.ok(&words);
        assert_eq!(world.client.ok(&["XLEN", AUDIT]).int(), 4, "{command}");
    }
}

/// Versions and audit entries keep their order whatever the clock says.
#[test]
fn clock_that_goes_back_rejects_no_command() {
    let mut world = World::new();
    let at = |client: &mut Client| client.ok(&["STATE.META", KEY]).field("updated_at").to_string();
    let before = at(&mut world.client);
    world.inject("CLOCK", "-60000");
    for command in MAKES_A_VERSION {
        let current = world.client.ok(&["STATE.META", KEY]).field("version").int().to_string();
        let command = command.replace("567 3 ", &format!("567 {current} "));
        world.client.ok(&support::words(&command));
    }
    assert_eq!(world.client.ok(&["STATE.META", KEY]).field("version").int(), 9);
    assert!(at(&mut world.client) < before, "the clock was set back");
    let Reply::Array(entries) = world.client.ok(&["XRANGE", AUDIT, "-", "+"]) else { panic!("entries") };
    assert_eq!(entries.len(), 9);
    // A file is still checked as strictly when it is loaded.
    let there = fingerprint(&mut world.client);
    world.client.ok(&["DEBUG", "RELOAD"]);
    assert_eq!(fingerprint(&mut world.client), there);
}
