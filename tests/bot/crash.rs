//! S55, S60, S70: a process that dies anywhere around a call of the ledger leaves nothing that
//! another can't finish, and the ledger hears of one change.
//!
//! The process that dies is the program in a terminal, which was built with the points to die at;
//! the ledger is one that both processes reach.

use redis_state_bot::conversation::points;
use redis_state_bot::ledger::{Failure, HttpLedger, MemoryLedger};
use support::{Server, block_on};

use crate::over_http::serve;
use crate::program::terminal;
use crate::world::{ID, Person, step};

/// The other process: takes in "yes", as the message "yes-1".
fn crash_at(point: &str, server: &Server, ledger: &str) {
    let redis = server.url();
    let options =
        [("--redis", redis.as_str()), ("--ledger", ledger), ("--session", "yes"), ("--channel", ID)];
    let output = terminal(&options, Some(point), &["yes"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&format!("crash at {point}")), "{point} was not reached: {said}");
}

/// A process dies at `point`; then `finish` comes in at another one.
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
            // A new token makes a version within the step, which the key must not follow.
            ledger.expire_tokens();
        }
        crash_at(point, &server, &url);
        let answer = person.delivers(finish.0, finish.1).await;
        assert!(answer.contains("is made") && answer.contains("Hello Chipo"), "{point}: {answer}");
        // Another message than the one that was begun is not taken for its answer.
        let is_put_off = finish.1 != "yes" && point != points::AFTER_LEAVE;
        assert_eq!(answer.contains("This one was not acted upon"), is_put_off, "{point}: {answer}");
        assert_eq!(step(&mut client), "account/AccountDashboard", "{point}");
        assert_eq!(ledger.of(ID).expect("a member").pending_out.len(), 1, "{point}");
        let keys: Vec<String> = ledger.calls().into_iter().skip(1).map(|(_, key)| key).collect();
        assert!(keys.iter().all(|key| *key == keys[0]), "{point}: {keys:?}");
    });
}

/// The webhook comes again.
#[test]
fn the_same_message_finishes_what_a_crash_has_left() {
    for point in points::ALL {
        finished_after(point, ("yes-1", "yes"));
    }
}

/// The user asks what is going on. After the last points there is nothing left to finish, and this
/// is a choice like any other.
#[test]
fn another_message_finishes_what_a_crash_has_left() {
    for point in points::ALL {
        finished_after(point, ("hello-1", "hello?"));
    }
}
