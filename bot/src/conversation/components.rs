//! The components: pure functions from a user's text or choice to stored data or a message for the
//! user.

use redis_state_vimbiso::channel::ValidationResult;
use redis_state_vimbiso::{Handler, menu_option};
use serde_json::{Value, json};

use super::headquarters::{UPGRADE, step_of};
use super::menus::{BECOME_MEMBER, NO, Said, YES, listed};
use crate::ledger::{Account, Offer};

/// The maximum length of a name.
const NAME_CHARS_MAX: usize = 50;

pub(super) type Taken = ValidationResult<Value>;

/// A first or last name, stored under `member`.
pub(super) fn name(text: &str, member: &str) -> Taken {
    let name = text.trim();
    let fits = (1..=NAME_CHARS_MAX).contains(&name.chars().count());
    if fits && name.chars().any(char::is_alphabetic) && !name.chars().any(char::is_control) {
        ValidationResult::success(json!({ member: name }))
    } else {
        ValidationResult::failure("Please send a name of up to 50 letters.")
    }
}

/// An amount: above zero, with at most two decimals, and perhaps a denomination of the ledger
/// before or after it, else the first one. It stays text, so that nothing is rounded.
pub(super) fn amount(text: &str, denominations: &[String]) -> Taken {
    let text = text.trim();
    let number = text.trim_matches(|letter: char| letter.is_alphabetic() || letter.is_whitespace());
    let (before, after) = text.split_once(number).unwrap_or_default();
    let (whole, part) = number.split_once('.').unwrap_or((number, "00"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = digits(whole) && digits(part) && whole.len() <= 9 && part.len() <= 2;
    if !fits || !number.bytes().any(|byte| matches!(byte, b'1'..=b'9')) {
        return ValidationResult::failure("Please send an amount above zero, such as 12.50.");
    }
    // One side is empty; words on both name no denomination.
    let words = format!("{before} {after}");
    let word = words.trim();
    let named = denominations.iter().find(|known| known.eq_ignore_ascii_case(word));
    match (named, denominations.first()) {
        (Some(denomination), _) => with_denomination(number, denomination),
        (None, Some(default)) if word.is_empty() => with_denomination(number, default),
        (None, None) if word.is_empty() => ValidationResult::success(json!({"amount": number})),
        (None, Some(default)) => ValidationResult::failure(format!(
            "Please send an amount in {}, such as {number} {default}.",
            denominations.join(" or ")
        )),
        (None, None) => ValidationResult::failure("Please send an amount without letters, such as 12.50."),
    }
}

fn with_denomination(number: &str, denomination: &str) -> Taken {
    ValidationResult::success(json!({"amount": number, "denomination": denomination}))
}

/// The handle of the member that gets the offer.
pub(super) fn handle(text: &str) -> Taken {
    let handle = text.trim().trim_start_matches('@');
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    if (1..=NAME_CHARS_MAX).contains(&handle.chars().count()) && handle.chars().all(fits) {
        ValidationResult::success(json!({"handle": handle}))
    } else {
        ValidationResult::failure("Please send a handle, such as tariro.")
    }
}

/// The way to become a member.
pub(super) fn welcome(said: &Said<'_>) -> Taken {
    if said.is_choice(BECOME_MEMBER) {
        return ValidationResult::success(json!({"choice": BECOME_MEMBER}));
    }
    ValidationResult::failure("Please tap \"Become a member\", or send 1.")
}

/// A choice from the menu of a tier. The number of an entry that is not shown, because there were
/// no offers, works too: there may be some by now.
pub(super) fn choice(tier: Option<u64>, said: &Said<'_>) -> Taken {
    if said.is_choice(UPGRADE) {
        return ValidationResult::success(json!({"choice": UPGRADE}));
    }
    let handler = match said {
        Said::Chosen(word) => Handler::of(word),
        Said::Text(text) => menu_option(tier, text),
        Said::Past => None,
    };
    match handler.map(Handler::as_str) {
        Some(handler) if step_of(handler).is_some() => ValidationResult::success(json!({"choice": handler})),
        Some(_) => ValidationResult::failure("That is not open on this channel yet."),
        None => {
            ValidationResult::failure("That is not on your menu. Please send one of the numbers that are.")
        }
    }
}

/// An offer of a list, or another list by its word.
pub(super) fn offer(path: &str, offers: &[Offer], said: &Said<'_>) -> Taken {
    let word = word(said);
    if matches!((path, word.as_str()), ("accept", "decline") | ("decline", "accept")) {
        return ValidationResult::success(json!({"choice": word}));
    }
    match offers.iter().find(|offer| said.is_choice(&listed(&offer.id))) {
        Some(offer) => ValidationResult::success(json!({"offer": offer})),
        None => ValidationResult::failure("Please send the number of an offer, or \"back\"."),
    }
}

/// An account of the list.
pub(super) fn account(accounts: &[Account], said: &Said<'_>) -> Taken {
    match accounts.iter().find(|account| said.is_choice(&listed(&account.id))) {
        Some(account) => ValidationResult::success(json!({"account": account.id})),
        None => ValidationResult::failure("Please send the number of an account, or \"back\"."),
    }
}

/// Yes or no.
pub(super) fn confirmation(said: &Said<'_>) -> ValidationResult<String> {
    match word(said).as_str() {
        YES | "y" => ValidationResult::success("confirmed".to_owned()),
        NO | "n" => ValidationResult::success("declined".to_owned()),
        _ => ValidationResult::failure("Please say yes or no."),
    }
}

/// The word of a choice, or a typed one.
fn word(said: &Said<'_>) -> String {
    match said {
        Said::Chosen(word) => word.clone(),
        Said::Text(text) => text.trim().to_lowercase(),
        Said::Past => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_above_zero_and_have_two_decimals_at_most() {
        for right in ["1", "12.5", "12.50", " 0.01 ", "999999999"] {
            assert_eq!(amount(right, &[]).value(), Some(&json!({"amount": right.trim()})), "{right}");
        }
        for wrong in
            ["", "0", "0.00", "-1", "1.234", "1.", ".5", "1e3", "1,5", "ten", "9999999999", "+1", "5 USD"]
        {
            assert!(!amount(wrong, &[]).is_success(), "{wrong}");
        }
    }

    #[test]
    fn amounts_have_a_denomination_of_the_ledger() {
        let known = ["USD", "ZWG"].map(str::to_owned);
        for (text, number, denomination) in [
            ("5", "5", "USD"),
            ("ZWG 5", "5", "ZWG"),
            ("5.50 USD", "5.50", "USD"),
            ("zwg 5.5", "5.5", "ZWG"),
            (" 5zwg ", "5", "ZWG"),
        ] {
            let expected = json!({"amount": number, "denomination": denomination});
            assert_eq!(amount(text, &known).value(), Some(&expected), "{text}");
        }
        for wrong in ["5 CAD", "USD", "USD 0", "USD 5 ZWG", "US 5 D", "5 US D", "$5", "5 USD 3", "USDZWG 5"] {
            assert!(!amount(wrong, &known).is_success(), "{wrong}");
        }
        let unknown = amount("5 CAD", &known);
        let text = unknown.error().map(|error| error.message.as_str());
        assert_eq!(text, Some("Please send an amount in USD or ZWG, such as 5 USD."));
    }

    #[test]
    fn numbers_of_the_menu_differ_by_tier() {
        let chosen =
            |tier, text| choice(tier, &Said::Text(text)).value().map(|value| value["choice"].clone());
        assert_eq!(chosen(None, "5"), Some(json!("handle_action_switch_account")));
        assert_eq!(chosen(Some(2), "7"), Some(json!("handle_action_switch_account")));
        for (tier, text) in [(1, "7"), (2, "5"), (2, "6"), (2, "8"), (1, "offer"), (1, "")] {
            assert_eq!(chosen(Some(tier), text), None, "{tier} {text}");
        }
        let upgrade = choice(Some(1), &Said::Chosen(UPGRADE.to_owned()));
        assert_eq!(upgrade.value(), Some(&json!({"choice": UPGRADE})));
    }

    #[test]
    fn names_and_handles_are_words() {
        assert!(name(" Rudo ", "firstname").is_success());
        assert!(handle("@tariro").is_success());
        for wrong in ["", "  ", "123", "a\nb", &"x".repeat(51)] {
            assert!(!name(wrong, "firstname").is_success(), "{wrong}");
        }
        for wrong in ["", "two words", "a/b"] {
            assert!(!handle(wrong).is_success(), "{wrong}");
        }
    }
}
