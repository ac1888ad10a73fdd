//! `x-transitions` of the bot's schemas, edge by edge, against a table of their own (S22, S28, S44,
//! S58).

use std::collections::BTreeSet;

use support::{Client, state_test};

use crate::{KEY, document, rejected};

/// The steps of `vimbiso.channel` with their targets; login/Greeting is a target of every step.
const CHANNEL: &[(&str, &str)] = &[
    ("login/Greeting", "login/LoginApiCall"),
    ("login/LoginApiCall", "onboard/Welcome account/AccountDashboard"),
    ("onboard/Welcome", "onboard/FirstNameInput"),
    ("onboard/FirstNameInput", "onboard/LastNameInput"),
    ("onboard/LastNameInput", "onboard/OnBoardMemberApiCall"),
    ("onboard/OnBoardMemberApiCall", "account/AccountDashboard"),
    (
        "account/AccountDashboard",
        "offer/AmountInput accept/OfferList decline/OfferList cancel/OfferList ledger/ViewLedger switch/AccountSelect upgrade/ConfirmUpgrade",
    ),
    ("offer/AmountInput", "offer/HandleInput account/AccountDashboard"),
    ("offer/HandleInput", "offer/ConfirmOffer account/AccountDashboard"),
    ("offer/ConfirmOffer", "offer/CreateOfferApiCall account/AccountDashboard"),
    ("offer/CreateOfferApiCall", "account/AccountDashboard"),
    ("accept/OfferList", "accept/Confirm account/AccountDashboard"),
    ("accept/Confirm", "accept/ApiCall account/AccountDashboard"),
    ("accept/ApiCall", "accept/OfferList account/AccountDashboard"),
    ("decline/OfferList", "decline/Confirm account/AccountDashboard"),
    ("decline/Confirm", "decline/ApiCall account/AccountDashboard"),
    ("decline/ApiCall", "decline/OfferList account/AccountDashboard"),
    ("cancel/OfferList", "cancel/Confirm account/AccountDashboard"),
    ("cancel/Confirm", "cancel/ApiCall account/AccountDashboard"),
    ("cancel/ApiCall", "cancel/OfferList account/AccountDashboard"),
    ("ledger/ViewLedger", "account/AccountDashboard"),
    ("switch/AccountSelect", "account/AccountDashboard"),
    ("upgrade/ConfirmUpgrade", "upgrade/UpgradeMemberApiCall account/AccountDashboard"),
    ("upgrade/UpgradeMemberApiCall", "account/AccountDashboard"),
];

const HANDLERS: &str = "handle_action_offer_credex handle_action_pending_offers_in handle_action_pending_offers_out \
    handle_action_transactions handle_action_authorize_member handle_action_notifications handle_action_switch_account \
    handle_action_register";

/// The change that sets a step.
fn channel_at(step: &str) -> String {
    let (path, component) = step.split_once('/').expect("path/component");
    format!(r#"{{"current":{{"path":"{path}","component":"{component}"}}}}"#)
}

fn followers(step: &str) -> BTreeSet<&'static str> {
    let listed = CHANNEL.iter().find(|(from, _)| *from == step).expect("a step").1;
    listed.split(' ').chain(["login/Greeting"]).collect()
}

/// The steps from the greeting to `step`, by the table.
fn way_to(step: &str) -> Vec<&'static str> {
    let mut ways: Vec<Vec<&'static str>> = vec![vec!["login/Greeting"]];
    let mut seen = BTreeSet::from(["login/Greeting"]);
    while let Some(way) = ways.first().cloned() {
        ways.remove(0);
        let at = *way.last().expect("a way has an end");
        if at == step {
            return way[1..].to_vec();
        }
        for next in followers(at) {
            if seen.insert(next) {
                ways.push(way.iter().copied().chain([next]).collect());
            }
        }
    }
    panic!("no way leads to {step}");
}

fn greet(client: &mut Client, key: &str) {
    let contact = r#"{"channel":{"type":"whatsapp","identifier":"+263771234567"}}"#;
    client.ok(&["STATE.UPDATE", key, "*", contact, "SCHEMA", "vimbiso.channel"]);
}

