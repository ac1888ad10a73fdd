//! The menus of the steps, and what a message means at one: a pure function of the state.
//!
//! A choice has an ID of two parts: the version that the question was asked at, and a word. The
//! version is `current.data.menu`. It is the etag of the version before the question, so that every
//! question has another one, and a process that shows a question again shows the same IDs. So a tap
//! on a past menu is recognized, even of the same step: the "yes" to an older offer is no "yes" to
//! this one. Not the present version: a token that lapses makes a version too.

use redis_state_vimbiso::channel::{Context, Step};
use redis_state_vimbiso::{Handler, menu as numbers};

use super::headquarters::{UPGRADE, dashboard, text};
use crate::ledger::{Account, Dashboard, Decision, Offer};
use crate::message::{Choice, Inbound, Menu};

/// The maximum number of entries of a list; later ones follow when those are done.
pub(super) const LINES_MAX: usize = 50;

/// The member of the flow's data that names a question.
pub(super) const MENU: &str = "menu";

pub(super) const BACK: &str = "back";
pub(super) const BECOME_MEMBER: &str = "become_member";
pub(super) const START: &str = "start";
pub(super) const YES: &str = "yes";
pub(super) const NO: &str = "no";

/// What a message means at the present step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// A choice of the present menu: its word.
    Chosen(String),
    /// Any other text.
    Text(&'a str),
    /// A tap on another menu.
    Past,
}

impl Said<'_> {
    /// Whether it is the choice with this word.
    pub(super) fn is_choice(&self, word: &str) -> bool {
        matches!(self, Said::Chosen(chosen) if chosen == word)
    }
}

/// What a message means in this state. A text is a choice by its number, or by a title that only
/// one choice has.
pub(super) fn said<'a>(context: &Context, message: &'a Inbound) -> Said<'a> {
    let menu = menu(context);
    let choices = menu.as_ref().map(|menu| menu.choices.as_slice()).unwrap_or_default();
    let word = |choice: &Choice| Said::Chosen(word_of(context, &choice.id).to_owned());
    if let Some(id) = &message.choice {
        return choices.iter().find(|choice| choice.id == *id).map_or(Said::Past, word);
    }
    let typed = message.text.trim();
    if let Some(numbered) = choices.iter().find(|choice| choice.typed == typed) {
        return word(numbered);
    }
    let lower = typed.to_lowercase();
    let mut titled = choices.iter().filter(|choice| choice.title.to_lowercase() == lower);
    match (titled.next(), titled.next()) {
        (Some(choice), None) => word(choice),
        _ => Said::Text(&message.text),
    }
}

/// Whether the step asks by a menu, so that its question needs a name.
pub(super) fn asks_by_menu(step: &Step) -> bool {
    matches!(
        step.component.as_str(),
        "Welcome" | "AccountDashboard" | "OfferList" | "AccountSelect" | "ViewLedger"
    ) || step.component.starts_with("Confirm")
}

/// The menu of this state's step; `None` where the user types freely.
pub(super) fn menu(context: &Context) -> Option<Menu> {
    let (label, entries) = entries(context)?;
    let choice = |entry: Entry| Choice {
        id: id_of(context, &entry.word),
        typed: entry.typed,
        title: entry.title,
        description: entry.description,
    };
    Some(Menu::new(label, entries.into_iter().map(choice).collect()))
}

/// An entry of a menu, without the version of its question.
struct Entry {
    word: String,
    typed: String,
    title: String,
    description: Option<String>,
}

fn entry(word: impl Into<String>, title: impl Into<String>) -> Entry {
    Entry { word: word.into(), typed: String::new(), title: title.into(), description: None }
}

/// Numbers them from 1.
fn numbered(entries: impl IntoIterator<Item = Entry>) -> Vec<Entry> {
    let number = |(entry, number): (Entry, usize)| Entry { typed: number.to_string(), ..entry };
    entries.into_iter().zip(1..).map(number).collect()
}

