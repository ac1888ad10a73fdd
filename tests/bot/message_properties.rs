//! Property: whatever a message and its menu are, what is sent fits the limits of WhatsApp's API,
//! and shows every choice.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use redis_state_bot::message::{Choice, Menu, Outbound};
use redis_state_bot::service::format::{body, parts};
use serde_json::Value;

use crate::api_limits;

/// Mostly short texts, some around the limits, of letters with one and two UTF-16 units, spaces and
/// newlines.
fn text(longest: usize) -> impl Strategy<Value = String> {
    let letters = prop_oneof![60 => prop::char::range('a', 'z'), 3 => select(vec![' ', '👍', '\n'])];
    let lengths = prop_oneof![12 => 1..12_usize, 2 => 12..30_usize, 1 => 0..=longest];
    lengths.prop_flat_map(move |length| vec(letters.clone(), length).prop_map(String::from_iter))
}

fn choice() -> impl Strategy<Value = Choice> {
    let parts = (text(300), text(30), text(100), option::of(text(100)));
    parts.prop_map(|(id, typed, title, description)| Choice { id, typed, title, description })
}

fn message() -> impl Strategy<Value = Outbound> {
    let menus = (text(40), vec(choice(), 0..14)).prop_map(|(label, choices)| Menu { label, choices });
    let texts = prop_oneof![4 => text(200), 1 => text(9000)];
    (texts, option::weighted(0.8, menus)).prop_map(|(text, menu)| Outbound { text, menu })
}

/// The choices of an interactive message, else none.
fn shown_choices(sent: &[Value]) -> usize {
    sent.iter().map(|message| api_limits::choices(message).len()).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_message_fits_the_api(message in message()) {
        let sent: Vec<Value> = parts(&message).iter().map(body).collect();
        for message in &sent {
            prop_assert_eq!(api_limits::exceeded(message), Vec::<String>::new());
        }
        let menu: &[Choice] = message.menu.as_ref().map(|menu| menu.choices.as_slice()).unwrap_or_default();
        let text: String = sent.iter().map(|message| api_limits::text(message) + "\n").collect();
        for choice in menu {
            let is_whole = choice.title.lines().all(|line| text.contains(line.trim_end()));
            prop_assert!(is_whole, "{} is not in {}", choice.title, text);
        }
        let count = shown_choices(&sent);
        prop_assert!(count == 0 || count == menu.len(), "{count} choices of {}", menu.len());
    }
}

/// The shapes that the property must reach: buttons, lists and texts.
#[test]
fn every_form_is_generated() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for _ in 0..2000 {
        let message = message().new_tree(&mut runner).expect("a message").current();
        for body in parts(&message).iter().map(body) {
            let kind = body.pointer("/interactive/type").unwrap_or(&body["type"]);
            *counts.entry(kind.to_string()).or_default() += 1;
        }
    }
    for kind in ["\"button\"", "\"list\"", "\"text\""] {
        assert!(counts.get(kind).is_some_and(|count| *count >= 20), "{counts:?}");
    }
}
