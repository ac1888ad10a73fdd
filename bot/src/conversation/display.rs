//! The texts of each step: a pure function of the state.

use redis_state_vimbiso::channel::Context;
use redis_state_vimbiso::{Handler, menu};
use serde_json::Value;

use super::components::upgrade_entry;
use super::headquarters::{dashboard, data, text};
use crate::ledger::{Decision, Entry};

/// The maximum length shown of the ledger's reason for a rejection.
const REFUSAL_CHARS_MAX: usize = 500;

/// The maximum number of lines shown of a list; numbers of later lines are valid too.
const LINES_MAX: usize = 50;

/// Sent at a session's end.
pub(super) const SESSION_ENDED: &str =
    "Your session has ended, and nothing was left half done. Send a message to start again at the menu.";

/// The beginning of a greeting after a lapse.
pub(super) const WELCOME_BACK: &str = "Your session had ended, so we start again at the menu.";

/// Announces a recovery.
pub(super) const RECOVERED: &str =
    "Something was wrong with our notes. We have put them right; please go on from here.";

/// The answer to a message that arrives during unfinished work.
pub(super) const FINISHED: &str =
    "We had not answered your message before, and have finished that first. This one was not acted upon.";

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

/// The texts of this state's step.
pub(super) fn shown(context: &Context) -> Vec<String> {
    let current = &context.current;
    let prompt = match (current.path.as_str(), current.component.as_str()) {
        ("login", _) => "Welcome to VimbisoPay. Send any message to begin.".to_owned(),
        ("onboard", "LastNameInput") => "What is your last name?".to_owned(),
        ("onboard", _) => {
            "Welcome to VimbisoPay. You are not a member yet. What is your first name?".to_owned()
        }
        ("offer", "AmountInput") => "How much do you want to offer?".to_owned(),
        ("offer", "HandleInput") => "Which member is the offer for? Send their handle.".to_owned(),
        ("offer", _) => {
            let [amount, handle] = ["amount", "handle"].map(|name| text(context, name).unwrap_or("?"));
            format!("You offer {amount} to {handle}. Is that right? Send yes or no.")
        }
        ("upgrade", _) => "Do you want to go on to tier 2? Send yes or no.".to_owned(),
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
            format!(
                "Do you want to {path} the offer of {} {side} {}? Send yes or no.",
                part("amount"),
                part("handle")
            )
        }
        _ => main_menu(context),
    };
    told(context).into_iter().chain([prompt]).collect()
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

fn main_menu(context: &Context) -> String {
    let dashboard = dashboard(context);
    let member = &dashboard.member;
    let mut lines = vec![format!("Hello {} {}.", member.firstname, member.lastname)];
    if let Some(account) = dashboard.account(context.active_account_id.as_deref()) {
        lines.push(format!("{}: {}", account.name, account.balance));
    }
    let entries = menu(member.tier).iter().map(|(typed, handler)| format!("{typed} {}", words(*handler)));
    lines.extend(entries);
    lines.extend(upgrade_entry(member.tier).map(|typed| format!("{typed} Go on to tier 2")));
    lines.join("\n")
}

fn words(handler: Handler) -> &'static str {
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

fn accounts(context: &Context) -> String {
    let dashboard = dashboard(context);
    let lines = dashboard.accounts.iter().map(|account| format!("{}: {}", account.name, account.balance));
    list("Which account do you want to use?", "You have no account.", lines)
}

fn offers(context: &Context, path: &str) -> String {
    let (title, side, hint) = match path {
        "accept" => {
            ("Which offer do you want to accept?", "from", "\nSend \"decline\" to decline one instead.")
        }
        "decline" => {
            ("Which offer do you want to decline?", "from", "\nSend \"accept\" to accept one instead.")
        }
        _ => ("Which of your offers do you want to cancel?", "to", ""),
    };
    let dashboard = dashboard(context);
    let pending = Decision::of(path).map(|decision| dashboard.pending(decision)).unwrap_or_default();
    let lines = pending.iter().map(|offer| format!("{} {side} {}", offer.amount, offer.handle));
    list(title, "There are no offers. Send \"back\".", lines) + if pending.is_empty() { "" } else { hint }
}

fn ledger(context: &Context) -> String {
    let entries = context.action.as_ref().and_then(|action| action.get("entries")).cloned();
    let entries: Vec<Entry> = serde_json::from_value(entries.unwrap_or_default()).unwrap_or_default();
    let lines = entries.iter().map(|entry| format!("{} {}", entry.amount, entry.handle));
    let lines = list("What went in and out:", "Nothing went in or out yet.", lines);
    format!("{lines}\nSend any message to go back.")
}

fn list(title: &str, nothing: &str, lines: impl Iterator<Item = String>) -> String {
    let mut lines = lines.enumerate().map(|(index, line)| format!("\n{} {line}", index + 1));
    let shown: String = lines.by_ref().take(LINES_MAX).collect();
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
        let listed = |count: usize| list("Which?", "None.", (0..count).map(|n| format!("to {n}")));
        assert_eq!((listed(0).as_str(), listed(2).as_str()), ("None.", "Which?\n1 to 0\n2 to 1"));
        assert!(listed(LINES_MAX).ends_with("\n50 to 49"), "{}", listed(LINES_MAX));
        assert!(listed(10_000).ends_with("\n50 to 49\n… and 9950 more"), "{}", listed(10_000));
    }

    #[test]
    fn rejection_is_cut_between_characters() {
        assert_eq!(rejection("no"), "no");
        assert_eq!(rejection(&"é".repeat(500)), "é".repeat(500));
        assert_eq!(rejection(&"é".repeat(501)), format!("{}…", "é".repeat(500)));
    }
}
