//! The `x-` annotations of the five schemas, against tables written from the requirements.
//!
//! The annotations are read from the schemas' text; other tests show that the server applies them.
//! A table derived from the schema would repeat its mistakes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use support::repository;

/// Each member with annotations. `x-transitions` has no value here: the steps have their own
/// tables.
const ANNOTATIONS: &[(&str, &[&str])] = &[
    (
        "vimbiso.channel",
        &[
            "/: x-ttl=1800",
            "/action: x-protected=true",
            "/auth/token: x-protected=true x-secret=true x-ttl=300",
            "/auth: x-protected=true x-ttl=300",
            "/channel: x-immutable=true",
            "/current: x-sliding=true x-transitions x-ttl=300",
            "/dashboard: x-protected=true",
        ],
    ),
    (
        "vimbiso.conversation",
        &[
            "/: x-ttl=1800",
            "/direction: x-sliding=true x-ttl=300",
            "/form: x-ttl=600",
            "/offer: x-ttl=600",
            "/option: x-sliding=true x-ttl=300",
            "/stage: x-sliding=true x-transitions x-ttl=300",
            "/token: x-protected=true x-secret=true x-ttl=1800",
        ],
    ),
    (
        "vimbiso.cached-user",
        &["/: x-ttl=300", "/jwt_token: x-protected=true x-secret=true x-ttl=300", "/stage: x-transitions"],
    ),
    (
        "vimbiso.chatserver",
        &[
            "#/$defs/data/pin: x-secret=true x-ttl=300",
            "/: x-ttl=300",
            "/action/details/token: x-protected=true x-secret=true x-ttl=300",
            "/action: x-protected=true",
            "/auth/token: x-protected=true x-secret=true x-ttl=300",
            "/auth: x-protected=true",
            "/channel: x-immutable=true",
            "/component_data: x-transitions",
            "/dashboard: x-protected=true",
        ],
    ),
    (
        "vimbiso.flow",
        &[
            "/: x-ttl=300",
            "/channel: x-immutable=true",
            "/dashboard: x-protected=true",
            "/flow_data/action: x-protected=true",
            "/flow_data/auth/token: x-protected=true x-secret=true x-ttl=300",
        ],
    ),
];

/// The targets of each step; those that follow from everywhere are added by [`steps`].
const STEPS: &[(&str, &str)] = &[
    ("*", "login/Greeting"),
    ("login/Greeting", "login/LoginApiCall"),
    ("login/LoginApiCall", "onboard/Welcome account/AccountDashboard"),
    ("onboard/Welcome", "onboard/FirstNameInput"),
    ("onboard/FirstNameInput", "onboard/LastNameInput"),
    ("onboard/LastNameInput", "onboard/OnBoardMemberApiCall"),
    ("onboard/OnBoardMemberApiCall", "account/AccountDashboard"),
    ("account/AccountDashboard", "offer/AmountInput accept/OfferList decline/OfferList cancel/OfferList"),
    ("account/AccountDashboard", "ledger/ViewLedger switch/AccountSelect upgrade/ConfirmUpgrade"),
    ("offer/AmountInput", "offer/HandleInput"),
    ("offer/HandleInput", "offer/ConfirmOffer"),
    ("offer/ConfirmOffer", "offer/CreateOfferApiCall"),
    ("upgrade/ConfirmUpgrade", "upgrade/UpgradeMemberApiCall"),
];

/// Every edge of `vimbiso.channel`.
fn steps() -> BTreeSet<(String, String)> {
    let mut edges = BTreeSet::new();
    for (from, followers) in STEPS {
        edges.extend(followers.split(' ').map(|to| ((*from).to_owned(), to.to_owned())));
    }
    for flow in ["accept", "decline", "cancel"] {
        for (from, to) in [("OfferList", "Confirm"), ("Confirm", "ApiCall"), ("ApiCall", "OfferList")] {
            edges.insert((format!("{flow}/{from}"), format!("{flow}/{to}")));
        }
    }
    // After login, the dashboard follows from everywhere; staying there is no step.
    let nodes: BTreeSet<String> = edges.iter().flat_map(|(from, to)| [from.clone(), to.clone()]).collect();
    for node in nodes {
        let flow = node.split('/').next().unwrap_or_default();
        if !["*", "login", "onboard", "account"].contains(&flow) {
            edges.insert((node, "account/AccountDashboard".to_owned()));
        }
    }
    edges
}

