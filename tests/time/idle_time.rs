//! Eviction order: a lapse without a command is not an access, so `allkeys-lru` and `allkeys-lfu`
//! see an unused state as unused.

use std::time::Duration;

use support::{Client, Server, wait_until};

use crate::{AUDIT, KEY, counter};

const SCHEMA: &str = r#"{"x-ttl":60,"properties":{"form":{"x-ttl":1.3},"current":{"x-ttl":2.6}}}"#;

fn abandoned(client: &mut Client) {
    client.ok(&["STATE.SCHEMA", "SET", "bot.forms", SCHEMA]);
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"form":1,"current":2}"#, "SCHEMA", "bot.forms"]);
}

fn lapsed(client: &mut Client, count: i64) {
    wait_until("the members have lapsed", || counter(client, "lapses") == count);
}

/// On a replica too, which evicts once it is promoted.
#[test]
fn lapse_leaves_the_idle_time_of_state_and_stream() {
    let server = Server::builder().without_schemas().start();
    let replica = Server::builder().without_schemas().start();
    replica.follow(&server);
    let (mut client, mut reader) = (server.client(), replica.client());
    abandoned(&mut client);
    // Used after the state, and never again: a busy server's clock of idle times may be late.
    client.ok(&["SET", "channel:control", "x"]);
    lapsed(&mut client, 2);
    replica.catch_up(&server);
    for client in [&mut client, &mut reader] {
        let idle_s = |client: &mut Client, key| client.ok(&["OBJECT", "IDLETIME", key]).int();
        wait_until("the control key is idle", || idle_s(client, "channel:control") >= 2);
        let control_s = idle_s(client, "channel:control");
        for key in [KEY, AUDIT] {
            let idle_s = idle_s(client, key);
            assert!(idle_s >= control_s, "{key} was used {idle_s} s ago, the control key {control_s} s ago");
        }
    }
    client.ok(&["STATE.GET", KEY]);
    assert!(client.ok(&["OBJECT", "IDLETIME", KEY]).int() < 2, "a command is an access");
}

#[test]
fn lapse_leaves_the_frequency_of_a_state() {
    let server = Server::builder()
        .without_schemas()
        .arg("--maxmemory-policy")
        .arg("allkeys-lfu")
        .arg("--lfu-log-factor")
        .arg("0")
        // Else the frequency falls by one when a minute begins.
        .arg("--lfu-decay-time")
        .arg("0")
        .start();
    let mut client = server.client();
    abandoned(&mut client);
    let frequency = |client: &mut Client| client.ok(&["OBJECT", "FREQ", KEY]).int();
    let before = frequency(&mut client);
    lapsed(&mut client, 2);
    // The timer checks once more what it has committed.
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(frequency(&mut client), before);
    client.ok(&["STATE.GET", KEY]);
    assert!(frequency(&mut client) > before, "a command is an access");
}
