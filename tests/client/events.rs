//! Keyspace events: what a listener receives, and its errors when the server sends none.

use redis_state_client::{Changed, ErrorKind, Events, Listen, StateEvent};
use support::{Client, Server, block_on};

use crate::{cut, soon};

const KEY: &str = "channel:+263771234567";

fn server_with_events(flags: &str) -> Server {
    Server::builder().arg("--notify-keyspace-events").arg(flags).start()
}

async fn received(events: &mut Events) -> (String, StateEvent) {
    let Changed { key, event } = events.next().await.expect("an event");
    (key, event)
}

fn update(client: &mut Client, key: &str) {
    client.ok(&["STATE.UPDATE", key, "*", r#"{"stage":"menu"}"#]);
}

#[test]
fn every_event_of_a_state_is_received() {
    let server = server_with_events("Kdxg");
    let mut client = server.client();
    let schema = r#"{"properties":{"form":{"type":"object","x-ttl":0.05},"stage":{"type":"string"}}}"#;
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", schema]);
    block_on(soon(async {
        let mut events = Listen::new().pattern("channel:*").open(&server.url()).await.expect("events");
        update(&mut client, "offer:other");
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"form":{}}"#, "SCHEMA", "vimbiso.forms", "PERSIST"]);
        assert_eq!(received(&mut events).await, (KEY.to_owned(), StateEvent::Create));
        assert_eq!(received(&mut events).await, (KEY.to_owned(), StateEvent::Lapse));
        update(&mut client, KEY);
        client.err(&["STATE.UPDATE", KEY, "*", r#"{"stage":7}"#]);
        client.ok(&["STATE.ROLLBACK", KEY, "*"]);
        client.ok(&["STATE.RECOVER", KEY]);
        client.ok(&["STATE.UPDATE", KEY, "*", r#"{"more":1}"#]);
        client.ok(&["STATE.RESET", KEY, "*"]);
        client.ok(&["STATE.DELETE", KEY, "*"]);
        use StateEvent::*;
        for event in [Update, Reject, Rollback, Recover, Update, Reset, Delete] {
            assert_eq!(received(&mut events).await, (KEY.to_owned(), event));
        }
        client.ok(&["STATE.UPDATE", "channel:a", "0", "{}", "PX", "5"]);
        update(&mut client, "channel:b");
        client.ok(&["DEL", "channel:b"]);
        client.ok(&["SET", "channel:c", "a string", "EX", "100"]);
        let mut rest = Vec::new();
        for _ in 0..5 {
            rest.push(received(&mut events).await);
        }
        for (key, event) in [
            ("channel:a", Create),
            ("channel:a", Expired),
            ("channel:b", Create),
            ("channel:b", Del),
            ("channel:c", Other("expire".to_owned())),
        ] {
            assert!(rest.contains(&(key.to_owned(), event.clone())), "{key} {event:?} of {rest:?}");
        }
    }));
}

/// Filtered by key (not a pattern), by event, and by the database of the URL.
#[test]
fn events_are_filtered_by_key_and_event() {
    let server = server_with_events("KEd");
    let mut client = server.client();
    client.ok(&["SELECT", "3"]);
    let url = format!("{}3", server.url());
    block_on(soon(async {
        let mut one = Listen::new().key("channel:[a]*").open(&url).await.expect("events");
        let mut deletes = Listen::new().event(StateEvent::Delete).open(&url).await.expect("events");
        update(&mut client, "channel:a");
        update(&mut client, "channel:[a]*");
        client.ok(&["STATE.DELETE", "channel:a", "*"]);
        client.ok(&["SELECT", "0"]);
        client.ok(&["STATE.UPDATE", "channel:[a]*", "0", "{}"]);
        client.ok(&["STATE.DELETE", "channel:[a]*", "*"]);
        client.ok(&["SELECT", "3"]);
        client.ok(&["STATE.DELETE", "channel:[a]*", "*"]);
        let odd = || "channel:[a]*".to_owned();
        assert_eq!(received(&mut one).await, (odd(), StateEvent::Create));
        assert_eq!(received(&mut one).await, (odd(), StateEvent::Delete));
        assert_eq!(received(&mut deletes).await, ("channel:a".to_owned(), StateEvent::Delete));
        assert_eq!(received(&mut deletes).await, (odd(), StateEvent::Delete));
    }));
}

#[test]
fn disabled_events_are_an_error_with_the_setting() {
    block_on(soon(async {
        let by_key = || Listen::new().key(KEY);
        let cases = [
            ("", by_key(), "set notify-keyspace-events Kd,"),
            ("Kx", by_key(), "set notify-keyspace-events xKd,"),
            ("Ed", by_key(), "set notify-keyspace-events dEK,"),
            ("KA", by_key().event(StateEvent::Expired), "set notify-keyspace-events AKE,"),
            ("Ed", Listen::new().event(StateEvent::Evicted), "set notify-keyspace-events dEe,"),
        ];
        for (flags, listen, advice) in cases {
            let server = server_with_events(flags);
            let error = listen.open(&server.url()).await.expect_err("the server sends no events");
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert!(error.to_string().contains(advice), "{flags:?}: {error}");
            let set = server.client().ok(&["CONFIG", "GET", "notify-keyspace-events"]);
            assert_eq!(set.array()[1].text().len(), flags.len(), "the setting is not changed");
        }
        let nothing =
            Listen::new().open(&server_with_events("AKE").url()).await.expect_err("no events to listen for");
        assert_eq!(nothing.kind(), ErrorKind::Usage);
        for (flags, listen) in [("AK", by_key()), ("EA", Listen::new().event(StateEvent::Del))] {
            listen.open(&server_with_events(flags).url()).await.expect("the server sends events");
        }
    }));
}

/// Missed events are reported once as a gap, when new events arrive.
#[test]
fn missed_events_are_reported_as_a_gap() {
    let server = server_with_events("Kd");
    let mut client = server.client();
    block_on(soon(async {
        let mut events = Listen::new().pattern("channel:*").open(&server.url()).await.expect("events");
        update(&mut client, KEY);
        assert_eq!(received(&mut events).await.1, StateEvent::Create);
        cut(&mut client);
        client.ok(&["STATE.DELETE", KEY, "*"]);
        let error = events.next().await.expect_err("a gap");
        assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
        update(&mut client, KEY);
        assert_eq!(received(&mut events).await, (KEY.to_owned(), StateEvent::Create));
        // The setting changes while no client listens.
        client.ok(&["CONFIG", "SET", "notify-keyspace-events", ""]);
        cut(&mut client);
        assert_eq!(events.next().await.expect_err("no events").kind(), ErrorKind::Usage);
        client.ok(&["CONFIG", "SET", "notify-keyspace-events", "Kd"]);
        assert_eq!(events.next().await.expect_err("a gap").kind(), ErrorKind::Connection);
        client.ok(&["STATE.DELETE", KEY, "*"]);
        assert_eq!(received(&mut events).await, (KEY.to_owned(), StateEvent::Delete));
    }));
}
