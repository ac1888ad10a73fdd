//! After a failover, and after a state is deleted or expires: versions and the audit stream
//! continue (S31), and an old etag never matches a recreated state.

use crate::baseline::{AUDIT, KEY, OFFER, audit_values};
use crate::replication::{quiet, same, talk};
use support::{Client, wait_until};

#[test]
fn promoted_replica_continues_versions_and_audit_stream() {
    let (mut primary, replica) = (quiet().start(), quiet().start());
    replica.follow(&primary);
    let mut client = primary.client();
    talk(&mut client);
    let (etag, document) = client.state(KEY);
    replica.catch_up(&primary);
    primary.kill();
    let mut promoted = replica.client();
    promoted.ok(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(promoted.state(KEY), (etag.clone(), document));
    let next = promoted.text(&["STATE.UPDATE", KEY, &etag, r#"{"stage":"after the failover"}"#]);
    assert_eq!(Client::version(&next), Client::version(&etag) + 1);
    assert_eq!(
        audit_values(&mut promoted, AUDIT, "version").last(),
        Some(&Client::version(&next).to_string())
    );
    assert!(promoted.err(&["STATE.UPDATE", KEY, &etag, "{}"]).starts_with("CONFLICT "));
    promoted.ok(&["STATE.ROLLBACK", KEY, &next, "LABEL", "first"]);
    assert_eq!(promoted.state(KEY).1, OFFER);
    assert!(promoted.err(&["STATE.UPDATE", KEY, "*", r#"{"amount":"ten"}"#]).starts_with("INVALID "));
}

/// From Redis 7.2 on, WAIT counts from the connection's last write, and a replay on a new
/// connection has written nothing.
#[test]
fn wait_after_a_replay_counts_only_replicas_that_have_the_write() {
    let (primary, replica) = (quiet().start(), quiet().start());
    replica.follow(&primary);
    // The link is up before the primary relies on it.
    assert_eq!(primary.client().ok(&["WAIT", "1", "30000"]).int(), 1);
    replica.freeze();
    let update = ["STATE.UPDATE", KEY, "0", OFFER, "ID", "wamid.1"];
    let first = primary.client().text(&update);
    let mut again = primary.client();
    assert_eq!(again.text(&update), first);
    assert_eq!(again.ok(&["WAIT", "1", "100"]).int(), 0, "the replica has not got it");
    replica.thaw();
    assert_eq!(again.ok(&["WAIT", "1", "30000"]).int(), 1);
    same(&primary, &replica);
}

#[test]
fn stale_etag_never_matches_a_recreated_state() {
    let server = quiet().start();
    let mut client = server.client();
    let old = client.text(&["STATE.UPDATE", KEY, "0", OFFER]);
    client.ok(&["STATE.DELETE", KEY, &old]);
    let new = client.text(&["STATE.UPDATE", KEY, "0", OFFER]);
    assert_eq!(Client::version(&new), Client::version(&old));
    assert_ne!(new, old, "the same version of the same text, but another state");
    let error = client.err(&["STATE.UPDATE", KEY, &old, "{}"]);
    assert_eq!(error, format!("CONFLICT expected {old}, current is {new}"));
    assert!(client.err(&["STATE.DELETE", KEY, &old]).starts_with("CONFLICT "));
    assert!(client.err(&["STATE.ROLLBACK", KEY, &old]).starts_with("CONFLICT "));
}

#[test]
fn state_recreated_after_expiry_is_identical_on_the_replica() {
    let (primary, replica) = (quiet().start(), quiet().start());
    replica.follow(&primary);
    let mut client = primary.client();
    // Without the active expire cycle, the expired state is still in memory at the next command.
    client.ok(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
    let old = client.text(&["STATE.UPDATE", KEY, "0", OFFER, "PX", "1"]);
    wait_until("the state has expired", || client.ok(&["STATE.GET", KEY]).is_nil());
    assert!(client.err(&["STATE.UPDATE", KEY, &old, "{}"]).starts_with("NOSTATE "));
    assert_eq!(client.ok(&["STATE.TOUCH", KEY]).int(), 0);
    let new = client.text(&["STATE.UPDATE", KEY, "0", OFFER]);
    assert_eq!(Client::version(&new), 1);
    assert_ne!(new, old);
    assert_eq!(audit_values(&mut client, AUDIT, "event"), ["create", "expire", "create"]);
    same(&primary, &replica);
}
