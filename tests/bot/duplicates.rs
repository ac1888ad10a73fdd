//! S55, S60: a message counts once, however often and by however many processes it is received.

use std::time::Duration;

use support::{Server, block_on};

use crate::world::{ID, KEY, Person, attempts, message, shown, step};
use redis_state_bot::message::Answers;

const WALK: [&str; 15] = [
    "hello", "1", "Chipo", "Dube", "9", "1", "abc", "10", "tariro", "maybe", "yes", "2", "decline", "1",
    "yes",
];

/// Each message is delivered twice: the second delivery changes nothing, and is answered.
#[test]
fn redelivered_message_changes_nothing() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let (mut person, ledger) = Person::new(&server).await;
        for text in WALK {
            person.says(&[text]).await;
            let before = (client.state(KEY), ledger.calls(), step(&mut client));
            let again = person.delivers(&person.last_id(), text).await;
            assert!(!again.is_empty());
            assert_eq!((client.state(KEY), ledger.calls(), step(&mut client)), before, "{text}");
        }
        for (operation, said) in [("AccountDashboard", 3), ("AmountInput", 2), ("confirm", 3)] {
            assert_eq!(
                attempts(&mut client, operation),
                (said, 0),
                "{operation}: one failure and one success"
            );
        }
        assert_eq!(ledger.calls().len(), 3, "{:?}", ledger.calls());
    });
}

/// Old messages that are redelivered after the conversation went on are ignored.
#[test]
fn redelivered_old_message_is_ignored() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let (mut person, ledger) = Person::new(&server).await;
        for text in WALK {
            person.says(&[text]).await;
        }
        let before = client.state(KEY);
        let made = ledger.calls();
        for (index, text) in WALK.iter().enumerate() {
            person.delivers(&format!("wamid.{}", index + 1), text).await;
        }
        assert_eq!((client.state(KEY), ledger.calls()), (before, made));
    });
}

/// Two processes get the same message at the same time: one call makes one offer. The other process
/// waits for it.
#[test]
fn two_processes_make_one_offer() {
    let server = Server::start();
    block_on(async {
        let (mut person, ledger) = Person::member(&server).await;
        for round in 0..5 {
            person.says(&["1", "1", "tariro"]).await;
            let yes = message(&format!("yes-{round}"), "yes");
            let patient = person.conversation.clone().retry_for(Duration::from_secs(30));
            let (mut one, mut other) = (patient.clone(), patient);
            let (one, other) = tokio::join!(one.answer(&yes), other.answer(&yes));
            for answer in [one, other] {
                assert!(shown(&answer.expect("an answer")).contains("Hello Chipo"));
            }
            let offers = ledger.of(ID).expect("a member").pending_out.len();
            assert_eq!((offers, ledger.calls().len()), (round + 1, round + 2), "{:?}", ledger.calls());
        }
    });
}
