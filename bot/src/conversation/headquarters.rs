//! Headquarters: decides the next step from the state alone: the component, its result and its
//! data. It has no connection and no message, so every process continues in the same way, also
//! after a crash.
//!
//! # The menu and the steps
//!
//! The numbered menus ([`menu`](redis_state_vimbiso::menu)) and the steps of `vimbiso.channel` are
//! independent. Headquarters connects them:
//!
//! | menu | step |
//! |---|---|
//! | "Become a member" | onboard/FirstNameInput |
//! | `handle_action_offer_credex` | offer/AmountInput |
//! | `handle_action_pending_offers_in` | accept/OfferList ("decline" leads to decline/OfferList) |
//! | `handle_action_pending_offers_out` | cancel/OfferList |
//! | `handle_action_transactions` | ledger/ViewLedger |
//! | `handle_action_switch_account` | switch/AccountSelect |
//! | the entry after the last one of tier 1 | upgrade/ConfirmUpgrade |
//! | `handle_action_authorize_member` | none: a text only |
//! | `handle_action_notifications` | none: a text only |
//!
//! By the schema, a list leads to the dashboard only, so going from one list to another takes two
//! commits.

use redis_state_vimbiso::Handler;
use redis_state_vimbiso::channel::{Context, Step};
use serde_json::{Map, Value, json};

use super::calls::Ask;
use super::menus::MENU;
use crate::ledger::{Dashboard, Decision, LedgerChange};

/// The next action.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Next {
    /// The user's turn.
    Wait,
    /// Go to this step, with this data.
    Go { step: Step, data: Value, account: Option<String> },
    /// Enter this API step; the data stays, with the ID of the call.
    Enter(Step),
    /// Call the ledger, whose reply is missing.
    Call(Ask),
}

/// A choice beyond the numbered menus.
pub(super) const UPGRADE: &str = "upgrade";

pub(super) fn dashboard_step() -> Step {
    Step::new("account", "AccountDashboard")
}

pub(super) fn greeting_step() -> Step {
    Step::new("login", "Greeting")
}

/// Decides the next action.
pub(super) fn next(context: &Context) -> Next {
    let current = &context.current;
    let has = |name: &str| data(context, name).is_some();
    let confirmed = current.component_result.as_deref() == Some("confirmed");
    let declined = current.component_result.as_deref() == Some("declined");
    match (current.path.as_str(), current.component.as_str()) {
        ("login", "Greeting") if has("said") => Next::Enter(Step::new("login", "LoginApiCall")),
        ("login", "Greeting") => Next::Wait,
        ("login", "LoginApiCall") => match answered(context) {
            None => Next::Call(Ask::Login),
            Some(action) if action.get("member") == Some(&json!(true)) => home(context),
            Some(_) => go("onboard", "Welcome", json!({})),
        },
        ("onboard", "Welcome") if has("choice") => go("onboard", "FirstNameInput", json!({})),
        ("onboard", "FirstNameInput") if has("firstname") => go("onboard", "LastNameInput", kept(context)),
        ("onboard", "LastNameInput") if has("lastname") => {
            Next::Enter(Step::new("onboard", "OnBoardMemberApiCall"))
        }
        ("account", "AccountDashboard") => match text(context, "choice") {
            Some(choice) => chosen(choice),
            None => Next::Wait,
        },
        ("offer", "AmountInput") if has("amount") => go("offer", "HandleInput", kept(context)),
        ("offer", "HandleInput") if has("handle") => found(context),
        ("offer", "ConfirmOffer") if confirmed => Next::Enter(Step::new("offer", "CreateOfferApiCall")),
        ("upgrade", "ConfirmUpgrade") if confirmed => {
            Next::Enter(Step::new("upgrade", "UpgradeMemberApiCall"))
        }
        (path, "Confirm") if confirmed => Next::Enter(Step::new(path, "ApiCall")),
        (_, "ConfirmOffer" | "ConfirmUpgrade" | "Confirm") if declined => go_home(json!({"declined": true})),
        ("switch", "AccountSelect") => match text(context, "account") {
            Some(account) => Next::Go {
                step: dashboard_step(),
                data: json!({"switched": true}),
                account: Some(account.to_owned()),
            },
            None => Next::Wait,
        },
        ("ledger", "ViewLedger") if has("seen") => go_home(json!({})),
        ("ledger", "ViewLedger") => fetched(context, Ask::Transactions { account: account(context) }),
        (_, "OfferList") => match (text(context, "choice"), data(context, "offer")) {
            (Some(choice), _) => go_home(json!({"choice": choice})),
            (None, Some(_)) => go(&current.path, "Confirm", kept(context)),
            (None, None) => fetched(context, Ask::Dashboard),
        },
        (path, "OnBoardMemberApiCall" | "CreateOfferApiCall" | "UpgradeMemberApiCall" | "ApiCall") => {
            called(context, path)
        }
        ("onboard", _)
        | (_, "AmountInput" | "HandleInput" | "ConfirmOffer" | "ConfirmUpgrade" | "Confirm") => Next::Wait,
        // An unknown step: every step has a transition to the greeting.
        _ => go("login", "Greeting", json!({})),
    }
}

