//! The messages of each step: a pure function of the state.

use redis_state_vimbiso::channel::Context;
use serde_json::Value;

use super::headquarters::{dashboard, data, shown_amount, text};
use super::menus::{self, LINES_MAX};
use crate::ledger::{Decision, Entry};
use crate::message::{Choice, Menu, Outbound};

/// The maximum length shown of the ledger's reason for a rejection.
const REFUSAL_CHARS_MAX: usize = 500;

const SESSION_ENDED: &str =
    "Your session has ended, and nothing was left half done. Send a message to start again at the menu.";

/// The beginning of a greeting after a lapse.
pub(super) const WELCOME_BACK: &str = "Your session had ended, so we start again at the menu.";

/// Announces a recovery.
pub(super) const RECOVERED: &str =
    "Something was wrong with our notes. We have put them right; please go on from here.";

/// The answer to a message that arrives during unfinished work.
pub(super) const FINISHED: &str =
    "We had not answered your message before, and have finished that first. This one was not acted upon.";

/// The answer to a tap on a menu of another question.
pub(super) const PAST: &str = "That menu is no longer open. You are here:";

/// The text after a call with an unknown outcome.
pub(super) const UNSURE: &str =
    "The service does not answer as it should. Please try again; it will not be done twice.";

/// The ledger's reason for a rejection, cut at the limit.
pub(super) fn rejection(text: &str) -> String {
    match text.char_indices().nth(REFUSAL_CHARS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

/// The answer to an unknown handle.
pub(super) fn no_member(handle: &str) -> String {
    format!("No member has the handle {handle}. Please send another one, or \"back\".")
}

/// Sent at a session's end. At the greeting every message begins, so the button needs no version.
pub(super) fn session_ended() -> Outbound {
    let start = Choice::new(menus::START, "1", "Start");
    Outbound::from(SESSION_ENDED).with(Menu::new("Begin", vec![start]))
}

/// The messages of this state's step: the result of the last call, and the question.
pub(super) fn shown(context: &Context) -> Vec<Outbound> {
    let question = Outbound { text: question(context), menu: menus::menu(context) };
    told(context).map(Outbound::from).into_iter().chain([question]).collect()
}

fn question(context: &Context) -> String {
    let current = &context.current;
    match (current.path.as_str(), current.component.as_str()) {
        ("login", _) => "Welcome to VimbisoPay. Send any message to begin.".to_owned(),
        ("onboard", "FirstNameInput") => "What is your first name?".to_owned(),
        ("onboard", "LastNameInput") => "What is your last name?".to_owned(),
        ("onboard", _) => "Welcome to VimbisoPay. You are not a member yet.".to_owned(),
        ("offer", "AmountInput") => how_much(context),
        ("offer", "HandleInput") => "Which member is the offer for? Send their handle.".to_owned(),
        ("offer", _) => {
            let handle = text(context, "handle").unwrap_or("?");
            let name = text(context, "name").filter(|name| !name.is_empty());
            let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
            format!("You offer {} to {handle}{name}. Is that right?", shown_amount(context))
        }
        ("upgrade", _) => "Do you want to go on to tier 2?".to_owned(),
        ("switch", _) => accounts(context),
        ("ledger", _) => ledger(context),
        (path, "OfferList") => offers(context, path),
        (path, "Confirm" | "ApiCall") => {
            let part = |name: &str| {
                data(context, "offer")
                    .and_then(|offer| offer.get(name))
                    .and_then(Value::as_str)
                    .unwrap_or("?")
            };
            let side = if path == "cancel" { "to" } else { "from" };
            format!("Do you want to {path} the offer of {} {side} {}?", part("amount"), part("handle"))
        }
        _ => hello(context),
    }
}

/// The result of the last call, if it is new to the user.
fn told(context: &Context) -> Option<String> {
    if data(context, "declined").is_some() {
        return Some("Nothing was changed.".to_owned());
    }
    if data(context, "switched").is_some() {
        return Some("You use another account now.".to_owned());
    }
    let action = context.action.as_ref()?;
    let news = data(context, "told")? == action.get("call")?;
    let text = action.get("text")?.as_str().filter(|text| news && !text.is_empty());
    text.map(str::to_owned)
}

fn how_much(context: &Context) -> String {
    let question = "How much do you want to offer?";
    match dashboard(context).denominations.as_slice() {
        [] => question.to_owned(),
        [first, ..] => format!("{question} Send an amount, such as 5 {first}."),
    }
}

fn hello(context: &Context) -> String {
    let dashboard = dashboard(context);
    let member = &dashboard.member;
    let hello = format!("Hello {} {}.", member.firstname, member.lastname);
    match dashboard.account(context.active_account_id.as_deref()) {
        Some(account) => format!("{hello}\n{}: {}", account.name, account.balance),
        None => hello,
    }
}

fn accounts(context: &Context) -> String {
    list_of(dashboard(context).accounts.len(), "Which account do you want to use?", "You have no account.")
}

fn offers(context: &Context, path: &str) -> String {
    let title = match path {
        "accept" => "Which offer do you want to accept?",
        "decline" => "Which offer do you want to decline?",
        _ => "Which of your offers do you want to cancel?",
    };
    let dashboard = dashboard(context);
    let pending = Decision::of(path).map(|decision| dashboard.pending(decision)).unwrap_or_default();
    list_of(pending.len(), title, "There are no offers.")
}

/// The text above a menu of a list.
fn list_of(count: usize, title: &str, nothing: &str) -> String {
    match count.checked_sub(LINES_MAX) {
        _ if count == 0 => nothing.to_owned(),
        None | Some(0) => title.to_owned(),
        Some(more) => format!("{title}\nThese are the first {LINES_MAX}, and {more} more follow later."),
    }
}

fn ledger(context: &Context) -> String {
    let entries = context.action.as_ref().and_then(|action| action.get("entries")).cloned();
    let entries: Vec<Entry> = serde_json::from_value(entries.unwrap_or_default()).unwrap_or_default();
    let lines = entries.iter().map(|entry| format!("{} {}", entry.amount, entry.handle));
    lines_of("What went in and out:", "Nothing went in or out yet.", lines)
}

fn lines_of(title: &str, nothing: &str, mut lines: impl Iterator<Item = String>) -> String {
    let shown: String = lines.by_ref().take(LINES_MAX).map(|line| format!("\n{line}")).collect();
    match lines.count() {
        _ if shown.is_empty() => nothing.to_owned(),
        0 => format!("{title}{shown}"),
        more => format!("{title}{shown}\n… and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_list_shows_the_number_of_further_entries() {
        let listed = |count: usize| lines_of("Which?", "None.", (0..count).map(|n| format!("to {n}")));
        assert_eq!((listed(0).as_str(), listed(2).as_str()), ("None.", "Which?\nto 0\nto 1"));
        assert!(listed(LINES_MAX).ends_with("\nto 49"), "{}", listed(LINES_MAX));
        assert!(listed(10_000).ends_with("\nto 49\n… and 9950 more"), "{}", listed(10_000));
        assert_eq!(list_of(0, "Which?", "None."), "None.");
        assert_eq!(list_of(LINES_MAX, "Which?", "None."), "Which?");
        assert!(list_of(LINES_MAX + 1, "Which?", "None.").ends_with(" and 1 more follow later."));
    }

    #[test]
    fn rejection_is_cut_between_characters() {
        assert_eq!(rejection("no"), "no");
        assert_eq!(rejection(&"é".repeat(500)), "é".repeat(500));
        assert_eq!(rejection(&"é".repeat(501)), format!("{}…", "é".repeat(500)));
    }
}