/// The label and the entries of this state's step.
fn entries(context: &Context) -> Option<(&'static str, Vec<Entry>)> {
    let current = &context.current;
    let held = dashboard(context);
    let back = || entry(BACK, "Back");
    Some(match (current.path.as_str(), current.component.as_str()) {
        ("login", "Greeting") => ("Begin", numbered([entry(START, "Start")])),
        ("onboard", "Welcome") => ("Begin", numbered([entry(BECOME_MEMBER, "Become a member")])),
        ("account", _) => ("Menu", main_menu(&held)),
        ("switch", _) => {
            let accounts = held.accounts.iter().take(LINES_MAX).map(account);
            ("Accounts", numbered(accounts.chain([back()])))
        }
        ("ledger", _) => ("Go on", numbered([back()])),
        (path, "OfferList") => {
            let pending = Decision::of(path).map(|decision| held.pending(decision)).unwrap_or_default();
            let other = match path {
                _ if pending.is_empty() => None,
                "accept" => Some(entry("decline", "Decline one instead")),
                "decline" => Some(entry("accept", "Accept one instead")),
                _ => None,
            };
            let offers = pending.iter().take(LINES_MAX).map(|pending| offer(path, pending));
            ("Offers", numbered(offers.chain(other).chain([back()])))
        }
        (_, component) if component.starts_with("Confirm") => {
            ("Answer", numbered([entry(YES, "Yes"), entry(NO, "No")]))
        }
        _ => return None,
    })
}

/// The entries of the member's tier, with its numbers. Offers are shown while there are any.
fn main_menu(held: &Dashboard) -> Vec<Entry> {
    let tier = held.member.tier;
    let shown = numbers(tier).iter().filter_map(|(typed, handler)| {
        let pending = match handler {
            Handler::PendingOffersIn => Some(held.pending_in.len()),
            Handler::PendingOffersOut => Some(held.pending_out.len()),
            _ => None,
        };
        let description = pending.map(|count| format!("{count} open"));
        let entry = entry(handler.as_str(), title(*handler));
        (pending != Some(0)).then_some(Entry { typed: (*typed).to_owned(), description, ..entry })
    });
    let upgrade = upgrade_number(tier).map(|typed| Entry { typed, ..entry(UPGRADE, "Go on to tier 2") });
    shown.chain(upgrade).collect()
}

/// The number for the upgrade: that after the last one, below tier 2.
fn upgrade_number(tier: Option<u64>) -> Option<String> {
    (tier.unwrap_or(1) < 2).then(|| (numbers(tier).len() + 1).to_string())
}

fn title(handler: Handler) -> &'static str {
    match handler {
        Handler::OfferCredex => "Make an offer",
        Handler::PendingOffersIn => "Offers to you",
        Handler::PendingOffersOut => "Your offers",
        Handler::Transactions => "Ledger",
        Handler::SwitchAccount => "Use another account",
        Handler::AuthorizeMember => "Authorize a member",
        Handler::Notifications => "Notifications",
        _ => "Menu",
    }
}

/// An account's entry; its word is the account's ID.
fn account(account: &Account) -> Entry {
    Entry { description: Some(account.balance.clone()), ..entry(listed(&account.id), &account.name) }
}

/// An offer's entry; its word is the offer's ID.
fn offer(path: &str, offer: &Offer) -> Entry {
    let side = if path == "cancel" { "to" } else { "from" };
    entry(listed(&offer.id), format!("{} {side} {}", offer.amount, offer.handle))
}

/// The word for an entry of a list. The sign keeps the ledger's IDs apart from the bot's words.
pub(super) fn listed(id: &str) -> String {
    format!("#{id}")
}

fn id_of(context: &Context, word: &str) -> String {
    match text(context, MENU) {
        Some(version) => format!("{version}/{word}"),
        None => word.to_owned(),
    }
}

