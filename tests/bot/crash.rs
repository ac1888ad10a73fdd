//! S55, S60, S70: after a crash anywhere around a call of the ledger, another process completes the
//! work, and the ledger gets one change.
//!
//! The crashing process is the program in a terminal, built with crash points; both processes use
//! one ledger.

use redis_state_bot::conversation::points;
use redis_state_bot::ledger::{Failure, HttpLedger, MemoryLedger};
use support::{Server, block_on};

use crate::http_ledger::serve;
use crate::program::terminal;
use crate::world::{ID, Person, step};

/// The crashing process: gets "yes", as the message "yes-1".
fn crash_at(point: &str, server: &Server, ledger: &str) {
    let redis = server.url();
    let options =
        [("--redis", redis.as_str()), ("--ledger", ledger), ("--session", "yes"), ("--channel", ID)];
    let output = terminal(&options, Some(point), &["yes"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&format!("crash at {point}")), "{point} was not reached: {said}");
}

/// A process crashes at `point`; then another one gets `finish`.
fn finished_after(point: &str, finish: (&str, &str)) {
    let server = Server::start();
    let mut client = server.client();
    let ledger = MemoryLedger::new();
    let url = serve(ledger.clone());
    block_on(async {
        let mut person = Person::with(&server, HttpLedger::new(&url).expect("an address")).await;
        person.joins().await;
        person.says(&["1", "10", "tariro"]).await;
        if point == points::BEFORE_BACK {
            ledger.fail([Failure::After]);
            // A new token makes a version within the step, which must not change the idempotency
            // key.
            ledger.expire_tokens();
        }
        crash_at(point, &server, &url);
        let answer = person.delivers(finish.0, finish.1).await;
        assert!(answer.contains("is made") && answer.contains("Hello Chipo"), "{point}: {answer}");
        // A message other than the one in progress is not taken for its repetition.
        let is_put_off = finish.1 != "yes" && point != points::AFTER_LEAVE;
        assert_eq!(answer.contains("This one was not acted upon"), is_put_off, "{point}: {answer}");
        assert_eq!(step(&mut client), "account/AccountDashboard", "{point}");
        assert_eq!(ledger.of(ID).expect("a member").pending_out.len(), 1, "{point}");
        let keys: Vec<String> = ledger.calls().into_iter().skip(1).map(|(_, key)| key).collect();
        assert!(keys.iter().all(|key| *key == keys[0]), "{point}: {keys:?}");
    });
}

/// WhatsApp redelivers the message.
#[test]
fn redelivered_message_completes_interrupted_work() {
    for point in points::ALL {
        finished_after(point, ("yes-1", "yes"));
    }
}

/// The user sends another message. After the last points there is nothing left to complete, and it
/// is an ordinary choice.
#[test]
fn another_message_completes_interrupted_work() {
    for point in points::ALL {
        finished_after(point, ("hello-1", "hello?"));
    }
}
