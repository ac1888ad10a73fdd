//! S55, S59, S60: a process behind WhatsApp is killed at each point of its work, and another one
//! finishes it: one offer, the ledger asked under one key, the user answered.

use std::net::TcpListener;

use redis_state_bot::conversation::points;
use redis_state_bot::ledger::{Failure, MemoryLedger};
use support::Server;

use crate::echo::waiting;
use crate::over_http::serve;
use crate::program::{CRASH_AT, Process};
use crate::whatsapp::{FakeGraph, TARIRO, deliver, text, try_deliver};
use crate::{soon, until};

/// What is to be counted when a process has died at a point.
struct Counted {
    /// How often the ledger is asked.
    calls: usize,
    /// How often the user hears of it.
    answers: usize,
}

const ONCE: Counted = Counted { calls: 1, answers: 1 };

async fn dies_at(point: &str, counted: Counted) {
    let server = Server::start();
    let mut client = server.client();
    let (ledger, graph) = (MemoryLedger::new(), FakeGraph::start());
    let url = serve(ledger.clone());
    let mut healthy = Process::start(&server, &graph, &url, &[]);
    for (n, body) in ["hello", "Chipo", "Dube", "1", "10", "tariro"].iter().enumerate() {
        assert_eq!(deliver(healthy.address, &[text(&format!("wamid.{n}"), TARIRO, body)]).await, 200);
    }
    until("nothing waits", || waiting(&mut client) == 0).await;
    healthy.terminate();
    assert!(healthy.ended().success(), "{}", healthy.log());

    if point == points::BEFORE_BACK {
        ledger.fail([Failure::After]);
        // A new token makes a version within the step, which the key must not follow.
        ledger.expire_tokens();
    }
    // The process that has accepted the message may be working on it already when it dies: it asks
    // a ledger that never answers, or it could die between sending and recording, which is another
    // point.
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
        // WhatsApp has heard of no success, and comes again.
        assert_eq!(deliver(healthy.address, &yes).await, 200);
    }
    until("nothing waits", || waiting(&mut client) == 0).await;

    let made = graph.sent().iter().filter(|(_, text)| text.contains("is made")).count();
    assert_eq!(made, counted.answers, "{point}: {:?}", graph.sent());
    assert_eq!(ledger.of("+263771234567").expect("a member").pending_out.len(), 1, "{point}");
    let keys: Vec<String> = ledger.calls().into_iter().skip(1).map(|(_, key)| key).collect();
    assert_eq!(keys.len(), counted.calls, "{point}: {keys:?}");
    assert!(keys.iter().all(|key| *key == keys[0]), "{point}: {keys:?}");
}

#[test]
fn before_the_answer_is_begun() {
    soon(async {
        dies_at("accepted", ONCE).await;
        dies_at("taken", ONCE).await;
    });
}

#[test]
fn before_the_ledger_is_called() {
    soon(async {
        for point in [points::BEFORE_ENTER, points::AFTER_ENTER, points::BEFORE_CALL] {
            dies_at(point, ONCE).await;
        }
    });
}

/// What the ledger has said is lost with the process, so it is asked again, for the same change.
#[test]
fn when_the_ledger_was_called() {
    soon(async {
        for point in [points::AFTER_CALL, points::BEFORE_BACK] {
            dies_at(point, Counted { calls: 2, answers: 1 }).await;
        }
    });
}

#[test]
fn when_the_ledgers_answer_is_stored() {
    soon(async {
        for point in [points::AFTER_STORE, points::AFTER_LEAVE, "answered"] {
            dies_at(point, ONCE).await;
        }
    });
}

/// The one point that leads to a second answer.
#[test]
fn between_sending_and_recording() {
    soon(dies_at("sent", Counted { calls: 1, answers: 2 }));
}
