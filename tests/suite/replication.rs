//! Replicas hold the same data, byte for byte and entry for entry, by full or partial
//! resynchronization and whatever their settings: effects are replicated, never requests. Failover
//! is in `failover.rs`.

use crate::baseline::{AUDIT, KEY, OFFER, audit_entries, field, number};
use support::{Builder, CONFIGURED_OTHERWISE, Client, Server, fingerprint, wait_until};

/// A server that sends its replicas only writes: no pings that move the offset.
pub fn quiet() -> Builder {
    Server::builder().without_schemas().arg("--repl-ping-replica-period").arg("3600")
}

/// A conversation with everything that is replicated.
pub fn talk(client: &mut Client) {
    client.ok(&[
        "STATE.SCHEMA",
        "SET",
        "vimbiso.offer",
        r#"{"type":"object","x-ttl":900,"properties":{"amount":{"type":"number"}}}"#,
    ]);
    client.ok(&[
        "STATE.UPDATE",
        KEY,
        "*",
        OFFER,
        "SCHEMA",
        "vimbiso.offer",
        "LABEL",
        "first",
        "ACTOR",
        "webhook",
    ]);
    for amount in 1..=12 {
        client.ok(&[
            "STATE.UPDATE",
            KEY,
            "*",
            &format!(r#"{{"amount":{amount}.10}}"#),
            "EVENT",
            "amount",
            "NOTE",
            "typed",
        ]);
    }
    assert!(client.err(&["STATE.UPDATE", KEY, "*", r#"{"amount":"ten"}"#]).starts_with("INVALID "));
    assert!(client.err(&["STATE.UPDATE", KEY, "1", "{}"]).starts_with("CONFLICT "));
    client.ok(&["STATE.UPDATE", KEY, "*", "{}", "LABEL", "twelve"]);
    client.ok(&["STATE.ROLLBACK", KEY, "*", "STEPS", "3", "PX", "1234567"]);
    client.ok(&["STATE.UPDATE", "channel:kept", "0", "{}", "PERSIST"]);
    client.ok(&["STATE.UPDATE", "channel:gone", "0", "{}"]);
    client.ok(&["STATE.DELETE", "channel:gone", "1", "NOTE", "said goodbye"]);
    client.ok(&["STATE.UPDATE", "channel:purged", "0", "{}"]);
    client.ok(&["STATE.DELETE", "channel:purged", "1", "PURGE"]);
    client.ok(&["STATE.TOUCH", "channel:kept", "EX", "4321"]);
    client.ok(&["MULTI"]);
    client.ok(&["STATE.UPDATE", "channel:multi", "0", r#"{"stage":"menu"}"#]);
    client.ok(&["STATE.UPDATE", "channel:multi", "1", r#"{"stage":"offer"}"#]);
    client.ok(&["STATE.UPDATE", "channel:multi", "1", r#"{"stage":"late"}"#]);
    client.ok(&["EXEC"]);
    let script = "redis.call('STATE.UPDATE', KEYS[1], '0', '{\"from\":\"lua\"}'); return redis.call('STATE.GET', KEYS[1])";
    client.ok(&["EVAL", script, "1", "channel:lua"]);
    client.ok(&["STATE.UPDATE", "channel:lua", "*", "{}"]);
    client.ok(&["COPY", KEY, "channel:copy"]);
    client.ok(&["COPY", KEY, "channel:copy", "DB", "6"]);
    client.ok(&["STATE.UPDATE", "channel:copy", "*", r#"{"stage":"copied"}"#]);
    client.ok(&["COPY", KEY, "channel:other-copy"]);
    client.ok(&["RENAME", "channel:other-copy", "channel:renamed"]);
    client.ok(&["STATE.ROLLBACK", "channel:renamed", "*"]);
    client.ok(&["MOVE", "channel:renamed", "7"]);
    client.ok(&["XDEL", "{channel:lua}:audit", "0-1"]);
    client.ok(&["DEL", "{channel:multi}:audit"]);
    client.ok(&["STATE.UPDATE", "channel:multi", "*", r#"{"stage":"again"}"#]);
    client.ok(&["SELECT", "5"]);
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"database":5}"#]);
    client.ok(&["SELECT", "0"]);
}

/// Primary and replica hold the same data, audit entries and their IDs included.
#[track_caller]
pub fn same(primary: &Server, replica: &Server) {
    replica.catch_up(primary);
    let (mut here, mut there) = (primary.client(), replica.client());
    assert_eq!(fingerprint(&mut there), fingerprint(&mut here));
    assert_eq!(there.text(&["DEBUG", "DIGEST"]), here.text(&["DEBUG", "DIGEST"]));
    for stream in here.ok(&["KEYS", "*:audit"]).array() {
        let stream = stream.text();
        assert_eq!(there.ok(&["XRANGE", stream, "-", "+"]), here.ok(&["XRANGE", stream, "-", "+"]));
        let info = |client: &mut Client| {
            let info = client.ok(&["XINFO", "STREAM", stream]);
            ["last-generated-id", "entries-added", "max-deleted-entry-id"]
                .map(|name| info.field(name).clone())
        };
        assert_eq!(info(&mut there), info(&mut here), "{stream}");
        assert_eq!(there.ok(&["PEXPIRETIME", stream]), here.ok(&["PEXPIRETIME", stream]));
    }
}

#[test]
fn replicas_match_live_and_after_joining_late() {
    let (primary, replica) = (quiet().start(), quiet().start());
    let mut client = primary.client();
    replica.follow(&primary);
    talk(&mut client);
    same(&primary, &replica);
    let late = quiet().start();
    late.follow(&primary);
    same(&primary, &late);
    // A replica of the replica too.
    let last = quiet().start();
    last.follow(&replica);
    client.ok(&["STATE.UPDATE", KEY, "*", r#"{"stage":"after"}"#]);
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.offer", "{}"]);
    for server in [&replica, &late] {
        same(&primary, server);
    }
    last.catch_up(&replica);
    assert_eq!(fingerprint(&mut last.client()), fingerprint(&mut client));
}

#[test]
fn replica_with_other_settings_holds_the_same_data() {
    let primary = quiet().start();
    let mut replica = quiet();
    for (name, value) in CONFIGURED_OTHERWISE {
        replica = replica.arg(format!("--state.{name}")).arg(value);
    }
    let replica = replica.start();
    replica.follow(&primary);
    let mut client = primary.client();
    talk(&mut client);
    client.ok(&[
        "STATE.UPDATE",
        "channel:long",
        "0",
        &format!(r#"{{"a":{{"b":{{"c":{{"d":"{}"}}}}}}}}"#, "x".repeat(5000)),
    ]);
    same(&primary, &replica);
    assert_eq!(audit_entries(&mut replica.client(), AUDIT).len(), audit_entries(&mut client, AUDIT).len());
}

#[test]
fn full_resync_replaces_the_registry() {
    let (primary, empty) = (quiet().start(), quiet().start());
    primary.client().ok(&["STATE.SCHEMA", "SET", "vimbiso.offer", r#"{"x-ttl":900}"#]);
    for followed in [&primary, &empty] {
        let replica = quiet().start();
        let mut client = replica.client();
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.offer", "true"]);
        client.ok(&["STATE.SCHEMA", "SET", "only-here", "{}"]);
        client.ok(&["STATE.UPDATE", "channel:only-here", "0", "{}", "SCHEMA", "only-here"]);
        replica.follow(followed);
        same(followed, &replica);
        let names = client.ok(&["STATE.SCHEMA", "LIST"]).array().len();
        assert_eq!(names, followed.client().ok(&["STATE.SCHEMA", "LIST"]).array().len());
        assert_eq!(number(&mut client, "state", "state_states"), 0);
    }
}

#[test]
fn replica_serves_reads_and_rejects_writes() {
    let (primary, replica) = (quiet().start(), quiet().start());
    replica.follow(&primary);
    let mut client = primary.client();
    client.ok(&["STATE.SCHEMA", "SET", "open", "{}"]);
    client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
    replica.catch_up(&primary);
    let mut there = replica.client();
    assert_eq!(there.state(KEY), client.state(KEY));
    assert_eq!(there.text(&["STATE.VALIDATE", "open", "{}"]), "OK");
    for command in [
        vec!["STATE.UPDATE", KEY, "*", "{}"],
        vec!["STATE.ROLLBACK", KEY, "*"],
        vec!["STATE.TOUCH", KEY],
        vec!["STATE.DELETE", KEY, "*"],
        vec!["STATE.SCHEMA", "SET", "open", "true"],
        vec!["STATE.SCHEMA", "DEL", "open"],
    ] {
        assert!(there.err(&command).starts_with("READONLY "), "{command:?}");
    }
    same(&primary, &replica);
}

#[test]
fn rejection_replicates_only_its_audit_entry() {
    let (primary, replica) = (quiet().start(), quiet().start());
    replica.follow(&primary);
    let mut client = primary.client();
    talk(&mut client);
    let offset = |client: &mut Client| number(client, "replication", "master_repl_offset");
    for command in [
        vec!["STATE.UPDATE", KEY, "1", "{}"],
        vec!["STATE.UPDATE", KEY, "0", "{}"],
        vec!["STATE.UPDATE", "channel:none", "7", "{}"],
        vec!["STATE.UPDATE", "channel:none", "0", r#"{"amount":"ten"}"#, "SCHEMA", "vimbiso.offer"],
        vec!["STATE.UPDATE", "channel:none", "0", "{}", "SCHEMA", "vimbiso.menu"],
        vec!["STATE.UPDATE", KEY, "*", "{"],
        vec!["STATE.UPDATE", KEY, "*", "{}", "EX", "0"],
        vec!["STATE.ROLLBACK", KEY, "*", "TO", "999"],
        vec!["STATE.DELETE", KEY, "1"],
        vec!["STATE.SCHEMA", "SET", "vimbiso.offer", "7"],
    ] {
        let before = offset(&mut client);
        client.err(&command);
        assert_eq!(offset(&mut client), before, "{command:?}");
    }
    let before = offset(&mut client);
    let reads: [&[&str]; 9] = [
        &["STATE.UPDATE", "channel:none", "0", "{}", "DRYRUN"],
        &["STATE.TOUCH", "channel:none"],
        &["STATE.UPDATE", KEY, "*", r#"{"stage":"dry"}"#, "DRYRUN", "RETURN"],
        &["STATE.GET", KEY],
        &["STATE.META", KEY],
        &["STATE.HISTORY", KEY],
        &["STATE.DIFF", KEY, "13", "12"],
        &["STATE.VALIDATE", "vimbiso.offer", "{}"],
        &["STATE.SCHEMA", "LIST"],
    ];
    for read in reads {
        client.ok(read);
    }
    assert_eq!(offset(&mut client), before);
    let entries = audit_entries(&mut client, AUDIT).len();
    client.err(&["STATE.UPDATE", KEY, "*", r#"{"amount":"ten"}"#]);
    assert!(offset(&mut client) > before, "the audit entry is replicated");
    let now = audit_entries(&mut client, AUDIT);
    assert_eq!(now.len(), entries + 1);
    assert_eq!(now.last().and_then(|entry| field(entry, "event")), Some("reject"));
    same(&primary, &replica);
}

#[test]
fn expired_state_is_deleted_on_the_replica_too() {
    let (primary, replica) = (quiet().start(), quiet().start());
    replica.follow(&primary);
    let mut client = primary.client();
    client.ok(&["STATE.UPDATE", KEY, "0", OFFER, "PX", "50"]);
    replica.catch_up(&primary);
    let mut there = replica.client();
    wait_until("the state expires on the primary", || client.ok(&["STATE.GET", KEY]).is_nil());
    assert!(there.ok(&["STATE.GET", KEY]).is_nil(), "a replica returns no expired state");
    same(&primary, &replica);
    assert_eq!(there.ok(&["EXISTS", KEY]).int(), 0);
}
