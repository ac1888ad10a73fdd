//! The schemas that the test sets, and what each of them means: which documents pass, where the
//! others fail, the defaults, and the expiry.
//!
//! The meaning is written by hand: a validator here would need a test of its own. A violation has
//! the pointer of the value; `additionalProperties` and `required` that of the object.

use reference::json::{number, tree};
use reference::pointer::{self, Tokens};
use serde_json::{Number, Value};

use crate::annotated_schema::{self, Annotation};
use crate::predicted::Predicted;

/// A schema that the test sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// An offer in the making.
    Offer,
    /// A later revision: smaller amounts, fewer options, and required `stage` and `option`.
    Strict,
    /// Any object but for one value of `option`.
    Open,
    /// With annotated members: see [`crate::annotated_schema`].
    Annotated,
}

pub const ALL: [Rules; 4] = [Rules::Offer, Rules::Strict, Rules::Open, Rules::Annotated];

/// Texts that are no schema, with the beginning of the error of STATE.SCHEMA SET.
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
            Rules::Annotated => annotated_schema::TEXT,
        }
    }

    /// Adds the defaults of absent members to the objects of the document.
    pub fn fill(self, document: &mut Value) {
        self.fill_where(document, |_| true);
    }

    /// As [`Self::fill`], for the objects that `base` does not have.
    pub fn fill_added(self, document: &mut Value, base: &Value) {
        self.fill_where(document, |parent| !pointer::get(base, parent).is_some_and(Value::is_object));
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
            Rules::Annotated => &[
                ("/dashboard", r#"{"page_number":0}"#),
                ("/option", "null"),
                ("/stage", r#""handle_action_menu""#),
            ],
        };
        for (member, default) in defaults {
            let tokens = pointer::tokens(member).expect("a pointer");
            let (name, parent) = tokens.split_last().expect("a member");
            if is_filled(parent)
                && let Some(Value::Object(members)) = pointer::get_mut(document, parent)
            {
                members.entry(name).or_insert_with(|| tree(default));
            }
        }
    }

    /// Removes the members that `additionalProperties` forbids.
    pub fn drop_unknown(self, document: &mut Value) {
        let closed: &[(&str, &[&str])] = match self {
            Rules::Offer | Rules::Strict => &[
                ("", KNOWN),
                ("/channel", &["type", "identifier"]),
                ("/dashboard", &["page_number", "offer"]),
            ],
            Rules::Annotated => &[("", annotated_schema::KNOWN)],
            Rules::Open => &[],
        };
        for (object, known) in closed {
            let object = pointer::tokens(object).expect("a pointer");
            if let Some(Value::Object(members)) = pointer::get_mut(document, &object) {
                members.retain(|name, _| known.contains(&name.as_str()));
            }
        }
    }

    pub fn ttl_ms(self) -> Option<u64> {
        match self {
            Rules::Offer => Some(1_800_000),
            Rules::Strict => Some(600_500),
            Rules::Annotated => Some(900_000),
            Rules::Open => None,
        }
    }

    pub fn annotations(self) -> &'static [Annotation] {
        if self == Rules::Annotated { annotated_schema::ANNOTATIONS } else { &[] }
    }

    pub fn secrets(self) -> Vec<Tokens> {
        self.annotations().iter().filter(|annotation| annotation.secret).map(Annotation::tokens).collect()
    }

    /// Rejects a transition that is not allowed.
    pub fn transition(self, before: Option<&Value>, after: &Value) -> Result<(), Predicted> {
        if self == Rules::Annotated { annotated_schema::transition(before, after) } else { Ok(()) }
    }

    /// Whether a document of the model passes.
    pub fn pass(self, text: &str) -> bool {
        self.violations(&tree(text)).is_empty()
    }

    /// The pointer of each violation, sorted; that of the document is `(root)`.
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
            Rules::Annotated => annotated_schema::violations(document, &mut found),
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
        match dashboard.get("page_number") {
            Some(Value::Number(page)) => {
                let page = number(page);
                let violations = [!page.is_integer(), page < number(&0.into())];
                let count = violations.into_iter().filter(|violation| *violation).count();
                found.extend(std::iter::repeat_n("/dashboard/page_number".to_owned(), count));
            }
            Some(_) => found.push("/dashboard/page_number".into()),
            None => {}
        }
        let Some(offer) = dashboard.get("offer") else { return };
        if !object(offer, "/dashboard/offer", found) {
            return;
        }
        required(offer, "/dashboard/offer", &["amount"], found);
        string(offer, "handle", "/dashboard/offer/handle", found);
        let maximum = if self == Rules::Offer { None } else { Some(Number::from(100)) };
        let is_valid = |amount: &Number| {
            let amount = number(amount);
            amount > number(&0.into()) && maximum.as_ref().is_none_or(|maximum| amount <= number(maximum))
        };
        if offer.get("amount").is_some_and(|amount| !amount.as_number().is_some_and(is_valid)) {
            found.push("/dashboard/offer/amount".into());
        }
    }
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

/// `additionalProperties`: one violation for all unknown members.
pub fn closed(value: &Value, pointer: &str, names: &[&str], found: &mut Vec<String>) {
    if value.as_object().is_some_and(|members| members.keys().any(|name| !names.contains(&name.as_str()))) {
        found.push(pointer.into());
    }
}
