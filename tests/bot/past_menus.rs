//! A tap on a menu of another question changes nothing, and is answered with where the
//! conversation stands.

use serde_json::json;

use crate::lapsed_sessions::change_schema;
use crate::soon;
use crate::until;
use crate::whatsapp::{deliver, tap};
use crate::whatsapp_user::{Bot, Choice, User};

const PAST: &str = "no longer open";

/// Taps a past choice: the answer has these words, and the state is as before.
async fn is_past(bot: &mut Bot, user: &mut User, choice: &Choice, words: &str) {
    let (before, calls) = (bot.client.state(&user.key()), bot.ledger.calls());
    let answer = user.taps(bot, choice).await;
    assert!(answer.contains(PAST) && answer.contains(words), "{choice:?} was answered {answer:?}");
    assert_eq!((bot.client.state(&user.key()), bot.ledger.calls()), (before, calls), "{choice:?}");
}

fn button(id: &str, title: &str) -> Choice {
    ("button_reply", id.to_owned(), title.to_owned())
}

/// The button of the welcome is no first name, tapped again or from another bot's menu.
#[test]
fn button_is_never_a_name() {
    soon(async {
        let mut bot = Bot::start(&[]);
        let mut user = User::new(0);
        user.says(&mut bot, "hello").await;
        let become_member = user.choice(&bot, "Become a member");
        user.taps(&mut bot, &become_member).await;
        for choice in [become_member, button("become_member", "Chipo"), button("Chipo", "Chipo")] {
            is_past(&mut bot, &mut user, &choice, "first name").await;
        }
        user.says(&mut bot, "Chipo").await;
        is_past(&mut bot, &mut user, &button("confirm", "Dube"), "last name").await;
        assert_eq!(user.document(&mut bot)["current"]["data"]["firstname"], "Chipo");
    });
}

/// The same for an amount and a handle: a row of the menu is neither.
#[test]
fn row_of_the_menu_is_past_within_a_form() {
    soon(async {
        let mut bot = Bot::start(&[]);
        let mut user = User::new(0);
        user.joins(&mut bot).await;
        let rows = user.choices(&bot);
        user.taps_title(&mut bot, "Make an offer").await;
        is_past(&mut bot, &mut user, &rows[0], "How much").await;
        is_past(&mut bot, &mut user, &button("5", "5"), "How much").await;
        user.says(&mut bot, "10").await;
        is_past(&mut bot, &mut user, &rows[1], "handle").await;
        user.says(&mut bot, "tariro").await;
        is_past(&mut bot, &mut user, &rows[0], "Is that right?").await;
    });
}

/// The "yes" to an offer is none to the next one, though it is the same step.
#[test]
fn answer_to_an_older_question_is_past() {
    soon(async {
        let mut bot = Bot::start(&[]);
        let mut user = User::new(0);
        user.joins(&mut bot).await;
        let old_menu = user.choice(&bot, "Ledger");
        for text in ["1", "10", "tariro"] {
            user.says(&mut bot, text).await;
        }
        let old_yes = user.choice(&bot, "Yes");
        user.taps_title(&mut bot, "No").await;
        is_past(&mut bot, &mut user, &old_menu, "Hello Chipo").await;
        for text in ["1", "20", "rudo"] {
            user.says(&mut bot, text).await;
        }
        is_past(&mut bot, &mut user, &old_yes, "You offer 20 USD").await;
        let yes = user.choice(&bot, "Yes");
        assert!(user.taps(&mut bot, &yes).await.contains("is made"));
        // A second tap on the same button is another message.
        is_past(&mut bot, &mut user, &yes, "Hello Chipo").await;
        assert_eq!(bot.ledger.of("+263771230000").expect("a member").pending_out.len(), 1);
    });
}

/// A redelivered tap is known, after the question is asked again too.
#[test]
fn redelivered_tap_changes_nothing() {
    soon(async {
        let mut bot = Bot::start(&[]);
        let mut user = User::new(0);
        user.joins(&mut bot).await;
        user.taps_title(&mut bot, "Offers to you").await;
        let offer = user.choices(&bot).remove(0);
        user.taps(&mut bot, &offer).await;
        let (id, number) = (user.last_id(), user.number.clone());
        user.says(&mut bot, "back").await;
        assert_eq!(user.step(&mut bot), "accept/OfferList");
        let before = bot.client.state(&user.key());
        let again = tap(&id, &number, (offer.0, &offer.1, &offer.2));
        assert_eq!(deliver(bot.process.address, &[again]).await, 200);
        assert_eq!(bot.client.state(&user.key()), before);
        // The question is the same one, so its row may be tapped again.
        assert!(user.taps(&mut bot, &offer).await.contains("accept the offer"));
    });
}

/// S16: the notice of a session expiry has a button, which begins as any message does.
#[test]
fn button_of_a_session_expiry_begins_anew() {
    soon(async {
        let mut bot = Bot::start(&[("BOT_FEED", "sessions")]);
        bot.client.ok(&["CONFIG", "SET", "state.feed", "sessions"]);
        let mut user = User::new(0);
        user.joins(&mut bot).await;
        change_schema(&mut bot.client, "/properties/current/x-ttl", json!(0.3));
        user.taps_title(&mut bot, "Ledger").await;
        let is_notified = || user.choices(&bot).iter().any(|(_, _, title)| title == "Start");
        until("the user is notified", is_notified).await;
        change_schema(&mut bot.client, "/properties/current/x-ttl", json!(300));
        let answer = user.taps_title(&mut bot, "Start").await;
        assert!(answer.contains("session had ended") && answer.contains("Hello Chipo Dube."), "{answer}");
    });
}

/// S16: after a session expiry a tap begins like any message, and is no choice.
#[test]
fn tap_after_a_session_expiry_begins_anew() {
    soon(async {
        let mut bot = Bot::start(&[]);
        let mut user = User::new(0);
        user.joins(&mut bot).await;
        let offer = user.choice(&bot, "Make an offer");
        change_schema(&mut bot.client, "/properties/current/x-ttl", json!(0.3));
        user.taps_title(&mut bot, "Ledger").await;
        let mut client = bot.server.client();
        let component = |client: &mut support::Client, key: &str| {
            client.ok(&["STATE.GET", key, "/current/component"]).to_string().contains("Greeting")
        };
        until("the session has lapsed", || component(&mut client, &user.key())).await;
        change_schema(&mut bot.client, "/properties/current/x-ttl", json!(300));
        let answer = user.taps(&mut bot, &offer).await;
        assert!(answer.contains("session had ended") && answer.contains("Hello Chipo Dube."), "{answer}");
        assert_eq!(user.step(&mut bot), "account/AccountDashboard");
    });
}
