//! A failover by sentinels: the connection finds the new primary, and no acknowledged change is
//! lost or applied twice.

use redis_state_client::redis::RedisConnectionInfo;
use redis_state_client::{Change, ErrorKind, connect_sentinel, connect_sentinel_as};
use serde_json::{Value, json};
use support::{Sentinel, block_on};

const KEY: &str = "channel:+263771234567";

fn increment(document: &Value) -> redis_state_client::Result<Change> {
    let count = document["current"]["data"]["count"].as_u64().unwrap_or_default();
    Change::merge(&json!({"current": {"data": {"count": count + 1}}}))
}

#[test]
fn connection_follows_a_failover() {
    let sentinel = Sentinel::start();
    let old = sentinel.primary().port();
    block_on(async {
        let mut states = connect_sentinel([sentinel.url()], Sentinel::NAME).await.expect("a primary");
        states.create(KEY, Change::merge(&json!({})).expect("JSON")).await.expect("a state");
        let before = states.update_with(KEY, increment).await.expect("an update");
        sentinel.fail_over();
        assert_ne!(sentinel.primary().port(), old);
        let after = states.update_with(KEY, increment).await.expect("an update by way of the new primary");
        assert_eq!(after.etag.version, before.etag.version + 1);
        assert_eq!(after.document["current"]["data"]["count"], 2);
        // And back.
        sentinel.fail_over();
        assert_eq!(sentinel.primary().port(), old);
        let back = states.update_with(KEY, increment).await.expect("an update");
        assert_eq!(back.etag.version, after.etag.version + 1);
    });
    assert!(sentinel.primary().client().state(KEY).1.contains(r#""count":3"#));
}

#[test]
fn unknown_primary_name_is_unavailable() {
    let sentinel = Sentinel::start();
    block_on(async {
        let error = connect_sentinel([sentinel.url()], "cache").await.expect_err("an unknown name");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    });
}

const PASSWORD: &str = "a-long-password";

/// Creates the user that the servers require; the sentinel and the replication use another one.
fn demand_credentials(sentinel: &Sentinel) {
    let mut client = sentinel.primary().client();
    client.ok(&["ACL", "SETUSER", "bot", "on", &format!(">{PASSWORD}"), "~*", "+@all"]);
    client.ok(&["ACL", "SETUSER", "default", "resetkeys", "-state.update", "-state.get"]);
}

#[test]
fn primary_gets_the_credentials_for_the_servers() {
    let sentinel = Sentinel::start();
    demand_credentials(&sentinel);
    block_on(async {
        let bot = RedisConnectionInfo::default().set_username("bot").set_password(PASSWORD).set_db(1);
        let mut states = connect_sentinel_as([sentinel.url()], Sentinel::NAME, bot).await.expect("a primary");
        states.create(KEY, Change::none()).await.expect("the user may write");
        let mut without = connect_sentinel([sentinel.url()], Sentinel::NAME).await.expect("a primary");
        let error = without.create(KEY, Change::none()).await.expect_err("the default user may not write");
        assert_eq!(error.kind(), ErrorKind::NoPermission, "{error}");
    });
    let mut client = sentinel.primary().client();
    client.ok(&["SELECT", "1"]);
    client.ok(&["AUTH", "bot", PASSWORD]);
    assert!(client.state(KEY).0.starts_with("1-"));
}

#[test]
fn primary_gets_the_credentials_of_the_sentinel_url() {
    let sentinel = Sentinel::start();
    demand_credentials(&sentinel);
    sentinel.add_user("bot", PASSWORD);
    block_on(async {
        let url = sentinel.url().replace("redis://", &format!("redis://bot:{PASSWORD}@")) + "1";
        let mut states = connect_sentinel([url], Sentinel::NAME).await.expect("a primary");
        states.create(KEY, Change::none()).await.expect("the user may write");
    });
}