/// At the handle of an offer: the ledger knows whether there is such a member.
fn found(context: &Context) -> Next {
    let Some(action) = answered(context) else {
        let handle = text(context, "handle").unwrap_or_default().to_owned();
        return Next::Call(Ask::Find { handle });
    };
    let mut data = kept(context);
    if let (Some(members), Some(Value::Object(found))) = (data.as_object_mut(), action.get("found")) {
        // The handle as the ledger writes it, and the member's name.
        members.extend(found.clone());
    }
    go("offer", "ConfirmOffer", data)
}

/// The amount of an offer with its denomination.
pub(super) fn shown_amount(context: &Context) -> String {
    let amount = text(context, "amount").unwrap_or("?");
    match text(context, "denomination") {
        Some(denomination) => format!("{amount} {denomination}"),
        None => amount.to_owned(),
    }
}

/// At a step whose call changes something.
fn called(context: &Context, path: &str) -> Next {
    let word = |name: &str| text(context, name).unwrap_or_default().to_owned();
    if answered(context).is_some() {
        let decision = Decision::of(path);
        let more = decision.is_some_and(|decision| !dashboard(context).pending(decision).is_empty());
        // The reply included the list, so it need not be requested.
        let told = json!({"call": word("call"), "told": word("call")});
        return if more { go(path, "OfferList", told) } else { home(context) };
    }
    let (change, text) = match path {
        "onboard" => {
            return Next::Call(Ask::Onboard { firstname: word("firstname"), lastname: word("lastname") });
        }
        "offer" => {
            let (amount, handle) = (word("amount"), word("handle"));
            let text = format!("Your offer of {} to {handle} is made.", shown_amount(context));
            let denomination = self::text(context, "denomination").map(str::to_owned);
            (LedgerChange::CreateOffer { account: account(context), amount, denomination, handle }, text)
        }
        "upgrade" => (LedgerChange::Upgrade, "You are in tier 2 now.".to_owned()),
        path => {
            let Some(decision) = Decision::of(path) else { return go("login", "Greeting", json!({})) };
            let offer = data(context, "offer").and_then(|offer| offer.get("offerID")).and_then(Value::as_str);
            let text = match decision {
                Decision::Accept => "The offer is accepted.",
                Decision::Decline => "The offer is declined.",
                Decision::Cancel => "Your offer is cancelled.",
            };
            let offer = offer.unwrap_or_default().to_owned();
            (LedgerChange::Decide { offer, decision }, text.to_owned())
        }
    };
    Next::Call(Ask::Change { change, text })
}

/// The target after a failed call: the step that asked the user, or the greeting.
pub(super) fn asked_at(step: &Step) -> Option<Step> {
    let component = match step.component.as_str() {
        "OnBoardMemberApiCall" => "LastNameInput",
        // Its call checks the handle.
        "HandleInput" => "HandleInput",
        "CreateOfferApiCall" => "ConfirmOffer",
        "UpgradeMemberApiCall" => "ConfirmUpgrade",
        "ApiCall" => "Confirm",
        _ => return None,
    };
    Some(Step::new(&step.path, component))
}

