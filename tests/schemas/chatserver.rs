//! `vimbiso.chatserver` against the documents and the steps of the bot in production: it accepts
//! all of them and no others.

use std::collections::{BTreeSet, VecDeque};

use serde_json::{Value, json};
use support::{Client, Reply, Server, state_test};

use super::chatserver_documents::{TOKEN, account, conversations};

const SCHEMA: &str = "vimbiso.chatserver";
pub const KEY: &str = "channel:+263771234500";
const GREETING: &str = "login/Greeting";

/// The steps that may follow each step of the bot; a greeting follows every one.
const STEPS: &[(&str, &str)] = &[
    ("login/Greeting", "login/LoginApiCall"),
    ("login/LoginApiCall", "onboard/Welcome account/AccountDashboard multi_account/MultiAccountDashboard"),
    ("onboard/Welcome", "onboard/FirstNameInput"),
    ("onboard/FirstNameInput", "onboard/LastNameInput"),
    ("onboard/LastNameInput", "onboard/ProcessingNow"),
    ("onboard/ProcessingNow", "onboard/OnBoardMemberApiCall"),
    ("onboard/OnBoardMemberApiCall", "account/AccountDashboard"),
    ("multi_account/MultiAccountDashboard", "account/AccountDashboard"),
    ("account/AccountDashboard", "multi_account/MultiAccountDashboard offer_secured/AmountInput"),
    ("account/AccountDashboard", "accept_offer/OfferListDisplay decline_offer/OfferListDisplay"),
    ("account/AccountDashboard", "cancel_offer/OfferListDisplay view_ledger/ProcessingNow"),
    ("account/AccountDashboard", "upgrade_membertier/ConfirmUpgrade"),
    ("offer_secured/AmountInput", "offer_secured/HandleInput"),
    ("offer_secured/HandleInput", "offer_secured/ValidateAccountApiCall"),
    ("offer_secured/ValidateAccountApiCall", "offer_secured/HandleInput offer_secured/ConfirmOfferSecured"),
    ("offer_secured/ConfirmOfferSecured", "offer_secured/ProcessingNow account/AccountDashboard"),
    ("offer_secured/ProcessingNow", "offer_secured/CreateCredexApiCall"),
    ("offer_secured/CreateCredexApiCall", "account/AccountDashboard"),
    ("accept_offer/OfferListDisplay", "accept_offer/ProcessingNow account/AccountDashboard"),
    ("accept_offer/ProcessingNow", "accept_offer/ProcessOfferApiCall"),
    ("accept_offer/ProcessOfferApiCall", "accept_offer/OfferListDisplay account/AccountDashboard"),
    ("decline_offer/OfferListDisplay", "decline_offer/ProcessingNow account/AccountDashboard"),
    ("decline_offer/ProcessingNow", "decline_offer/ProcessOfferApiCall"),
    ("decline_offer/ProcessOfferApiCall", "decline_offer/OfferListDisplay account/AccountDashboard"),
    ("cancel_offer/OfferListDisplay", "cancel_offer/ProcessingNow account/AccountDashboard"),
    ("cancel_offer/ProcessingNow", "cancel_offer/ProcessOfferApiCall"),
    ("cancel_offer/ProcessOfferApiCall", "cancel_offer/OfferListDisplay account/AccountDashboard"),
    ("upgrade_membertier/ConfirmUpgrade", "upgrade_membertier/ProcessingNow account/AccountDashboard"),
    ("upgrade_membertier/ProcessingNow", "upgrade_membertier/UpgradeMembertierApiCall"),
    ("upgrade_membertier/UpgradeMembertierApiCall", "account/AccountDashboard"),
];

/// Every step with one that may follow it.
pub fn steps() -> impl Iterator<Item = (&'static str, &'static str)> {
    STEPS.iter().flat_map(|(from, followers)| followers.split(' ').map(move |to| (*from, to)))
}

/// The change that sets a step.
fn at(step: &str) -> String {
    let (path, component) = step.split_once('/').expect("path/component");
    json!({"component_data": {"path": path, "component": component, "data": {}}}).to_string()
}

/// The steps from the greeting to `step`, both included.
fn way_to(step: &str) -> Vec<&'static str> {
    let mut ways = VecDeque::from([vec![GREETING]]);
    let mut seen = BTreeSet::from([GREETING]);
    while let Some(way) = ways.pop_front() {
        let here = *way.last().expect("a way has an end");
        if here == step {
            return way;
        }
        for (_, next) in steps().filter(|(from, _)| *from == here) {
            if seen.insert(next) {
                ways.push_back(way.iter().copied().chain([next]).collect());
            }
        }
    }
    panic!("no way leads to {step}");
}

