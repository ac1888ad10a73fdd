//! Waits until a primary and its replica are connected, and compares them once no deadline is left.

use support::{Client, Server, fingerprint, wait_until};

use crate::crowd::keys;

/// A session with a shorter TTL is awaited.
const SOON_MS: i64 = 10_000;

/// Waits until no token of [`prepare`](crate::crowd::prepare) is left to lapse, and no session is
/// about to expire.
#[track_caller]
fn settle(server: &Server) {
    let mut client = server.client();
    wait_until("no lapse is left", || keys().all(|key| is_settled(&mut client, &key)));
}

/// GET agrees with the last audit entry: a lapse is shown before it is committed.
fn is_settled(client: &mut Client, key: &str) -> bool {
    client.ok(&["MULTI"]);
    let stream = format!("{{{key}}}:audit");
    for line in [
        &["STATE.GET", key][..],
        &["STATE.META", key],
        &["PTTL", key],
        &["XREVRANGE", &stream, "+", "-", "COUNT", "1"],
    ] {
        client.ok(line);
    }
    let replies = client.ok(&["EXEC"]);
    let [state, meta, ttl, last] = replies.array() else { panic!("four replies") };
    if state.is_nil() || meta.is_nil() {
        return state.is_nil() && meta.is_nil() && ttl.int() == -2;
    }
    let told = last.array()[0].array()[1].field("etag");
    let waits = meta.field("deadlines").field_names().iter().any(|place| place.starts_with("/auth"));
    !waits && ttl.int() > SOON_MS && told == &state.array()[0]
}

/// Compares them by the digest, which covers the audit entries.
#[track_caller]
pub fn assert_in_sync(primary: &Server, replica: &Server) {
    settle(primary);
    replica.catch_up(primary);
    let (mut here, mut there) = (primary.client(), replica.client());
    assert_eq!(fingerprint(&mut there), fingerprint(&mut here));
    assert_eq!(there.text(&["DEBUG", "DIGEST"]), here.text(&["DEBUG", "DIGEST"]));
}

/// Waits until a replica follows command by command. An online replica may get nothing until its
/// first acknowledgement, which it sends once a second; WAIT notices that after a command without
/// effect.
#[track_caller]
pub fn wait_for_replica(primary: &Server) {
    wait_until("the primary knows its replica", || {
        primary.client().text(&["INFO", "replication"]).contains("state=online")
    });
    let mut client = primary.client();
    client.ok(&["PUBLISH", "channel:*", "ping"]);
    assert_eq!(client.ok(&["WAIT", "1", "30000"]).int(), 1);
}

pub fn role(server: &Server) -> String {
    server.client().ok(&["ROLE"]).array()[0].text().to_owned()
}
