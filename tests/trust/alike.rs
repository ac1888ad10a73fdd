//! A primary and its replica: when they know each other, and that they hold the same once nothing moves any more.

use support::{Client, Server, fingerprint, wait_until};

use crate::crowd::keys;

/// Whoever ends sooner than this is waited for.
const SOON_MS: i64 = 10_000;

/// Waits until no token of [`prepare`](crate::crowd::prepare) is left that could lapse, and no session that is about to end.
#[track_caller]
fn settle(server: &Server) {
    let mut client = server.client();
    wait_until("nothing lapses any more", || keys().all(|key| is_settled(&mut client, &key)));
}

/// What GET shows is what the trail tells last: a lapse is shown before it is written.
fn is_settled(client: &mut Client, key: &str) -> bool {
    client.ok(&["MULTI"]);
    let trail = format!("{{{key}}}:audit");
    for line in [
        &["STATE.GET", key][..],
        &["STATE.META", key],
        &["PTTL", key],
        &["XREVRANGE", &trail, "+", "-", "COUNT", "1"],
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

/// To the digest, which reads the trails entry for entry.
#[track_caller]
pub fn alike(primary: &Server, replica: &Server) {
    settle(primary);
    replica.catch_up(primary);
    let (mut here, mut there) = (primary.client(), replica.client());
    assert_eq!(fingerprint(&mut there), fingerprint(&mut here));
    assert_eq!(there.text(&["DEBUG", "DIGEST"]), here.text(&["DEBUG", "DIGEST"]));
}

/// Waits until a replica follows from command to command. One that is online may still be sent nothing until it has first said how
/// far it is, which it does once a second; by a command of its own that changes nothing, WAIT notices.
#[track_caller]
pub fn is_followed(primary: &Server) {
    wait_until("the primary knows its replica", || {
        primary.client().text(&["INFO", "replication"]).contains("state=online")
    });
    let mut client = primary.client();
    client.ok(&["PUBLISH", "channel:*", "is anybody there?"]);
    assert_eq!(client.ok(&["WAIT", "1", "30000"]).int(), 1);
}

pub fn role(server: &Server) -> String {
    server.client().ok(&["ROLE"]).array()[0].text().to_owned()
}
