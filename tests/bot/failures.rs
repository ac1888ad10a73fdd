//! S17, S70: what a user sees when the ledger fails.

use redis_state_bot::ledger::Failure;
use support::{Server, block_on};

use crate::world::{ID, Person, attempts, document, step};

/// S70: a rejection keeps the state at the question, counts as a failed attempt, and is shown to
/// the user.
#[test]
fn rejection_changes_nothing_and_is_shown() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let (mut person, ledger) = Person::member(&server).await;
        person.says(&["1", "10", "tariro"]).await;
        let before = document(&mut client)["current"].clone();
        ledger.fail([Failure::Rejected("There is not enough in the account.")]);
        let answer = person.says(&["yes"]).await;
        assert!(answer.contains("not enough") && answer.contains("You offer 10 USD to tariro"), "{answer}");
        assert_eq!(document(&mut client)["current"], before);
        assert_eq!(attempts(&mut client, "CreateOfferApiCall"), (1, 1));
        assert!(ledger.of(ID).expect("a member").pending_out.is_empty());
        // The user decides again, which is another change.
        assert!(person.says(&["yes"]).await.contains("is made"));
        let keys: Vec<String> = ledger.calls().into_iter().map(|(_, key)| key).collect();
        assert_ne!(keys[1], keys[2]);
    });
}

/// S70: after a lost reply it is unknown whether the change was made. The next yes repeats the same
/// change.
#[test]
fn lost_reply_does_not_make_two_offers() {
    for failure in [Failure::Before, Failure::After] {
        let server = Server::start();
        let mut client = server.client();
        block_on(async {
            let (mut person, ledger) = Person::member(&server).await;
            person.says(&["1", "10", "tariro"]).await;
            ledger.fail([failure, failure]);
            for _ in 0..2 {
                let answer = person.says(&["yes"]).await;
                assert!(answer.contains("will not be done twice"), "{answer}");
                assert_eq!(step(&mut client), "offer/ConfirmOffer");
            }
            assert!(person.says(&["yes"]).await.contains("is made"));
            assert_eq!(ledger.of(ID).expect("a member").pending_out.len(), 1);
            let keys: Vec<String> = ledger.calls().into_iter().skip(1).map(|(_, key)| key).collect();
            assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
        });
    }
}

/// The same for a new member: the last name is asked for again, and there is one member.
#[test]
fn newcomer_whose_reply_is_lost_becomes_one_member() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let (mut person, ledger) = Person::new(&server).await;
        person.says(&["hello", "1", "Chipo"]).await;
        ledger.fail([Failure::After]);
        let answer = person.says(&["Dube"]).await;
        assert!(answer.contains("last name"), "{answer}");
        assert_eq!(step(&mut client), "onboard/LastNameInput");
        assert!(person.says(&["Dube"]).await.contains("Hello Chipo Dube."));
        assert_eq!((ledger.changes(), ledger.calls().len()), (1, 2));
    });
}

/// S17: a token that the ledger rejects is renewed, and the call retried.
#[test]
fn expired_token_is_renewed_and_the_call_retried() {
    let server = Server::start();
    block_on(async {
        let (mut person, ledger) = Person::member(&server).await;
        person.says(&["1", "10", "tariro"]).await;
        ledger.expire_tokens();
        assert!(person.says(&["yes"]).await.contains("is made"));
        assert_eq!(ledger.of(ID).expect("a member").pending_out.len(), 1);
        // A list needs the token too.
        ledger.expire_tokens();
        assert!(person.says(&["3"]).await.contains("10.00 USD to tariro"));
    });
}
