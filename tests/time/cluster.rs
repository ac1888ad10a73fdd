//! A slot that moves must not split an audit stream: the state knows that its stream is still on the way (S8).

use std::process::{Command, Stdio};

use crate::{AUDIT, KEY, counter, fields_of};
use support::{Client, Reply, Server, module_path, wait_until};

fn free_port() -> String {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("an address").port().to_string()
}

/// A node of its own.
fn node() -> Server {
    Server::builder().clustered().arg("--appendonly").arg("yes").arg("--appendfsync").arg("always").start()
}

/// Gives a node every slot and waits until it answers for them.
fn own_all(client: &mut Client) {
    client.ok(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    wait_until("the cluster is up", || client.text(&["CLUSTER", "INFO"]).contains("cluster_state:ok"));
}

fn digest(client: &mut Client) -> String {
    client.ok(&["DEBUG", "DIGEST-VALUE", KEY]).array()[0].text().to_owned()
}

const NOT_HERE: &str =
    "TRYAGAIN audit stream {channel:+263771234567}:audit is not here, its slot is being moved: try again";

/// The bus port that a node was started with.
fn bus_of(client: &mut Client) -> String {
    client.ok(&["CONFIG", "GET", "cluster-port"]).field("cluster-port").text().to_owned()
}

/// Makes two nodes know each other and the owner of the slots; returns their ids.
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

/// A slot goes from one node to another, the state first and its stream later: all who write in between are asked to try
/// again, whatever they write and whether they name the stream, and the trail stays one.
#[test]
fn a_state_that_arrives_before_its_stream_waits_for_it() {
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
    assert!(source.err(&update).starts_with("ASK "), "whoever is sent on comes with ASKING");
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
        let Reply::Error(error) = asking(&mut target, command) else { panic!("{command:?} is carried out") };
        assert!(error.starts_with("TRYAGAIN "), "{command:?}: {error}");
    }
    assert_eq!(asking(&mut target, &update), Reply::Error(NOT_HERE.to_owned()));
    assert_eq!(asking(&mut target, &["EXISTS", AUDIT]), Reply::Int(0));
    assert_eq!(asking(&mut target, &["STATE.GET", KEY, "/page"]).array()[1].text(), "3", "reads go on");
    assert_eq!(migrate(&mut source, AUDIT), "OK", "no other stream is in its way");
    assert!(matches!(asking(&mut target, &update), Reply::Bulk(_)));
    for (client, keys) in [(&mut target, 2), (&mut source, 0)] {
        client.ok(&["CLUSTER", "SETSLOT", &slot, "NODE", &ids[1]]);
        assert_eq!(client.ok(&["CLUSTER", "COUNTKEYSINSLOT", &slot]).int(), keys);
    }
    target.ok(&["STATE.UPDATE", KEY, "4", r#"{"page":5}"#, "AUDIT", AUDIT]);
    assert_eq!(fields_of(&mut target, AUDIT, "version"), ["1", "2", "3", "4", "5"]);
}

/// The stream goes first: at the source it is not here any more, and a state that ends there ends without an entry.
#[test]
fn a_stream_that_has_gone_ahead_is_not_begun_again() {
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
    // Without a trail to write there is nothing to split.
    source.ok(&["CONFIG", "SET", "state.audit", "no"]);
    assert_eq!(source.ok(&["STATE.TOUCH", KEY]).int(), 1);
    source.ok(&["CONFIG", "SET", "state.audit", "yes"]);
    source.ok(&["PEXPIRE", KEY, "20"]);
    wait_until("the state expires", || counter(&mut source, "expired") == 1);
    assert_eq!(source.ok(&["CLUSTER", "COUNTKEYSINSLOT", &slot]).int(), 1, "only the other one is left");
    // A stream that has expired is nowhere.
    wait_until("its time is over", || source.call(&["STATE.TOUCH", other]) == Reply::Int(1));
}

/// What a state remembers is the same on its replica, after a reload and from the AOF. A stream that was deleted, or
/// evicted, while no slot moves holds nobody up.
#[test]
fn a_state_remembers_its_last_entry() {
    let (mut server, replica) = (node(), node());
    let (mut client, mut there) = (server.client(), replica.client());
    own_all(&mut client);
    let [id, _] = meet(&server, &replica);
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"page":1}"#]);
    let created = digest(&mut client);
    assert!(client.err(&["STATE.UPDATE", KEY, "*", "[]"]).starts_with("INVALID "));
    assert_ne!(digest(&mut client), created, "a refusal on record is the last entry too");
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
    // A copy has no stream yet, and knows of none.
    let copy = "{channel:+263771234567}:copy";
    client.ok(&["COPY", KEY, copy]);
    client.ok(&["CONFIG", "SET", "state.audit", "no"]);
    let of_copy = client.ok(&["DEBUG", "DIGEST-VALUE", KEY, copy]);
    assert_ne!(of_copy.array()[0], of_copy.array()[1]);
}

/// One stream for all lies in one slot: a server in a cluster does not start with `state.feed`, and does not take it later.
#[test]
fn a_cluster_has_no_feed() {
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
            status = child.try_wait().expect("a child of ours");
            status.is_some()
        });
        let log = std::fs::read_to_string(dir.path().join("server.log")).expect("a log");
        assert_eq!(status.and_then(|status| status.code()), Some(1), "{words:?}: {log}");
        assert!(log.contains(why), "{words:?}: {log}");
        std::fs::remove_file(dir.path().join("server.log")).expect("a file of ours");
    }
}