/// The target of "back" within a flow; without one it is the dashboard.
pub(super) fn before(step: &Step) -> Option<Step> {
    let component = match step.component.as_str() {
        "LastNameInput" => "FirstNameInput",
        "HandleInput" => "AmountInput",
        "ConfirmOffer" => "HandleInput",
        "Confirm" => "OfferList",
        _ => return None,
    };
    Some(Step::new(&step.path, component))
}

/// Whether the step confirms what the user has typed. A restart word would lose it, and may be
/// meant as an answer.
pub(super) fn confirms_typed(step: &Step) -> bool {
    *step == Step::new("offer", "ConfirmOffer")
}

/// The target after a flow: the dashboard, or the greeting before login.
pub(super) fn way_out(step: &Step) -> Step {
    if matches!(step.path.as_str(), "login" | "onboard") { greeting_step() } else { dashboard_step() }
}

/// Whether `asked_at` or `before` may return this step.
pub(super) fn is_gone_back_to(step: &Step) -> bool {
    matches!(
        step.component.as_str(),
        "FirstNameInput" | "LastNameInput" | "AmountInput" | "HandleInput" | "OfferList"
    ) || step.component.starts_with("Confirm")
}

fn chosen(choice: &str) -> Next {
    let (path, component) = match choice {
        UPGRADE => ("upgrade", "ConfirmUpgrade"),
        "accept" | "decline" | "cancel" => (choice, "OfferList"),
        _ => match step_of(choice) {
            Some(step) => step,
            None => return go_home(json!({})),
        },
    };
    go(path, component, json!({}))
}

/// The step of a handler; `None` for those without one on this channel.
pub(super) fn step_of(handler: &str) -> Option<(&'static str, &'static str)> {
    Some(match Handler::of(handler)? {
        Handler::OfferCredex => ("offer", "AmountInput"),
        Handler::PendingOffersIn => ("accept", "OfferList"),
        Handler::PendingOffersOut => ("cancel", "OfferList"),
        Handler::Transactions => ("ledger", "ViewLedger"),
        Handler::SwitchAccount => ("switch", "AccountSelect"),
        _ => return None,
    })
}

fn fetched(context: &Context, ask: Ask) -> Next {
    if answered(context).is_some() { Next::Wait } else { Next::Call(ask) }
}

/// The API's reply to the call of this step.
fn answered(context: &Context) -> Option<&Value> {
    let call = data(context, "call")?;
    context.action.as_ref().filter(|action| action.get("call") == Some(call))
}

/// To the dashboard, which shows the result of the call.
fn home(context: &Context) -> Next {
    go_home(json!({"told": text(context, "call")}))
}

fn go_home(data: Value) -> Next {
    Next::Go { step: dashboard_step(), data, account: None }
}

fn go(path: &str, component: &str, data: Value) -> Next {
    Next::Go { step: Step::new(path, component), data, account: None }
}

/// The data of the earlier steps, without what belongs to one of them only.
fn kept(context: &Context) -> Value {
    let mut members = match &context.current.data {
        Some(Value::Object(members)) => members.clone(),
        _ => Map::new(),
    };
    for name in ["call", "told", "key", MENU] {
        members.shift_remove(name);
    }
    Value::Object(members)
}

pub(super) fn data<'a>(context: &'a Context, name: &str) -> Option<&'a Value> {
    context.current.data.as_ref()?.get(name)
}

pub(super) fn text<'a>(context: &'a Context, name: &str) -> Option<&'a str> {
    data(context, name)?.as_str()
}

/// The last dashboard of the ledger; empty if this bot can't read it.
pub(super) fn dashboard(context: &Context) -> Dashboard {
    let stored = context.dashboard.clone().unwrap_or_default();
    serde_json::from_value(stored).unwrap_or_default()
}

pub(super) fn account(context: &Context) -> String {
    let dashboard = dashboard(context);
    let account = dashboard.account(context.active_account_id.as_deref());
    account.map(|account| account.id.clone()).unwrap_or_default()
}
