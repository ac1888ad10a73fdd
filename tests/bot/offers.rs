//! The form of an offer: amounts in a denomination of the ledger, and the handle, which the ledger
//! knows before the user is asked to confirm.

use support::{Server, block_on};

use crate::soon;
use crate::whatsapp_user::{Bot, User};
use crate::world::{ID, Person, attempts, document, step};

/// Each spelling, and the offer that the ledger makes of it.
#[test]
fn amount_is_in_a_denomination_of_the_ledger() {
    soon(async {
        let mut bot = Bot::start(&[]);
        let mut user = User::new(0);
        user.joins(&mut bot).await;
        let spellings = [
            ("5", "5.00 USD"),
            ("ZWG 5", "5.00 ZWG"),
            ("5.50 USD", "5.50 USD"),
            ("7.5 zwg", "7.50 ZWG"),
            ("usd3", "3.00 USD"),
        ];
        for (text, made) in spellings {
            user.taps_title(&mut bot, "Make an offer").await;
            user.says(&mut bot, text).await;
            user.says(&mut bot, "rudo").await;
            user.taps_title(&mut bot, "Yes").await;
            let held = bot.ledger.of(&format!("+{}", user.number)).expect("a member");
            let newest = held.pending_out.last().map(|offer| offer.amount.as_str());
            assert_eq!(newest, Some(made), "{text}");
        }
        user.taps_title(&mut bot, "Make an offer").await;
        for text in ["5 CAD", "CAD", "0 USD", "USD 5 ZWG", "$5"] {
            let answer = user.says(&mut bot, text).await;
            assert!(answer.contains("Please send an amount"), "{text}: {answer}");
            assert_eq!(user.step(&mut bot), "offer/AmountInput", "{text}");
        }
    });
}

/// S46, S70: an unknown handle is asked for again, counts as a failed attempt, and keeps the
/// amount; the ledger makes nothing.
#[test]
fn handle_is_checked_before_the_confirmation() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let (mut person, ledger) = Person::member(&server).await;
        person.says(&["1", "ZWG 5"]).await;
        let asked = document(&mut client)["current"].clone();
        for (handle, why) in [("nemo", "No member has the handle nemo."), ("chipo", "make yourself an offer")]
        {
            let answer = person.says(&[handle]).await;
            assert!(answer.contains(why) && answer.contains("Send their handle"), "{handle}: {answer}");
            assert_eq!(document(&mut client)["current"], asked, "{handle}");
        }
        assert_eq!(attempts(&mut client, "HandleInput"), (4, 1), "a text and a check for each");
        let answer = person.says(&["@TARIRO"]).await;
        assert!(answer.contains("You offer 5 ZWG to tariro (Tariro Moyo)."), "{answer}");
        assert!(person.says(&["back"]).await.contains("Send their handle"));
        assert_eq!(step(&mut client), "offer/HandleInput");
        assert!(person.says(&["rudo"]).await.contains("to rudo (Rudo Ncube)."));
        assert_eq!(ledger.calls().len(), 1, "only the onboarding");
        assert!(person.says(&["yes"]).await.contains("Your offer of 5 ZWG to rudo is made."));
        assert_eq!(ledger.of(ID).expect("a member").pending_out[0].amount, "5.00 ZWG");
    });
}

/// A wrong handle is no error of the operator's, and its text is in no log.
#[test]
fn unknown_handle_is_not_logged() {
    soon(async {
        let mut bot = Bot::start(&[]);
        let mut user = User::new(0);
        user.joins(&mut bot).await;
        for text in ["1", "5"] {
            user.says(&mut bot, text).await;
        }
        assert!(user.says(&mut bot, "nemo").await.contains("No member has the handle nemo."));
        bot.process.terminate();
        assert!(bot.process.ended().success(), "{}", bot.process.log());
        let log = bot.process.log();
        assert!(!log.contains("nemo") && !log.contains("ERROR"), "{log}");
    });
}

/// S17: the check needs the token, which is renewed.
#[test]
fn check_of_the_handle_renews_the_token() {
    let server = Server::start();
    block_on(async {
        let (mut person, ledger) = Person::member(&server).await;
        person.says(&["1", "5"]).await;
        ledger.expire_tokens();
        assert!(person.says(&["tariro"]).await.contains("You offer 5 USD to tariro"));
    });
}
