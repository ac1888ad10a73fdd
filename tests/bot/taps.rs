//! Every button and every row of every step is tapped, and is a choice.

use std::collections::{BTreeSet, VecDeque};

use crate::soon;
use crate::whatsapp_user::{Bot, User};

/// What a user does at a step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Say(&'static str),
    Tap(String),
}

/// A valid text for each step that has no menu.
const TYPED: [(&str, &str); 4] = [
    ("onboard/FirstNameInput", "Chipo"),
    ("onboard/LastNameInput", "Dube"),
    ("offer/AmountInput", "10"),
    ("offer/HandleInput", "tariro"),
];

/// The steps at which the bot waits for the user.
const STEPS: [&str; 16] = [
    "accept/Confirm",
    "accept/OfferList",
    "account/AccountDashboard",
    "cancel/Confirm",
    "cancel/OfferList",
    "decline/Confirm",
    "decline/OfferList",
    "ledger/ViewLedger",
    "offer/AmountInput",
    "offer/ConfirmOffer",
    "offer/HandleInput",
    "onboard/FirstNameInput",
    "onboard/LastNameInput",
    "onboard/Welcome",
    "switch/AccountSelect",
    "upgrade/ConfirmUpgrade",
];

/// Answers to a message that was no choice.
const REJECTIONS: [&str; 5] = ["not on your menu", "no longer open", "Please", "does not", "not possible"];

/// Walks these acts as another user; returns the user and the last answer.
async fn walks(bot: &mut Bot, number: usize, acts: &[Act]) -> (User, String) {
    let mut user = User::new(number);
    let mut answer = String::new();
    for act in acts {
        answer = match act {
            Act::Say(text) => user.says(bot, text).await,
            Act::Tap(title) => user.taps_title(bot, title).await,
        };
    }
    (user, answer)
}

/// What a user may do next.
fn next_acts(bot: &Bot, user: &User, step: &str) -> Vec<Act> {
    let choices = user.choices(bot);
    match TYPED.iter().find(|(typed_at, _)| *typed_at == step) {
        Some((_, text)) => {
            assert!(choices.is_empty(), "{step}: {choices:?}");
            vec![Act::Say(text)]
        }
        None => choices.into_iter().map(|(_, _, title)| Act::Tap(title)).collect(),
    }
}

/// S58, S59, S69: breadth-first from the first contact; each choice of each step once, by another
/// user that goes there by taps and texts.
#[test]
fn every_choice_of_every_step_is_taken() {
    soon(async {
        let mut bot = Bot::start(&[]);
        let (mut done, mut seen) = (BTreeSet::<(String, Act)>::new(), BTreeSet::<String>::new());
        let mut open = VecDeque::from([vec![Act::Say("hello")]]);
        let mut number = 0;
        while let Some(acts) = open.pop_front() {
            number += 1;
            let (user, answer) = walks(&mut bot, number, &acts).await;
            let step = user.step(&mut bot);
            let is_rejected = REJECTIONS.iter().any(|text| answer.contains(text));
            assert!(!is_rejected, "{acts:?} at {step} was answered {answer:?}");
            seen.insert(step.clone());
            for act in next_acts(&bot, &user, &step) {
                if done.insert((step.clone(), act.clone())) {
                    open.push_back([acts.as_slice(), &[act]].concat());
                }
            }
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), STEPS);
        for (step, title) in [
            ("account/AccountDashboard", "Your offers"),
            ("account/AccountDashboard", "Notifications"),
            ("cancel/Confirm", "Yes"),
            ("accept/OfferList", "Back"),
            ("switch/AccountSelect", "Business"),
        ] {
            let tapped = (step.to_owned(), Act::Tap(title.to_owned()));
            assert!(done.contains(&tapped), "{tapped:?} is not in {done:?}");
        }
    });
}

/// S45, S69: offers are on the menu while there are any, and the numbers of the others stay.
#[test]
fn menu_entries_depend_on_pending_offers() {
    soon(async {
        let mut bot = Bot::start(&[]);
        let mut user = User::new(0);
        user.joins(&mut bot).await;
        let titles = |user: &User, bot: &Bot| -> Vec<String> {
            user.choices(bot).into_iter().map(|(_, _, title)| title).collect()
        };
        let joined = titles(&user, &bot);
        assert!(joined.contains(&"Offers to you".to_owned()), "{joined:?}");
        assert!(!joined.contains(&"Your offers".to_owned()), "{joined:?}");
        user.taps_title(&mut bot, "Make an offer").await;
        user.says(&mut bot, "10").await;
        user.says(&mut bot, "tariro").await;
        user.taps_title(&mut bot, "Yes").await;
        assert!(titles(&user, &bot).contains(&"Your offers".to_owned()));
        // The only offer to the user is declined.
        for title in ["Offers to you", "Decline one instead"] {
            user.taps_title(&mut bot, title).await;
        }
        let offer = titles(&user, &bot).remove(0);
        user.taps_title(&mut bot, &offer).await;
        user.taps_title(&mut bot, "Yes").await;
        let left = titles(&user, &bot);
        assert!(!left.contains(&"Offers to you".to_owned()), "{left:?}");
        // The number of the hidden entry asks the ledger again; that of the ledger is as before.
        assert!(user.says(&mut bot, "2").await.contains("There are no offers."));
        user.taps_title(&mut bot, "Back").await;
        assert!(user.says(&mut bot, "4").await.contains("went in or out"));
    });
}
