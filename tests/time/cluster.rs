//! Slot migration must not split an audit stream: a state records that it has one, and waits for it
//! (S8).

use std::process::{Command, Stdio};

use crate::{AUDIT, KEY, counter, fields_of};
use support::{Client, Reply, Server, module_path, wait_until};

fn free_port() -> String {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("an address").port().to_string()
}

/// A cluster node with an AOF.
fn node() -> Server {
    Server::builder().clustered().arg("--appendonly").arg("yes").arg("--appendfsync").arg("always").start()
}

/// Gives a node every slot and waits until it serves them.
fn own_all(client: &mut Client) {
    client.ok(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    wait_until("the cluster is up", || client.text(&["CLUSTER", "INFO"]).contains("cluster_state:ok"));
}

fn digest(client: &mut Client) -> String {
    client.ok(&["DEBUG", "DIGEST-VALUE", KEY]).array()[0].text().to_owned()
}

const NOT_HERE: &str = "TRYAGAIN audit stream {channel:+263771234567}:audit is on another node while its slot migrates: try again";

/// The bus port that a node was started with.
fn bus_of(client: &mut Client) -> String {
    client.ok(&["CONFIG", "GET", "cluster-port"]).field("cluster-port").text().to_owned()
}

/// Introduces two nodes to each other, with the owner of the slots; returns their IDs.
fn meet(here: &Server, there: &Server) -> [String; 2] {
    let (mut one, mut other) = (here.client(), there.client());
    one.ok(&["CLUSTER", "MEET", "127.0.0.1", &there.port().to_string(), &bus_of(&mut other)]);
    let ids = [one.text(&["CLUSTER", "MYID"]), other.text(&["CLUSTER", "MYID"])];
    wait_until("the nodes know each other", || {
        let nodes = other.text(&["CLUSTER", "NODES"]);
        one.text(&["CLUSTER", "NODES"]).contains(&ids[1])
            && nodes.contains(&ids[0])
            && nodes.contains("0-16383")
    });
    wait_until("the cluster is up", || other.text(&["CLUSTER", "INFO"]).contains("cluster_state:ok"));
    ids
}

fn asking(client: &mut Client, words: &[&str]) -> Reply {
    client.ok(&["ASKING"]);
    client.call(words)
}

/// A slot migrates, the state first and its stream later: every write in between gets TRYAGAIN,
/// whether it names the stream or not, and the audit stream stays one.
#[test]
fn migrated_state_waits_for_its_audit_stream() {
    let (here, there) = (node(), node());
    let (mut source, mut target) = (here.client(), there.client());
    own_all(&mut source);
    let ids = meet(&here, &there);
    source.ok(&["STATE.UPDATE", KEY, "0", r#"{"page":1}"#]);
    source.ok(&["STATE.UPDATE", KEY, "1", r#"{"page":2}"#]);
    let slot = source.ok(&["CLUSTER", "KEYSLOT", KEY]).int().to_string();
    target.ok(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &ids[0]]);
    source.ok(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &ids[1]]);
    let port = there.port().to_string();
    let migrate =
        |client: &mut Client, key: &str| client.text(&["MIGRATE", "127.0.0.1", &port, key, "0", "5000"]);
    source.ok(&["STATE.UPDATE", KEY, "2", r#"{"page":3}"#]);
    assert_eq!(migrate(&mut source, KEY), "OK");
    let update = ["STATE.UPDATE", KEY, "3", r#"{"page":4}"#];
    assert!(source.err(&update).starts_with("ASK "), "the source redirects with ASK");
    for command in [
        &update[..],
        &["STATE.UPDATE", KEY, "3", r#"{"page":4}"#, "AUDIT", AUDIT],
        &["STATE.UPDATE", KEY, "*", "{}", "DRYRUN"],
        &["STATE.UPDATE", KEY, "*", "[]"],
        &["STATE.SETPROTECTED", KEY, "*", "{}"],
        &["STATE.ROLLBACK", KEY, "*"],
        &["STATE.RESET", KEY, "*"],
        &["STATE.RECOVER", KEY],
        &["STATE.ATTEMPT", KEY, "confirm", "FAILURE"],
        &["STATE.TOUCH", KEY],
        &["STATE.DELETE", KEY, "*", "PURGE"],
    ] {
        let Reply::Error(error) = asking(&mut target, command) else { panic!("{command:?} is applied") };
        assert!(error.starts_with("TRYAGAIN "), "{command:?}: {error}");
    }
    assert_eq!(asking(&mut target, &update), Reply::Error(NOT_HERE.to_owned()));
    assert_eq!(asking(&mut target, &["EXISTS", AUDIT]), Reply::Int(0));
    assert_eq!(asking(&mut target, &["STATE.GET", KEY, "/page"]).array()[1].text(), "3", "reads work");
    assert_eq!(migrate(&mut source, AUDIT), "OK", "the target has created no other stream");
    assert!(matches!(asking(&mut target, &update), Reply::Bulk(_)));
    for (client, keys) in [(&mut target, 2), (&mut source, 0)] {
        client.ok(&["CLUSTER", "SETSLOT", &slot, "NODE", &ids[1]]);
        assert_eq!(client.ok(&["CLUSTER", "COUNTKEYSINSLOT", &slot]).int(), keys);
    }
    target.ok(&["STATE.UPDATE", KEY, "4", r#"{"page":5}"#, "AUDIT", AUDIT]);
    assert_eq!(fields_of(&mut target, AUDIT, "version"), ["1", "2", "3", "4", "5"]);
}

/// The stream migrates first: the source no longer has it, and a state that expires there leaves no
/// entry.
#[test]
fn migrated_audit_stream_is_not_recreated_at_the_source() {
    let (here, there) = (node(), node());
    let mut source = here.client();
    own_all(&mut source);
    let ids = meet(&here, &there);
    let other = "{channel:+263771234567}:other";
    source.ok(&["STATE.UPDATE", KEY, "0", "{}"]);
    source.ok(&["CONFIG", "SET", "state.audit-ttl", "1"]);
    source.ok(&["STATE.UPDATE", other, "0", "{}"]);
    let slot = source.ok(&["CLUSTER", "KEYSLOT", KEY]).int().to_string();
    there.client().ok(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &ids[0]]);
    source.ok(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &ids[1]]);
    let port = there.port().to_string();
    let of_other = "{channel:+263771234567}:other:audit";
    for stream in [AUDIT, of_other] {
        assert_eq!(source.text(&["MIGRATE", "127.0.0.1", &port, stream, "0", "5000"]), "OK");
    }
    assert_eq!(source.err(&["STATE.TOUCH", KEY]), NOT_HERE);
    // Without audit there is no stream to split.
    source.ok(&["CONFIG", "SET", "state.audit", "no"]);
    assert_eq!(source.ok(&["STATE.TOUCH", KEY]).int(), 1);
    source.ok(&["CONFIG", "SET", "state.audit", "yes"]);
    source.ok(&["PEXPIRE", KEY, "20"]);
    wait_until("the state expires", || counter(&mut source, "expired") == 1);
    assert_eq!(source.ok(&["CLUSTER", "COUNTKEYSINSLOT", &slot]).int(), 1, "only the other one is left");
    // A stream that has expired exists nowhere.
    wait_until("its time is over", || source.call(&["STATE.TOUCH", other]) == Reply::Int(1));
}

/// The record of the last entry is the same on the replica, after a reload and from the AOF. A
/// stream that is deleted or evicted outside of a migration delays no write.
#[test]
fn state_records_its_last_audit_entry() {
    let (mut server, replica) = (node(), node());
    let (mut client, mut there) = (server.client(), replica.client());
    own_all(&mut client);
    let [id, _] = meet(&server, &replica);
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"page":1}"#]);
    let created = digest(&mut client);
    assert!(client.err(&["STATE.UPDATE", KEY, "*", "[]"]).starts_with("INVALID "));
    assert_ne!(digest(&mut client), created, "a rejection is the last entry too");
    wait_until("the replica follows", || {
        there.call(&["CLUSTER", "REPLICATE", &id]) == Reply::Simple("OK".into())
    });
    wait_until("the replica's link is up", || {
        there.text(&["INFO", "replication"]).contains("master_link_status:up")
    });
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"page":2}"#]);
    assert!(client.err(&["STATE.UPDATE", KEY, "*", "[]"]).starts_with("INVALID "));
    replica.catch_up(&server);
    assert_eq!(digest(&mut there), digest(&mut client));
    for preamble in ["yes", "no"] {
        client.ok(&["CONFIG", "SET", "aof-use-rdb-preamble", preamble]);
        let before = digest(&mut client);
        client.ok(&["DEBUG", "RELOAD"]);
        assert_eq!(digest(&mut client), before);
        client.ok(&["BGREWRITEAOF"]);
        wait_until("the AOF is rewritten", || {
            client.text(&["INFO", "persistence"]).contains("aof_rewrite_in_progress:0")
        });
        client.ok(&["STATE.UPDATE", KEY, "*", &format!(r#"{{"page":"{preamble}"}}"#)]);
        let before = digest(&mut client);
        server.kill();
        server.start_again();
        client = server.client();
        wait_until("the cluster is up", || client.text(&["CLUSTER", "INFO"]).contains("cluster_state:ok"));
        assert_eq!(digest(&mut client), before, "from the AOF, preamble {preamble}");
    }
    client.ok(&["DEL", AUDIT]);
    client.ok(&["STATE.UPDATE", KEY, "*", r#"{"page":4}"#]);
    assert_eq!(fields_of(&mut client, AUDIT, "event"), ["update"]);
    // A copy has no stream yet, and records none.
    let copy = "{channel:+263771234567}:copy";
    client.ok(&["COPY", KEY, copy]);
    client.ok(&["CONFIG", "SET", "state.audit", "no"]);
    let of_copy = client.ok(&["DEBUG", "DIGEST-VALUE", KEY, copy]);
    assert_ne!(of_copy.array()[0], of_copy.array()[1]);
}

/// The feed's one stream has one slot: a cluster node rejects `state.feed`, at start and later.
#[test]
fn cluster_node_rejects_the_feed() {
    let server = node();
    let mut client = server.client();
    let why = "state.feed can't be used in a cluster: read the audit stream of each state instead";
    let error = client.err(&["CONFIG", "SET", "state.feed", "sessions"]);
    assert!(error.contains(why), "{error}");
    client.ok(&["CONFIG", "SET", "state.feed", ""]);
    client.ok(&["CONFIG", "SET", "state.feed-maxlen", "10"]);
    assert_eq!(client.ok(&["CONFIG", "GET", "state.feed"]).field("state.feed").text(), "");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let module = module_path().display().to_string();
    for words in [
        &["--loadmodule", &module, "--state.feed", "sessions"][..],
        &["--loadmodule", &module, "feed", "sessions"],
    ] {
        let mut child = Command::new("redis-server")
            .args(["--port", &free_port(), "--cluster-port", &free_port(), "--cluster-enabled", "yes"])
            .args(["--bind", "127.0.0.1", "--save", "", "--logfile", "server.log", "--dir"])
            .arg(dir.path())
            .args(words)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        let mut status = None;
        wait_until("the server gives up", || {
            status = child.try_wait().expect("a child of this process");
            status.is_some()
        });
        let log = std::fs::read_to_string(dir.path().join("server.log")).expect("a log");
        assert_eq!(status.and_then(|status| status.code()), Some(1), "{words:?}: {log}");
        assert!(log.contains(why), "{words:?}: {log}");
        std::fs::remove_file(dir.path().join("server.log")).expect("a file of the test");
    }
}
