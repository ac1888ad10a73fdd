//! S55, S59, S60: a process behind WhatsApp is killed at each point of its work, and another one
//! completes it: one offer, one idempotency key, an answered user.

use std::net::TcpListener;

use redis_state_bot::conversation::points;
use redis_state_bot::ledger::{Failure, MemoryLedger};
use support::Server;

use crate::echo_service::waiting;
use crate::http_ledger::serve;
use crate::program::{CRASH_AT, Process};
use crate::whatsapp::{FakeGraph, TARIRO, deliver, text, try_deliver};
use crate::{soon, until};

/// The expected counts after a process died at a point.
struct Counted {
    /// Calls of the ledger.
    calls: usize,
    /// Answers to the user.
    answers: usize,
}

const ONCE: Counted = Counted { calls: 1, answers: 1 };

async fn dies_at(point: &str, counted: Counted) {
    let server = Server::start();
    let mut client = server.client();
    let (ledger, graph) = (MemoryLedger::new(), FakeGraph::start());
    let url = serve(ledger.clone());
    let mut healthy = Process::start(&server, &graph, &url, &[]);
    for (n, body) in ["hello", "1", "Chipo", "Dube", "1", "10", "tariro"].iter().enumerate() {
        assert_eq!(deliver(healthy.address, &[text(&format!("wamid.{n}"), TARIRO, body)]).await, 200);
    }
    until("no message waits", || waiting(&mut client) == 0).await;
    healthy.terminate();
    assert!(healthy.ended().success(), "{}", healthy.log());

    if point == points::BEFORE_BACK {
        ledger.fail([Failure::After]);
        // A new token makes a version within the step, which must not change the idempotency key.
        ledger.expire_tokens();
    }
    // The accepting process may already work on the message when it dies: so its ledger never
    // replies, or it could die between sending and recording, which is another point.
    let silent_listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let silent = format!("http://{}", silent_listener.local_addr().expect("a port"));
    let asked = if point == "accepted" { &silent } else { &url };
    let mut dying = Process::start(&server, &graph, asked, &[(CRASH_AT, point)]);
    let yes = [text("wamid.yes", TARIRO, "yes")];
    let status = try_deliver(dying.address, &yes).await;
    assert!(
        !dying.ended().success() && dying.log().contains(&format!("crash at {point}")),
        "{}",
        dying.log()
    );

    let healthy = Process::start(&server, &graph, &url, &[]);
    if status != Some(200) {
        // WhatsApp got no success, and redelivers.
        assert_eq!(deliver(healthy.address, &yes).await, 200);
    }
    until("no message waits", || waiting(&mut client) == 0).await;

    let made = graph.sent().iter().filter(|(_, text)| text.contains("is made")).count();
    assert_eq!(made, counted.answers, "{point}: {:?}", graph.sent());
    assert_eq!(ledger.of("+263771234567").expect("a member").pending_out.len(), 1, "{point}");
    let keys: Vec<String> = ledger.calls().into_iter().skip(1).map(|(_, key)| key).collect();
    assert_eq!(keys.len(), counted.calls, "{point}: {keys:?}");
    assert!(keys.iter().all(|key| *key == keys[0]), "{point}: {keys:?}");
}

#[test]
fn killed_before_the_answer_begins() {
    soon(async {
        dies_at("accepted", ONCE).await;
        dies_at("taken", ONCE).await;
    });
}

#[test]
fn killed_before_the_call_of_the_ledger() {
    soon(async {
        for point in [points::BEFORE_ENTER, points::AFTER_ENTER, points::BEFORE_CALL] {
            dies_at(point, ONCE).await;
        }
    });
}

/// The ledger's reply is lost with the process, so the call is repeated, for the same change.
#[test]
fn killed_after_the_call_of_the_ledger() {
    soon(async {
        for point in [points::AFTER_CALL, points::BEFORE_BACK] {
            dies_at(point, Counted { calls: 2, answers: 1 }).await;
        }
    });
}

#[test]
fn killed_after_storing_the_ledgers_reply() {
    soon(async {
        for point in [points::AFTER_STORE, points::AFTER_LEAVE, "answered"] {
            dies_at(point, ONCE).await;
        }
    });
}

/// The only point that leads to a second answer.
#[test]
fn killed_between_sending_and_recording() {
    soon(dies_at("sent", Counted { calls: 1, answers: 2 }));
}
