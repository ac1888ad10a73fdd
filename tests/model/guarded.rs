//! The schema with annotations, and by hand what they mean: which members are guarded, and which step may follow which.
//!
//! One member is immutable as a whole and one lies below a member of any type, one is protected and has a default, one is
//! protected, secret and lies below another. Where the order of several members matters it is that of the schema.

use serde_json::Value;

use crate::rules::{closed, object, string};
use crate::want::Want;

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

/// What is said of a member.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark {
    pub place: &'static [&'static str],
    pub protected: bool,
    pub immutable: bool,
    pub secret: bool,
}

const UNMARKED: Mark = Mark { place: &[], protected: false, immutable: false, secret: false };
pub const MARKS: &[Mark] = &[
    Mark { place: &["auth", "token"], protected: true, secret: true, ..UNMARKED },
    Mark { place: &["channel"], immutable: true, ..UNMARKED },
    Mark { place: &["dashboard"], protected: true, ..UNMARKED },
    Mark { place: &["data", "amount"], immutable: true, ..UNMARKED },
];

impl Mark {
    pub fn pointer(&self) -> String {
        self.place.iter().map(|name| format!("/{name}")).collect()
    }

    pub fn tokens(&self) -> Vec<String> {
        self.place.iter().map(|name| (*name).to_owned()).collect()
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

/// Refuses a step of `/stage` that may not follow the one before; what comes after it has passed the schema.
pub fn step(before: Option<&Value>, after: &Value) -> Result<(), Want> {
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
    // Staying is always allowed.
    if from == to || allowed.iter().any(fits) {
        return Ok(());
    }
    let quoted: Vec<String> = allowed.iter().map(|name| format!("{name:?}")).collect();
    let (from, to, allowed) = (shown(from), shown(to), quoted.join(", "));
    Err(Want::Error(format!("TRANSITION /stage: {from} -> {to}; allowed: {allowed}")))
}

/// What the schema does not list may be anything, and is not told.
fn shown(stage: Option<&Value>) -> String {
    match stage {
        None => "(none)".into(),
        Some(stage) => match stage.as_str() {
            Some(name @ (MENU | OFFER | TRANSACTIONS)) => format!("{name:?}"),
            _ => "(unlisted)".into(),
        },
    }
}
