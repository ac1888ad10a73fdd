//! The key builders: the bot's three schemes exactly, and which of them can be aligned.

use redis_state_client::{Change, ErrorKind, Update, connect, connect_cluster};
use redis_state_vimbiso::keys;
use support::{Cluster, Server, block_on};

const PHONE: &str = "+263771234567";

/// S1, S2, S3: the names of the design notes.
#[test]
fn keys_are_named_as_in_the_notes() {
    assert_eq!(keys::channel(PHONE), "channel:+263771234567");
    assert_eq!(keys::user_state(PHONE), "user:{+263771234567}:state");
    assert_eq!(keys::session_data("91c2"), "session:{91c2}:data");
    assert_eq!(keys::token(PHONE), "token:{+263771234567}");
    let five = keys::CachedUserKeys::new(PHONE);
    let five = [five.state, five.stage, five.option, five.direction, five.jwt_token];
    let suffixes = ["", "_stage", "_option", "_direction", "_jwt_token"];
    assert_eq!(five, suffixes.map(|suffix| format!("+263771234567{suffix}")));
}

/// S66: the builder names the stream that the server writes.
#[test]
fn builder_names_the_audit_stream() {
    let server = Server::start();
    let mut client = server.client();
    for key in [keys::channel(PHONE), keys::user_state(PHONE), PHONE.to_owned(), "{}x".to_owned()] {
        let reply = client.call(&["STATE.UPDATE", &key, "0", "{}"]);
        let Some(stream) = keys::audit_stream(&key) else {
            assert!(reply.to_string().starts_with("-BADKEY "), "{key}: {reply}");
            continue;
        };
        assert_eq!(client.ok(&["STATE.META", &key]).field("audit").text(), stream);
        assert_eq!(client.ok(&["XLEN", &stream]).int(), 1);
    }
}

/// S2, S14: on one server all siblings expire at the same instant as the state.
#[test]
fn siblings_expire_together() {
    let server = Server::start();
    let mut client = server.client();
    let siblings = [keys::token(PHONE), keys::session_data("91c2")];
    for key in &siblings {
        client.ok(&["SET", key, "tok_a4c1"]);
    }
    block_on(async {
        let mut states = connect(&server.url()).await.expect("a connection");
        let create = Update::create(keys::user_state(PHONE), Change::none()).schema("vimbiso.conversation");
        states.send(&create.align(siblings.clone())).await.expect("a state");
    });
    let expiry = client.ok(&["PEXPIRETIME", &keys::user_state(PHONE)]).int();
    assert!(expiry > 0);
    for key in &siblings {
        assert_eq!(client.ok(&["PEXPIRETIME", key]).int(), expiry, "{key}");
    }
}

/// S2: in a cluster, state and token share a slot; so does a session whose ID is the number.
#[test]
fn in_a_cluster_state_and_token_can_be_aligned() {
    let cluster = Cluster::start_with(1, 0, |node| node);
    let mut client = cluster.primaries()[0].client();
    client.ok(&["SET", &keys::token(PHONE), "tok_a4c1"]);
    let update = |keys: &[String]| Update::any(keys::user_state(PHONE), Change::none()).align(keys);
    block_on(async {
        let mut states = connect_cluster(cluster.urls()).await.expect("a connection");
        states.send(&update(&[keys::token(PHONE), keys::session_data(PHONE)])).await.expect("one slot");
        let error = states.send(&update(&[keys::session_data("91c2")])).await.unwrap_err();
        assert!(error.to_string().contains("same slot"), "{:?} {error}", ErrorKind::Command);
    });
    let expiry = client.ok(&["PEXPIRETIME", &keys::user_state(PHONE)]);
    assert_eq!(client.ok(&["PEXPIRETIME", &keys::token(PHONE)]), expiry);
}
