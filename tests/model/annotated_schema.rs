//! The schema with annotations, and what they mean: annotated members and transitions, by hand.
//!
//! One immutable member is an object, and one lies below a member of any type; one protected member
//! has a default, and one is secret too and lies below another. The order of the annotations is
//! that of the schema.

use serde_json::Value;

use crate::predicted::Predicted;
use crate::rules::{closed, object, string};

pub const TEXT: &str = concat!(
    r#"{"x-ttl":900,"type":"object","additionalProperties":false,"properties":{"#,
    r#""auth":{"type":"object","properties":{"token":{"type":"string","x-protected":true,"x-secret":true}}},"#,
    r#""channel":{"type":"object","x-immutable":true},"#,
    r#""dashboard":{"type":"object","default":{"page_number":0},"x-protected":true},"#,
    r#""data":{"properties":{"amount":{"x-immutable":true}}},"#,
    r#""option":{"enum":[null,"handle_action_offer_credex"],"default":null},"#,
    r#""stage":{"type":"string","default":"handle_action_menu","x-transitions":{"#,
    r#""initial":["handle_action_menu","handle_action_offer_credex"],"allow":{"#,
    r#""handle_action_menu":["handle_action_offer_credex"],"handle_action_offer_credex":["handle_action_transactions"],"#,
    r#""handle_action_transactions":["*"],"*":["handle_action_menu"]}}}}}"#
);

pub const KNOWN: &[&str] = &["auth", "channel", "dashboard", "data", "option", "stage"];

/// The annotations of a member.
#[derive(Clone, Copy, Debug, Default)]
pub struct Annotation {
    pub member: &'static [&'static str],
    pub protected: bool,
    pub immutable: bool,
    pub secret: bool,
}

const UNMARKED: Annotation = Annotation { member: &[], protected: false, immutable: false, secret: false };
pub const ANNOTATIONS: &[Annotation] = &[
    Annotation { member: &["auth", "token"], protected: true, secret: true, ..UNMARKED },
    Annotation { member: &["channel"], immutable: true, ..UNMARKED },
    Annotation { member: &["dashboard"], protected: true, ..UNMARKED },
    Annotation { member: &["data", "amount"], immutable: true, ..UNMARKED },
];

impl Annotation {
    pub fn pointer(&self) -> String {
        self.member.iter().map(|name| format!("/{name}")).collect()
    }

    pub fn tokens(&self) -> Vec<String> {
        self.member.iter().map(|name| (*name).to_owned()).collect()
    }
}

pub fn violations(document: &Value, found: &mut Vec<String>) {
    closed(document, "(root)", KNOWN, found);
    for name in ["auth", "channel", "dashboard"] {
        if let Some(member) = document.get(name) {
            object(member, &format!("/{name}"), found);
        }
    }
    if let Some(auth) = document.get("auth") {
        string(auth, "token", "/auth/token", found);
    }
    string(document, "stage", "/stage", found);
    let known = |option: &Value| option.is_null() || option == OFFER;
    if document.get("option").is_some_and(|option| !known(option)) {
        found.push("/option".into());
    }
}

const MENU: &str = "handle_action_menu";
const OFFER: &str = "handle_action_offer_credex";
const TRANSACTIONS: &str = "handle_action_transactions";

/// Rejects a transition of `/stage`. `after` has passed the schema.
pub fn transition(before: Option<&Value>, after: &Value) -> Result<(), Predicted> {
    let from = before.and_then(|document| document.get("stage")).filter(|stage| !stage.is_null());
    let to = after.get("stage");
    let allowed: &[&str] = match from {
        None => &[MENU, OFFER],
        Some(stage) => match stage.as_str() {
            Some(MENU) => &[OFFER, MENU],
            Some(OFFER) => &[TRANSACTIONS, MENU],
            Some(TRANSACTIONS) => &["*", MENU],
            _ => &[MENU],
        },
    };
    let fits = |name: &&str| *name == "*" || to.is_some_and(|to| to == name);
    // No change is always allowed.
    if from == to || allowed.iter().any(fits) {
        return Ok(());
    }
    let quoted: Vec<String> = allowed.iter().map(|name| format!("{name:?}")).collect();
    let (from, to, allowed) = (shown(from), shown(to), quoted.join(", "));
    Err(Predicted::Error(format!("TRANSITION /stage: {from} -> {to}; allowed: {allowed}")))
}

/// A value that the schema does not list is not shown.
fn shown(stage: Option<&Value>) -> String {
    match stage {
        None => "(none)".into(),
        Some(stage) => match stage.as_str() {
            Some(name @ (MENU | OFFER | TRANSACTIONS)) => format!("{name:?}"),
            _ => "(unlisted)".into(),
        },
    }
}