/// Makes a new state at `KEY` and takes it to a step.
pub fn go(client: &mut Client, step: &str) {
    client.ok(&["DEL", KEY]);
    let channel = r#"{"channel":{"type":"whatsapp","identifier":"+263771234500"}}"#;
    client.ok(&["STATE.UPDATE", KEY, "0", channel, "SCHEMA", SCHEMA]);
    for step in way_to(step) {
        client.ok(&["STATE.UPDATE", KEY, "*", &at(step)]);
    }
}

fn document(client: &mut Client, key: &str) -> Value {
    serde_json::from_str(&client.state(key).1).expect("a document")
}

/// S9, S19 to S22, S47, S64: each conversation is stored as the bot stores it, whole documents one
/// after the other. Documents with new data of the API are stored by STATE.SETPROTECTED, all others
/// by STATE.UPDATE. A cleared conversation keeps its channel only.
#[test]
fn conversations_of_the_bot_are_stored() {
    state_test(|_, client| {
        for conversation in conversations() {
            let key = format!("channel:{}", conversation.number);
            let mut before = json!({});
            for (number, stored) in conversation.documents.iter().enumerate() {
                let text = stored.to_string();
                assert_eq!(client.call(&["STATE.VALIDATE", SCHEMA, &text]), Reply::Simple("OK".into()));
                let from_api =
                    ["dashboard", "action", "auth"].iter().any(|name| before.get(name) != stored.get(name));
                let command = if from_api { "STATE.SETPROTECTED" } else { "STATE.UPDATE" };
                let expected = number.to_string();
                client.ok(&[command, &key, &expected, &text, "REPLACE", "SCHEMA", SCHEMA]);
                let mut kept = stored.clone();
                kept["channel"] = conversation.documents[0]["channel"].clone();
                assert_eq!(document(client, &key), kept, "{key} {number}");
                before = kept;
            }
        }
    });
}

