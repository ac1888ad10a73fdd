//! Restart words: from every step to a new login, except from the confirmation of an offer.

use redis_state_bot::ledger::{Ledger, LedgerChange};

use crate::soon;
use crate::whatsapp_user::{Bot, User};

/// Texts from the menu to a step, and a restart word.
const STEPS: [(&[&str], &str, &str); 12] = [
    (&[], "account/AccountDashboard", "hi"),
    (&["1"], "offer/AmountInput", "Hello!"),
    (&["1", "10"], "offer/HandleInput", "menu"),
    (&["2"], "accept/OfferList", "START"),
    (&["2", "1"], "accept/Confirm", " home "),
    (&["2", "decline"], "decline/OfferList", "0"),
    (&["2", "decline", "1"], "decline/Confirm", "hey"),
    (&["3"], "cancel/OfferList", "restart"),
    (&["3", "1"], "cancel/Confirm", "hi"),
    (&["4"], "ledger/ViewLedger", "hi"),
    (&["5"], "switch/AccountSelect", "menu"),
    (&["6"], "upgrade/ConfirmUpgrade", "menu"),
];

/// S58: nothing is decided by a restart, and the user is at the menu.
#[test]
fn restart_word_leads_to_the_menu_from_every_step() {
    soon(async {
        let mut bot = Bot::start(&[]);
        let mut user = User::new(0);
        user.joins(&mut bot).await;
        // An offer of the user's own, so that every list has an entry.
        for text in ["1", "10", "tariro", "yes"] {
            user.says(&mut bot, text).await;
        }
        let calls = bot.ledger.calls();
        for (texts, step, word) in STEPS {
            for text in texts {
                user.says(&mut bot, text).await;
            }
            assert_eq!(user.step(&mut bot), step);
            let answer = user.says(&mut bot, word).await;
            assert!(answer.starts_with("Hello Chipo Dube."), "{word} at {step} was answered {answer:?}");
            assert_eq!(user.step(&mut bot), "account/AccountDashboard", "{word} at {step}");
        }
        assert_eq!(bot.ledger.calls(), calls);
    });
}

/// A newcomer is at the welcome again.
#[test]
fn restart_word_leads_a_newcomer_to_the_welcome() {
    soon(async {
        let mut bot = Bot::start(&[]);
        let mut user = User::new(0);
        for texts in [&["hello"] as &[&str], &["1"], &["1", "Chipo"]] {
            for text in texts {
                user.says(&mut bot, text).await;
            }
            let answer = user.says(&mut bot, "hi").await;
            assert!(answer.contains("not a member yet"), "{texts:?}: {answer}");
            assert_eq!(user.step(&mut bot), "onboard/Welcome", "{texts:?}");
        }
    });
}

/// The amount and the handle were typed: a restart word is no answer, and keeps them.
#[test]
fn confirmation_of_an_offer_keeps_what_was_typed() {
    soon(async {
        let mut bot = Bot::start(&[]);
        let mut user = User::new(0);
        user.joins(&mut bot).await;
        for text in ["1", "10", "tariro"] {
            user.says(&mut bot, text).await;
        }
        for word in ["hi", "menu", "start", "home"] {
            let answer = user.says(&mut bot, word).await;
            assert!(answer.contains("yes or no") && answer.contains("You offer 10"), "{word}: {answer}");
        }
        assert!(user.says(&mut bot, "yes").await.contains("is made"));
    });
}

/// A restart asks the ledger, so an offer that was made meanwhile is on the menu.
#[test]
fn restart_shows_new_offers() {
    soon(async {
        let mut bot = Bot::start(&[]);
        let mut user = User::new(0);
        user.joins(&mut bot).await;
        let session = bot.ledger.login("+263770000001").await.expect("a ledger").expect("tariro");
        let account = session.dashboard.accounts[0].id.clone();
        let handle = "chipo".to_owned();
        let (amount, denomination) = ("7".to_owned(), None);
        let offer = LedgerChange::CreateOffer { account, amount, denomination, handle };
        bot.ledger.change(&session.token, &offer, "a-key").await.expect("an offer");
        assert!(user.says(&mut bot, "hi").await.contains("Offers to you: 2 open"));
    });
}

#[test]
fn restart_words_are_configurable() {
    soon(async {
        let mut bot = Bot::start(&[("BOT_RESTART_WORDS", "mhoro,makadii")]);
        let mut user = User::new(0);
        for text in ["hello", "1"] {
            user.says(&mut bot, text).await;
        }
        assert!(user.says(&mut bot, "Hi").await.contains("last name"));
        let menu = user.says(&mut bot, "Dube").await;
        assert!(menu.contains("Hello Hi Dube."), "{menu}");
        user.says(&mut bot, "1").await;
        assert!(user.says(&mut bot, "menu").await.contains("above zero"));
        assert!(user.says(&mut bot, "Makadii").await.starts_with("Hello Hi Dube."));
    });
}
