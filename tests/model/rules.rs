//! The schemas that the test sets, and by hand what each of them means: which documents pass, where the others fail,
//! what a new state begins with and how long it lives.
//!
//! By hand, because a validator here would be the one that the module uses. The pointer of every violation is known:
//! one for each keyword that is broken, additionalProperties and required at the object.

use std::cmp::Ordering;

use serde_json::Value;

use crate::guarded::{self, Mark};
use crate::json::{self, Decimal};
use crate::state::tree;
use crate::want::Want;

/// What a schema name may stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// An offer in the making.
    Offer,
    /// The same a year later: smaller amounts, fewer options, a stage and an option that must be there.
    Strict,
    /// Any object, but for an option that others know.
    Open,
    /// With members that not every command may write: see [`crate::guarded`].
    Guarded,
}

pub const ALL: [Rules; 4] = [Rules::Offer, Rules::Strict, Rules::Open, Rules::Guarded];

/// Texts that are no schema, and how STATE.SCHEMA SET says so.
pub const NOT_A_SCHEMA: [(&str, &str); 8] = [
    (r#"{"type":"dashboard"}"#, "BADSCHEMA"),
    (r#"{"$ref":"https://schemas.vimbiso.example/channel.json"}"#, "BADSCHEMA"),
    (r#"["channel"]"#, "BADSCHEMA"),
    (r#"{"x-protected":true}"#, "BADSCHEMA"),
    (r#"{"properties":{"cards":{"items":{"x-secret":true}}}}"#, "BADSCHEMA"),
    (r#"{"if":{"required":["paid"]},"then":{"properties":{"price":{"x-immutable":true}}}}"#, "BADSCHEMA"),
    (
        r#"{"properties":{"stage":{"default":"pay","x-transitions":{"initial":["menu"],"allow":{}}}}}"#,
        "BADSCHEMA",
    ),
    (r#"{"type":"object""#, "BADJSON at byte "),
];

const OPTIONS: [&str; 3] = ["handle_action_menu", "handle_action_offer_credex", "handle_action_transactions"];
const KNOWN: &[&str] = &["channel", "stage", "option", "dashboard", "data"];
const STAGE_CHARS_MAX: usize = 24;

impl Rules {
    /// The canonical text.
    pub fn text(self) -> &'static str {
        match self {
            Rules::Offer => concat!(
                r##"{"x-ttl":1800,"type":"object","required":["channel"],"additionalProperties":false,"properties":{"##,
                r##""channel":{"type":"object","required":["type","identifier"],"additionalProperties":false,"properties":{"##,
                r##""type":{"enum":["whatsapp","sms"]},"identifier":{"type":"string"}}},"##,
                r##""stage":{"type":"string","maxLength":24,"default":"handle_action_menu"},"##,
                r##""option":{"enum":[null,"handle_action_menu","handle_action_offer_credex","handle_action_transactions"],"default":null},"##,
                r##""dashboard":{"$ref":"#/$defs/dashboard"},"data":true},"##,
                r##""$defs":{"dashboard":{"type":"object","default":{},"additionalProperties":false,"properties":{"##,
                r##""page_number":{"type":"integer","minimum":0,"default":0},"##,
                r##""offer":{"type":"object","required":["amount"],"properties":{"##,
                r##""amount":{"type":"number","exclusiveMinimum":0},"handle":{"type":"string"},"cycle":{"default":"weekly"}}}}}}}"##
            ),
            Rules::Strict => concat!(
                r##"{"x-ttl":600.5,"x-bind":["user:*"],"type":"object","required":["channel","stage","option"],"additionalProperties":false,"properties":{"##,
                r##""channel":{"type":"object","required":["type","identifier"],"additionalProperties":false,"properties":{"##,
                r##""type":{"enum":["whatsapp"]},"identifier":{"type":"string"}}},"##,
                r##""stage":{"type":"string","maxLength":24,"default":"handle_action_menu"},"##,
                r##""option":{"enum":[null,"handle_action_menu"],"default":"handle_action_menu"},"##,
                r##""dashboard":{"type":"object","additionalProperties":false,"properties":{"##,
                r##""page_number":{"type":"integer","minimum":0,"default":0},"##,
                r##""offer":{"type":"object","required":["amount"],"properties":{"##,
                r##""amount":{"type":"number","exclusiveMinimum":0,"maximum":100},"handle":{"type":"string"}}}}},"data":true}}"##
            ),
            Rules::Open => {
                r#"{"properties":{"stage":{"default":"login"},"data":{"default":{"amount":1.10}},"option":{"not":{"const":"handle_action_menu"}}}}"#
            }
            Rules::Guarded => guarded::TEXT,
        }
    }

    /// Gives absent members their defaults, where the object that holds them is there.
    pub fn fill(self, document: &mut Value) {
        self.fill_where(document, |_| true);
    }

    /// Gives their defaults to absent members of the objects that a change brought beside `base`.
    pub fn fill_added(self, document: &mut Value, base: &Value) {
        self.fill_where(document, |holder| !json::get(base, holder).is_some_and(Value::is_object));
    }

    fn fill_where(self, document: &mut Value, is_filled: impl Fn(&[String]) -> bool) {
        let defaults: &[(&str, &str)] = match self {
            Rules::Offer => &[
                ("/stage", r#""handle_action_menu""#),
                ("/option", "null"),
                ("/dashboard", "{}"),
                ("/dashboard/page_number", "0"),
                ("/dashboard/offer/cycle", r#""weekly""#),
            ],
            Rules::Strict => &[
                ("/stage", r#""handle_action_menu""#),
                ("/option", r#""handle_action_menu""#),
                ("/dashboard/page_number", "0"),
            ],
            Rules::Open => &[("/stage", r#""login""#), ("/data", r#"{"amount":1.10}"#)],
            Rules::Guarded => &[
                ("/dashboard", r#"{"page_number":0}"#),
                ("/option", "null"),
                ("/stage", r#""handle_action_menu""#),
            ],
        };
        for (place, default) in defaults {
            let tokens = json::tokens(place).expect("a pointer");
            let (name, holder) = tokens.split_last().expect("a member");
            if is_filled(holder)
                && let Some(Value::Object(members)) = json::get_mut(document, holder)
            {
                members.entry(name).or_insert_with(|| tree(default));
            }
        }
    }

    /// Drops the members that nobody knows, where no other than the known ones may be.
    pub fn drop_unknown(self, document: &mut Value) {
        let closed: &[(&str, &[&str])] = match self {
            Rules::Offer | Rules::Strict => &[
                ("", KNOWN),
                ("/channel", &["type", "identifier"]),
                ("/dashboard", &["page_number", "offer"]),
            ],
            Rules::Guarded => &[("", guarded::KNOWN)],
            Rules::Open => &[],
        };
        for (place, known) in closed {
            let holder = json::tokens(place).expect("a pointer");
            if let Some(Value::Object(members)) = json::get_mut(document, &holder) {
                members.retain(|name, _| known.contains(&name.as_str()));
            }
        }
    }

    pub fn ttl_ms(self) -> Option<u64> {
        match self {
            Rules::Offer => Some(1_800_000),
            Rules::Strict => Some(600_500),
            Rules::Guarded => Some(900_000),
            Rules::Open => None,
        }
    }

    /// The annotated members.
    pub fn marks(self) -> &'static [Mark] {
        if self == Rules::Guarded { guarded::MARKS } else { &[] }
    }

    /// The places of secrets.
    pub fn secrets(self) -> Vec<Vec<String>> {
        self.marks().iter().filter(|mark| mark.secret).map(Mark::tokens).collect()
    }

    /// Refuses a step that may not follow the one before.
    pub fn step(self, before: Option<&Value>, after: &Value) -> Result<(), Want> {
        if self == Rules::Guarded { guarded::step(before, after) } else { Ok(()) }
    }

    /// The pointer of each violation, sorted; the document itself is `(root)`.
    pub fn violations(self, document: &Value) -> Vec<String> {
        if !document.is_object() {
            return vec!["(root)".into()];
        }
        let mut found = Vec::new();
        match self {
            Rules::Open if document.get("option").is_some_and(|option| option == OPTIONS[0]) => {
                found.push("/option".into());
            }
            Rules::Open => {}
            Rules::Guarded => guarded::violations(document, &mut found),
            Rules::Offer | Rules::Strict => self.root(document, &mut found),
        }
        found.sort();
        found
    }

    fn root(self, document: &Value, found: &mut Vec<String>) {
        required(document, "(root)", &["channel"], found);
        if self == Rules::Strict {
            required(document, "(root)", &["stage", "option"], found);
        }
        closed(document, "(root)", KNOWN, found);
        if let Some(channel) = document.get("channel") {
            self.channel(channel, found);
        }
        match document.get("stage") {
            Some(Value::String(stage)) if stage.chars().count() > STAGE_CHARS_MAX => {
                found.push("/stage".into())
            }
            Some(Value::String(_)) | None => {}
            Some(_) => found.push("/stage".into()),
        }
        let options = if self == Rules::Strict { &OPTIONS[..1] } else { &OPTIONS[..] };
        let known =
            |option: &Value| option.is_null() || option.as_str().is_some_and(|it| options.contains(&it));
        if document.get("option").is_some_and(|option| !known(option)) {
            found.push("/option".into());
        }
        if let Some(dashboard) = document.get("dashboard") {
            self.dashboard(dashboard, found);
        }
    }

    fn channel(self, channel: &Value, found: &mut Vec<String>) {
        if !object(channel, "/channel", found) {
            return;
        }
        required(channel, "/channel", &["type", "identifier"], found);
        closed(channel, "/channel", &["type", "identifier"], found);
        let kinds = if self == Rules::Strict { &["whatsapp"][..] } else { &["whatsapp", "sms"][..] };
        if channel.get("type").is_some_and(|kind| !kind.as_str().is_some_and(|it| kinds.contains(&it))) {
            found.push("/channel/type".into());
        }
        string(channel, "identifier", "/channel/identifier", found);
    }

    fn dashboard(self, dashboard: &Value, found: &mut Vec<String>) {
        if !object(dashboard, "/dashboard", found) {
            return;
        }
        closed(dashboard, "/dashboard", &["page_number", "offer"], found);
        match dashboard.get("page_number").map(number) {
            Some(Some(page)) => {
                let broken =
                    [!page.is_integer(), page.is_negative()].into_iter().filter(|broken| *broken).count();
                found.extend(std::iter::repeat_n("/dashboard/page_number".to_owned(), broken));
            }
            Some(None) => found.push("/dashboard/page_number".into()),
            None => {}
        }
        let Some(offer) = dashboard.get("offer") else { return };
        if !object(offer, "/dashboard/offer", found) {
            return;
        }
        required(offer, "/dashboard/offer", &["amount"], found);
        string(offer, "handle", "/dashboard/offer/handle", found);
        let good = |amount: &Value| {
            number(amount).is_some_and(|amount| {
                let small = amount.cmp_size(&Decimal::of("100")) != Ordering::Greater;
                !amount.is_negative() && !amount.is_zero() && (small || self == Rules::Offer)
            })
        };
        if offer.get("amount").is_some_and(|amount| !good(amount)) {
            found.push("/dashboard/offer/amount".into());
        }
    }
}

fn number(value: &Value) -> Option<Decimal> {
    value.is_number().then(|| Decimal::of(&value.to_string()))
}

pub fn object(value: &Value, pointer: &str, found: &mut Vec<String>) -> bool {
    if !value.is_object() {
        found.push(pointer.into());
    }
    value.is_object()
}

pub fn string(parent: &Value, name: &str, pointer: &str, found: &mut Vec<String>) {
    if parent.get(name).is_some_and(|value| !value.is_string()) {
        found.push(pointer.into());
    }
}

fn required(value: &Value, pointer: &str, names: &[&str], found: &mut Vec<String>) {
    found.extend(names.iter().filter(|name| value.get(**name).is_none()).map(|_| pointer.to_owned()));
}

/// One violation for all the members that nobody knows.
pub fn closed(value: &Value, pointer: &str, names: &[&str], found: &mut Vec<String>) {
    if value.as_object().is_some_and(|members| members.keys().any(|name| !names.contains(&name.as_str()))) {
        found.push(pointer.into());
    }
}