/// S22, S47: from every step each step is tried: exactly those of the bot, the greeting, the step
/// itself and no step are accepted.
#[test]
fn only_the_steps_of_the_bot_are_accepted() {
    state_test(|_, client| {
        let legal: BTreeSet<(&str, &str)> = steps().collect();
        let names: BTreeSet<&str> = steps().flat_map(|(from, to)| [from, to]).collect();
        assert_eq!((legal.len(), names.len()), (44, 28));
        for to in names.iter().filter(|to| **to != GREETING) {
            let error = client.err(&["STATE.UPDATE", KEY, "0", &at(to), "SCHEMA", SCHEMA]);
            let begin = format!("TRANSITION /component_data: (none) -> {to:?}; allowed: {GREETING:?}");
            assert_eq!(error, begin);
        }
        for from in &names {
            go(client, from);
            for to in &names {
                let is_legal = from == to || *to == GREETING || legal.contains(&(*from, *to));
                match client.call(&["STATE.UPDATE", KEY, "*", &at(to), "DRYRUN"]) {
                    Reply::Error(line) => {
                        assert!(!is_legal, "{from} -> {to}: {line}");
                        let begin = format!("TRANSITION /component_data: {from:?} -> {to:?}; allowed: ");
                        assert!(line.starts_with(&begin), "{line}");
                    }
                    _ => assert!(is_legal, "{from} -> {to} was accepted"),
                }
            }
            let unknown = client.err(&["STATE.UPDATE", KEY, "*", &at("account/Payout"), "DRYRUN"]);
            let begin = format!("TRANSITION /component_data: {from:?} -> (unlisted); allowed: ");
            assert!(unknown.starts_with(&begin), "{unknown}");
            client.ok(&["STATE.UPDATE", KEY, "*", r#"{"component_data":null}"#, "DRYRUN"]);
        }
    });
}

/// S51: tokens, and a PIN that a component stores, are masked in all output, and shown only in the
/// present version to a caller with permission.
#[test]
fn tokens_and_pins_are_masked() {
    const PIN: &str = "739182";
    let server = Server::builder().arg("--slowlog-log-slower-than").arg("0").start();
    let mut client = server.client();
    go(&mut client, "account/AccountDashboard");
    let stored = conversations().remove(0).documents;
    let with_token = stored.iter().find(|document| document["auth"]["token"] == TOKEN).expect("a login");
    let api = json!({"action": with_token["action"], "auth": with_token["auth"]}).to_string();
    client.ok(&["STATE.SETPROTECTED", KEY, "*", &api]);
    let pins = json!({"component_data": {"data": {"pin": PIN, "data": {"pin": PIN}}}}).to_string();
    client.ok(&["STATE.UPDATE", KEY, "*", &pins]);
    let wrong = json!({"component_data": {"data": {"pin": [PIN]}}}).to_string();
    assert!(client.err(&["STATE.UPDATE", KEY, "*", &wrong]).starts_with("INVALID "));
    client.ok(&["STATE.UPDATE", KEY, "*", r#"{"component_data":{"awaiting_input":true}}"#]);
    let present = client.state(KEY).1;
    assert_eq!((present.matches(TOKEN).count(), present.matches(PIN).count()), (2, 2));

    let version = Client::version(&client.state(KEY).0);
    let (last, before) = (version.to_string(), (version - 1).to_string());
    let (first, audit) = ((version - 3).to_string(), format!("{{{KEY}}}:audit"));
    let mut seen = String::new();
    for line in [
        &["STATE.GET", KEY, "VERSION", &before][..],
        &["STATE.DIFF", KEY, &first, &last],
        &["XRANGE", &audit, "-", "+"],
        &["STATE.HISTORY", KEY],
        &["STATE.META", KEY],
        &["SLOWLOG", "GET", "-1"],
    ] {
        seen.push_str(&format!("{}\n", client.ok(line)));
    }
    client.ok(&["ACL", "SETUSER", "default", "-state.setprotected"]);
    let masked = client.state(KEY).1;
    assert_eq!(masked.matches(r#""***""#).count(), 4, "{masked}");
    seen.push_str(&masked);
    seen.push_str(&server.log());
    assert!(!seen.contains(TOKEN) && !seen.contains(PIN), "{seen}");
    assert!(seen.contains("(redacted)"), "SLOWLOG was searched");
}

/// S64: each way to clear a conversation removes the step; then it begins with the greeting.
#[test]
fn cleared_conversation_begins_with_the_greeting() {
    state_test(|_, client| {
        for (line, keeps_dashboard) in [
            (&["STATE.SETPROTECTED", KEY, "*", "{}", "REPLACE"][..], false),
            (&["STATE.UPDATE", KEY, "*", "{}", "REPLACE"], true),
            (&["STATE.UPDATE", KEY, "*", r#"{"component_data":null}"#], true),
            (&["STATE.RESET", KEY, "*"], true),
        ] {
            go(client, "account/AccountDashboard");
            let stored = conversations().remove(1).documents;
            let dashboard = json!({"dashboard": stored.last().expect("a document")["dashboard"]});
            client.ok(&["STATE.SETPROTECTED", KEY, "*", &dashboard.to_string()]);
            client.ok(line);
            let left = document(client, KEY);
            let expected = if keeps_dashboard { vec!["channel", "dashboard"] } else { vec!["channel"] };
            let names: BTreeSet<&str> =
                left.as_object().expect("an object").keys().map(String::as_str).collect();
            assert_eq!(names, BTreeSet::from_iter(expected), "{line:?}");
            let dashboard = client.err(&["STATE.UPDATE", KEY, "*", &at("account/AccountDashboard")]);
            assert!(dashboard.starts_with("TRANSITION /component_data: (none) -> "), "{dashboard}");
            client.ok(&["STATE.UPDATE", KEY, "*", &at(GREETING)]);
        }
    });
}

/// A document of 64 KB, 16 times the largest that the bot stores, needs at most the smallest budget
/// that can be set, a twenty-fifth of the default.
#[test]
fn documents_of_the_bot_need_a_small_part_of_the_budget() {
    const KB: usize = 1024;
    state_test(|_, client| {
        client.ok(&["CONFIG", "SET", "state.max-cost", "1000000"]);
        let all = conversations();
        let lengths = all.iter().flat_map(|one| &one.documents).map(|document| document.to_string().len());
        assert!(lengths.max().is_some_and(|longest| longest < 4 * KB));
        let mut document = all[1].documents.last().expect("a document").clone();
        document["dashboard"]["accounts"] = (0..80).map(|number| account(1, number, true)).collect();
        let wide = json!({"channel": document["channel"], "dashboard": document["dashboard"]});
        let long = json!({"action": {"details": {"note": "x".repeat(64 * KB)}}});
        for contents in [wide, long] {
            let text = contents.to_string();
            assert!(text.len() > 64 * KB, "{}", text.len());
            client.ok(&["DEL", KEY]);
            client.ok(&["STATE.SETPROTECTED", KEY, "0", &text, "REPLACE", "SCHEMA", SCHEMA]);
            client.ok(&["STATE.UPDATE", KEY, "1", &at(GREETING)]);
            client.ok(&["STATE.UPDATE", KEY, "2", &at("login/LoginApiCall")]);
            client.ok(&["STATE.ROLLBACK", KEY, "3"]);
            assert_eq!(client.ok(&["STATE.META", KEY]).field("valid").int(), 1);
        }
    });
}