fn go(client: &mut Client, step: &str) {
    way_to(step).iter().for_each(|step| drop(client.ok(&["STATE.UPDATE", KEY, "*", &channel_at(step)])));
}

/// S47: from every step each step is tried: exactly the targets of the table, and the step itself,
/// are accepted.
#[test]
fn only_the_edges_of_the_table_are_accepted() {
    state_test(|_, client| {
        let steps: Vec<&str> = CHANNEL.iter().map(|(step, _)| *step).collect();
        for from in &steps {
            greet(client, KEY);
            go(client, from);
            for to in &steps {
                let dry = ["STATE.UPDATE", KEY, "*", &channel_at(to), "DRYRUN"];
                let legal = from == to || followers(from).contains(to);
                match client.call(&dry) {
                    support::Reply::Error(line) => {
                        assert!(!legal, "{from} -> {to}: {line}");
                        let begin = format!("TRANSITION /current: {from:?} -> {to:?}; allowed: ");
                        assert!(line.starts_with(&begin), "{line}");
                    }
                    _ => assert!(legal, "{from} -> {to} was accepted"),
                }
            }
            rejected(
                client,
                &["STATE.UPDATE", KEY, "*", &channel_at("my/words")],
                &format!("TRANSITION /current: {from:?} -> (unlisted); allowed: "),
            );
            rejected(client, &["STATE.UPDATE", KEY, "*", r#"{"current":null}"#], "INVALID ");
            client.ok(&["DEL", KEY]);
        }
    });
}

/// A conversation begins with the greeting, and transitions bind an API handler too.
#[test]
fn conversation_begins_with_the_greeting() {
    state_test(|_, client| {
        let begin = |step: &str| {
            let channel = r#"{"channel":{"type":"whatsapp","identifier":"+263771234567"}"#;
            format!("{channel},{}", &channel_at(step)[1..])
        };
        for command in ["STATE.UPDATE", "STATE.SETPROTECTED"] {
            for kind in ["MERGE", "SHALLOW", "REPLACE"] {
                let line = [
                    command,
                    KEY,
                    "0",
                    &begin("account/AccountDashboard"),
                    kind,
                    "SCHEMA",
                    "vimbiso.channel",
                ];
                let error = client.err(&line);
                assert_eq!(
                    error,
                    r#"TRANSITION /current: (none) -> "account/AccountDashboard"; allowed: "login/Greeting""#
                );
            }
        }
        client.ok(&[
            "STATE.UPDATE",
            KEY,
            "0",
            &begin("login/Greeting"),
            "REPLACE",
            "SCHEMA",
            "vimbiso.channel",
        ]);
        rejected(
            client,
            &["STATE.SETPROTECTED", KEY, "1", &channel_at("ledger/ViewLedger")],
            "TRANSITION /current: ",
        );
        let sneaky = r#"[{"op":"add","path":"/current","value":{"path":"ledger","component":"ViewLedger"}}]"#;
        rejected(client, &["STATE.UPDATE", KEY, "1", sneaky, "PATCH"], "TRANSITION /current: ");
        rejected(
            client,
            &["STATE.UPDATE", KEY, "1", r#"{"current":{"component":"LoginApiCall","path":null}}"#, "SHALLOW"],
            "INVALID ",
        );
    });
}

/// S58: "back" is a repeated rollback; transitions do not apply to it.
#[test]
fn repeated_rollback_walks_back_to_the_first_step() {
    state_test(|_, client| {
        client.ok(&["CONFIG", "SET", "state.snapshots", "20"]);
        greet(client, KEY);
        go(client, "offer/CreateOfferApiCall");
        let way: Vec<&str> =
            ["login/Greeting"].into_iter().chain(way_to("offer/CreateOfferApiCall")).collect();
        for step in way.iter().rev().skip(1) {
            client.ok(&["STATE.ROLLBACK", KEY, "*"]);
            let (path, component) = step.split_once('/').expect("path/component");
            assert!(
                document(client).contains(&format!(r#""path":"{path}","component":"{component}""#)),
                "{step}"
            );
        }
        assert!(client.err(&["STATE.ROLLBACK", KEY, "*"]).starts_with("NOVERSION "));
    });
}

/// S28, S44, S47: stages go from the menu to a handler and back.
#[test]
fn stages_go_from_the_menu_and_back() {
    state_test(|_, client| {
        let tier_2 = [
            ("vimbiso.conversation", r#"{"profile":{"member":{"memberTier":2}}}"#),
            ("vimbiso.cached-user", r#"{"state":{"profile":{"member":{"memberTier":2}}}}"#),
        ];
        for (schema, member) in tier_2 {
            let stage = |stage: &str| format!(r#"{{"stage":"{stage}"}}"#);
            for handler in HANDLERS.split_whitespace() {
                client.ok(&["DEL", KEY]);
                let begin = client.err(&["STATE.UPDATE", KEY, "0", &stage(handler), "SCHEMA", schema]);
                assert!(
                    begin.starts_with("TRANSITION /stage: (none) -> ") || begin.starts_with("INVALID "),
                    "{begin}"
                );
                client.ok(&["STATE.UPDATE", KEY, "0", member, "SCHEMA", schema]);
                client.ok(&["STATE.UPDATE", KEY, "1", &stage(handler)]);
                for other in HANDLERS.split_whitespace().filter(|other| *other != handler) {
                    let begin = format!(
                        "TRANSITION /stage: {handler:?} -> {other:?}; allowed: \"handle_action_menu\""
                    );
                    assert_eq!(client.err(&["STATE.UPDATE", KEY, "2", &stage(other)]), begin);
                }
                client.ok(&["STATE.UPDATE", KEY, "2", &stage("handle_action_menu")]);
            }
        }
    });
}

/// `x-transitions` at the root: the first step must be an initial one.
#[test]
fn transitions_at_the_root_have_initial_steps() {
    state_test(|_, client| {
        let schema = r#"{"x-transitions":{"by":["stage"],"initial":["menu"],"allow":{"menu":["offer"]}}}"#;
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.stages", schema]);
        let create = ["STATE.UPDATE", KEY, "0", r#"{"stage":"offer"}"#, "SCHEMA", "vimbiso.stages"];
        assert!(client.err(&create).starts_with(r#"TRANSITION /: (none) -> "offer"; allowed: "menu""#));
        client.ok(&["STATE.UPDATE", KEY, "0", "{}", "SCHEMA", "vimbiso.stages"]);
        client.err(&["STATE.UPDATE", KEY, "1", r#"{"stage":"offer"}"#]);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#]);
        client.ok(&["STATE.UPDATE", KEY, "2", r#"{"stage":"offer"}"#]);
        client.err(&["STATE.UPDATE", KEY, "3", r#"{"stage":null}"#]);
        assert_eq!(document(client), r#"{"stage":"offer"}"#);
    });
}

/// S28, S58: `null` allows a conversation to have no step; a step of the name "(none)" is quoted.
#[test]
fn null_allows_to_remove_the_step() {
    state_test(|_, client| {
        let schema = r#"{"properties":{"stage":{"x-transitions":{
            "initial":["menu"],"allow":{"menu":["form"],"form":["(none)",null]}}}}}"#;
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.stages", schema]);
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"stage":"menu"}"#, "SCHEMA", "vimbiso.stages"]);
        let denied = client.err(&["STATE.UPDATE", KEY, "1", r#"{"stage":null}"#]);
        assert_eq!(denied, r#"TRANSITION /stage: "menu" -> (none); allowed: "form""#);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"form"}"#]);
        let denied = client.err(&["STATE.UPDATE", KEY, "2", r#"{"stage":"menu"}"#]);
        assert_eq!(denied, r#"TRANSITION /stage: "form" -> "menu"; allowed: "(none)", (none)"#);
        client.ok(&["STATE.UPDATE", KEY, "2", r#"{"stage":null}"#]);
        client.ok(&["STATE.UPDATE", KEY, "3", r#"{"stage":"menu"}"#]);
        let schema = r#"{"properties":{"stage":{"x-transitions":{"initial":[7],"allow":{}}}}}"#;
        let bad = client.err(&["STATE.SCHEMA", "SET", "vimbiso.stages", schema]);
        assert!(bad.ends_with("must be an array of strings, with null for no step"), "{bad}");
    });
}