/// The reverse of `id_of`, for an ID of this menu.
fn word_of<'a>(context: &Context, id: &'a str) -> &'a str {
    let version = text(context, MENU).unwrap_or_default();
    id.strip_prefix(version).and_then(|rest| rest.strip_prefix('/')).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn at(path: &str, component: &str, data: Value, dashboard: Value) -> Context {
        let current = json!({"path": path, "component": component, "data": data});
        serde_json::from_value(json!({"current": current, "dashboard": dashboard})).expect("a context")
    }

    fn confirm(version: &str) -> Context {
        at("offer", "ConfirmOffer", json!({"menu": version}), json!({}))
    }

    fn message(text: &str, choice: Option<&str>) -> Inbound {
        let (channel_id, message_id) = ("+263771234567".to_owned(), "wamid.1".to_owned());
        Inbound { channel_id, message_id, text: text.to_owned(), choice: choice.map(str::to_owned) }
    }

    fn offers(count: usize) -> Value {
        let offer = |n: usize| json!({"offerID": n.to_string(), "amount": "5.00", "handle": "rudo"});
        json!((0..count).map(offer).collect::<Vec<_>>())
    }

    fn chosen(word: &str) -> Said<'static> {
        Said::Chosen(word.to_owned())
    }

    #[test]
    fn choice_is_its_id_number_or_title() {
        let context = confirm("7-1f0c");
        assert_eq!(said(&context, &message("Yes", Some("7-1f0c/yes"))), chosen(YES));
        for typed in ["1", " yes ", "YES"] {
            assert_eq!(said(&context, &message(typed, None)), chosen(YES), "{typed}");
        }
        assert_eq!(said(&context, &message("y", None)), Said::Text("y"));
        assert_eq!(said(&context, &message("7-1f0c/yes", None)), Said::Text("7-1f0c/yes"));
    }

    #[test]
    fn choice_of_another_question_is_past() {
        let context = confirm("7-1f0c");
        for id in ["5-1f0c/yes", "yes", "/yes", "7-1f0c/back", "become_member", "1"] {
            assert_eq!(said(&context, &message("Yes", Some(id))), Said::Past, "{id}");
        }
        let typing = at("onboard", "FirstNameInput", json!({}), json!({}));
        assert_eq!(said(&typing, &message("Become a member", Some("2-1f0c/become_member"))), Said::Past);
        assert_eq!(said(&typing, &message("Chipo", None)), Said::Text("Chipo"));
    }

    #[test]
    fn title_of_two_entries_is_no_choice() {
        let two =
            json!({"member": {"memberID": "m", "firstname": "a", "lastname": "b"}, "pending_in": offers(2)});
        let list = at("accept", "OfferList", json!({"menu": "7-1f0c"}), two);
        assert_eq!(said(&list, &message("5.00 from rudo", None)), Said::Text("5.00 from rudo"));
        assert_eq!(said(&list, &message("2", None)), chosen("#1"));
        assert_eq!(said(&list, &message("Decline one instead", None)), chosen("decline"));
        assert_eq!(said(&list, &message("4", None)), chosen(BACK));
    }

    #[test]
    fn menu_depends_on_tier_and_offers() {
        let numbers = |tier: u64, pending_in: usize, pending_out: usize| {
            let member = json!({"memberID": "m", "firstname": "a", "lastname": "b", "memberTier": tier});
            let (pending_in, pending_out) = (offers(pending_in), offers(pending_out));
            let held = json!({"member": member, "pending_in": pending_in, "pending_out": pending_out});
            let menu = menu(&at("account", "AccountDashboard", json!({}), held)).expect("a menu");
            menu.choices.iter().map(|choice| choice.typed.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(numbers(1, 1, 1), "1 2 3 4 5 6");
        assert_eq!(numbers(1, 0, 1), "1 3 4 5 6");
        assert_eq!(numbers(1, 0, 0), "1 4 5 6");
        assert_eq!(numbers(2, 2, 0), "1 2 4 5 6 7");
    }

    #[test]
    fn long_list_keeps_its_last_entries() {
        let many =
            json!({"member": {"memberID": "m", "firstname": "a", "lastname": "b"}, "pending_in": offers(80)});
        let menu = menu(&at("accept", "OfferList", json!({}), many)).expect("a menu");
        assert_eq!(menu.choices.len(), LINES_MAX + 2);
        assert_eq!(menu.choices.last().map(|choice| choice.id.as_str()), Some(BACK));
    }
}
