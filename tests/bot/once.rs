//! S55, S60: a message counts once, however often and by however many processes it is taken in.

use std::time::Duration;

use support::{Server, block_on};

use crate::world::{ID, KEY, Person, attempts, message, step};
use redis_state_bot::message::Answers;

const WALK: [&str; 14] =
    ["hello", "Chipo", "Dube", "9", "1", "abc", "10", "tariro", "maybe", "yes", "2", "decline", "1", "yes"];

/// Each message is delivered twice: the second time nothing changes, and there is an answer.
#[test]
fn a_message_that_comes_twice_changes_nothing_twice() {
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
                "{operation}: wrong and right, each once"
            );
        }
        assert_eq!(ledger.calls().len(), 3, "{:?}", ledger.calls());
    });
}

/// Old messages that come again when the conversation has gone on mean nothing in their new
/// surroundings.
#[test]
fn an_old_message_that_comes_again_is_no_new_one() {
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

/// Two processes take in the same message at the same time: one offer, by one call. The other one
/// waits for it.
#[test]
fn two_at_once_make_one_offer() {
    let server = Server::start();
    block_on(async {
        let (mut person, ledger) = Person::member(&server).await;
        for round in 0..5 {
            person.says(&["1", "1", "tariro"]).await;
            let yes = message(&format!("yes-{round}"), "yes");
            let patient = person.conversation.clone().patience(Duration::from_secs(30));
            let (mut one, mut other) = (patient.clone(), patient);
            let (one, other) = tokio::join!(one.answer(&yes), other.answer(&yes));
            for answer in [one, other] {
                assert!(answer.expect("an answer").join("\n").contains("Hello Chipo"));
            }
            let offers = ledger.of(ID).expect("a member").pending_out.len();
            assert_eq!((offers, ledger.calls().len()), (round + 1, round + 2), "{:?}", ledger.calls());
        }
    });
}