/// The menu to and from each handler of both tiers, and to and from registration.
fn stages() -> BTreeSet<(String, String)> {
    let handlers =
        super::invalid_documents::HANDLERS_OF_TIER_2.iter().filter(|name| **name != "handle_action_menu");
    let menu = "handle_action_menu".to_owned();
    handlers
        .flat_map(|name| [(menu.clone(), (*name).to_owned()), ((*name).to_owned(), menu.clone())])
        .collect()
}

fn schema(name: &str) -> Value {
    let text = std::fs::read_to_string(repository().join(format!("schemas/{name}.json"))).expect("a schema");
    serde_json::from_str(&text).expect("JSON")
}

/// Collects the annotations at and below a member.
fn annotations(schema: &Value, pointer: &str, found: &mut BTreeMap<String, BTreeSet<String>>) {
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        let said = match keyword.as_str() {
            "x-transitions" => keyword.clone(),
            annotation if annotation.starts_with("x-") => format!("{keyword}={value}"),
            _ => continue,
        };
        found.entry(pointer.to_owned()).or_default().insert(said);
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        annotations(member, &format!("{pointer}/{name}"), found);
    }
    for (name, part) in schema["$defs"].as_object().into_iter().flatten() {
        annotations(part, &format!("#/$defs/{name}"), found);
    }
}

fn edges(transitions: &Value) -> BTreeSet<(String, String)> {
    let allow = transitions["allow"].as_object().expect("a list of followers for each step");
    let name = |value: &Value| match value {
        Value::Null => "(none)".to_owned(),
        value => value.as_str().expect("the name of a step").to_owned(),
    };
    allow
        .iter()
        .flat_map(|(from, to)| {
            to.as_array().expect("followers").iter().map(move |to| (from.clone(), name(to)))
        })
        .collect()
}

/// S13, S19 to S21, S25, S48, S51: which members are protected, immutable or secret, and their
/// TTLs.
#[test]
fn every_member_has_the_annotations_of_its_requirement() {
    for (name, expected) in ANNOTATIONS {
        let mut found = BTreeMap::new();
        annotations(&schema(name), "", &mut found);
        let found: Vec<String> = found
            .into_iter()
            .map(|(pointer, said)| {
                let pointer = if pointer.is_empty() { "/".to_owned() } else { pointer };
                format!("{pointer}: {}", Vec::from_iter(said).join(" "))
            })
            .collect();
        assert_eq!(
            BTreeSet::from_iter(found.iter().map(String::as_str)),
            BTreeSet::from_iter(expected.iter().copied()),
            "{name}"
        );
    }
}

/// S22, S47: the steps of `vimbiso.channel`, by path and component.
#[test]
fn steps_of_a_channel_match_the_flows() {
    let transitions = &schema("vimbiso.channel")["properties"]["current"]["x-transitions"];
    assert_eq!(transitions["by"], serde_json::json!(["path", "component"]));
    assert_eq!(transitions["initial"], serde_json::json!(["login/Greeting"]));
    assert_eq!(edges(transitions), steps());
}

/// S47: the 44 steps that the bot in production takes; a greeting and a cleared conversation follow
/// every one.
#[test]
fn steps_of_the_chatserver_are_those_of_the_bot() {
    let transitions = &schema("vimbiso.chatserver")["properties"]["component_data"]["x-transitions"];
    assert_eq!(transitions["by"], serde_json::json!(["path", "component"]));
    assert_eq!(transitions["initial"], serde_json::json!(["login/Greeting"]));
    let owned = |(from, to): (&str, &str)| (from.to_owned(), to.to_owned());
    let mut expected: BTreeSet<(String, String)> = super::chatserver::steps().map(owned).collect();
    assert_eq!(expected.len(), 44);
    expected.extend([("*", "login/Greeting"), ("*", "(none)")].map(owned));
    assert_eq!(edges(transitions), expected);
}

/// S44: the stages of both tiers; the tier restricts which of them a member may be in.
#[test]
fn stages_lead_to_the_menu_and_back() {
    for name in ["vimbiso.conversation", "vimbiso.cached-user"] {
        let transitions = &schema(name)["properties"]["stage"]["x-transitions"];
        assert_eq!(transitions["initial"], serde_json::json!(["handle_action_menu"]), "{name}");
        assert_eq!(transitions.get("by"), None, "{name}: the stage is the step");
        assert_eq!(edges(transitions), stages(), "{name}");
    }
}
