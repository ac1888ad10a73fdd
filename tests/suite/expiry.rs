//! Session expiry: every write sets the key's expiry (S12, S15).

use support::{Client, state_test};

use crate::baseline::{AUDIT, KEY, audit_values};

/// The TTL after an update with these options, in milliseconds; -1 for none.
#[track_caller]
fn ttl_after(client: &mut Client, options: &[&str]) -> i64 {
    let page = client.state(KEY).0;
    let json = format!(r#"{{"page":"{page}"}}"#);
    client.ok(&[&["STATE.UPDATE", KEY, "*", &json], options].concat());
    client.ok(&["PTTL", KEY]).int()
}

#[track_caller]
fn about(ttl_ms: i64, wanted_ms: i64) {
    assert!((wanted_ms - 20_000..=wanted_ms).contains(&ttl_ms), "{ttl_ms} is not about {wanted_ms}");
}

/// S12: 300 seconds by default, moved by every update; without an expiry only by PERSIST.
#[test]
fn every_update_moves_the_expiry() {
    state_test(|_, client| {
        client.ok(&["STATE.UPDATE", KEY, "0", "{}"]);
        about(client.ok(&["PTTL", KEY]).int(), 300_000);
        about(ttl_after(client, &["EX", "1800"]), 1_800_000);
        about(ttl_after(client, &["px", "90000"]), 90_000);
        about(ttl_after(client, &["KEEPTTL"]), 90_000);
        about(ttl_after(client, &[]), 300_000);
        assert_eq!(ttl_after(client, &["PERSIST"]), -1);
        assert_eq!(ttl_after(client, &["KEEPTTL"]), -1);
        assert_eq!(client.ok(&["STATE.META", KEY]).field("ttl").int(), -1);
        about(ttl_after(client, &[]), 300_000);
    });
}

/// An absolute time is exact: the same instant on the key, on every replica and after a restart.
#[test]
fn absolute_times_are_exact() {
    state_test(|_, client| {
        client.ok(&["STATE.UPDATE", KEY, "0", "{}", "EXAT", "4102444800"]);
        assert_eq!(client.ok(&["PEXPIRETIME", KEY]).int(), 4_102_444_800_000);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"page":1}"#, "PXAT", "4102444800123"]);
        assert_eq!(client.ok(&["PEXPIRETIME", KEY]).int(), 4_102_444_800_123);
        client.ok(&["STATE.ROLLBACK", KEY, "2", "PXAT", "4102444800456"]);
        assert_eq!(client.ok(&["PEXPIRETIME", KEY]).int(), 4_102_444_800_456);
        assert_eq!(client.ok(&["STATE.TOUCH", KEY, "PXAT", "4102444800789"]).int(), 1);
        assert_eq!(client.ok(&["PEXPIRETIME", KEY]).int(), 4_102_444_800_789);
    });
}

/// The schema's root `x-ttl` overrides the server's default, and an option overrides both.
#[test]
fn schema_ttl_overrides_the_default() {
    state_test(|_, client| {
        crate::create::first_contact(client);
        about(client.ok(&["PTTL", KEY]).int(), 1_800_000);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"dashboard":{}}"#, "EX", "60"]);
        about(client.ok(&["PTTL", KEY]).int(), 60_000);
        assert_eq!(client.ok(&["STATE.TOUCH", KEY]).int(), 1);
        about(client.ok(&["PTTL", KEY]).int(), 1_800_000);
    });
}

/// STATE.TOUCH moves the expiry only: no version, no audit entry.
#[test]
fn touch_moves_only_the_expiry() {
    state_test(|_, client| {
        assert_eq!(client.ok(&["STATE.TOUCH", KEY, "EX", "60"]).int(), 0);
        let etag = client.text(&["STATE.UPDATE", KEY, "0", "{}"]);
        assert_eq!(client.ok(&["STATE.TOUCH", KEY, "EX", "60"]).int(), 1);
        about(client.ok(&["PTTL", KEY]).int(), 60_000);
        assert_eq!(client.ok(&["STATE.TOUCH", KEY, "PERSIST"]).int(), 1);
        assert_eq!(client.ok(&["PTTL", KEY]).int(), -1);
        assert_eq!(client.state(KEY).0, etag);
        assert_eq!(audit_values(client, AUDIT, "event"), ["create"]);
        assert!(client.err(&["STATE.TOUCH", KEY, "EX", "0"]).starts_with("ERR invalid expire time"));
    });
}

/// S15: expired states need no clean-up.
#[test]
fn expired_state_is_deleted() {
    state_test(|_, client| {
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"page":1}"#, "PX", "30"]);
        support::wait_until("the state has expired", || client.ok(&["STATE.GET", KEY]).is_nil());
        let rejected = client.err(&["STATE.UPDATE", KEY, "1", "{}"]);
        assert!(rejected.starts_with("NOSTATE"), "{rejected}");
        assert_eq!(Client::version(&client.text(&["STATE.UPDATE", KEY, "0", "{}"])), 1);
    });
}
