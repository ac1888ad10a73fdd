//! A failover that sentinels make: the connection finds the new primary, and no acknowledged change is lost or made twice.

use redis_state_client::{Change, ErrorKind, connect_sentinel};
use serde_json::{Value, json};
use support::{Sentinel, block_on};

const KEY: &str = "channel:+263771234567";

fn increment(document: &Value) -> redis_state_client::Result<Change> {
    let count = document["current"]["data"]["count"].as_u64().unwrap_or_default();
    Change::merge(&json!({"current": {"data": {"count": count + 1}}}))
}

#[test]
fn after_a_failover_the_same_states_go_on_at_the_new_primary() {
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
fn a_name_that_no_sentinel_knows_is_unavailable() {
    let sentinel = Sentinel::start();
    block_on(async {
        let error = connect_sentinel([sentinel.url()], "cache").await.expect_err("nobody is called that");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    });
}
