//! The components: pure functions from a user's text to stored data or a message for the user.

use redis_state_vimbiso::channel::ValidationResult;
use redis_state_vimbiso::{menu, menu_option};
use serde_json::{Value, json};

use super::headquarters::{UPGRADE, step_of};
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

/// An amount: above zero, with at most two decimals. It stays text, so that nothing is rounded.
pub(super) fn amount(text: &str) -> Taken {
    let text = text.trim();
    let (whole, part) = text.split_once('.').unwrap_or((text, "00"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = digits(whole) && digits(part) && whole.len() <= 9 && part.len() <= 2;
    if fits && text.bytes().any(|byte| matches!(byte, b'1'..=b'9')) {
        ValidationResult::success(json!({"amount": text}))
    } else {
        ValidationResult::failure("Please send an amount above zero, such as 12.50.")
    }
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

/// A choice from the menu of a tier.
pub(super) fn choice(tier: Option<u64>, text: &str) -> Taken {
    if Some(text.trim()) == upgrade_entry(tier).as_deref() {
        return ValidationResult::success(json!({"choice": UPGRADE}));
    }
    match menu_option(tier, text) {
        Some(handler) if step_of(handler.as_str()).is_some() => {
            ValidationResult::success(json!({"choice": handler.as_str()}))
        }
        Some(_) => ValidationResult::failure("That is not open on this channel yet."),
        None => {
            ValidationResult::failure("That is not on your menu. Please send one of the numbers that are.")
        }
    }
}

/// The input for the upgrade: the number after the last one, below tier 2.
pub(super) fn upgrade_entry(tier: Option<u64>) -> Option<String> {
    (tier.unwrap_or(1) < 2).then(|| (menu(tier).len() + 1).to_string())
}

/// An offer of a list by its number, or another list by its word.
pub(super) fn offer(path: &str, offers: &[Offer], text: &str) -> Taken {
    let word = text.trim().to_lowercase();
    if matches!((path, word.as_str()), ("accept", "decline") | ("decline", "accept")) {
        return ValidationResult::success(json!({"choice": word}));
    }
    match numbered(offers, text) {
        Some(offer) => ValidationResult::success(json!({"offer": offer})),
        None => ValidationResult::failure("Please send the number of an offer, or \"back\"."),
    }
}

/// An account by its number.
pub(super) fn account(accounts: &[Account], text: &str) -> Taken {
    match numbered(accounts, text) {
        Some(account) => ValidationResult::success(json!({"account": account.id})),
        None => ValidationResult::failure("Please send the number of an account, or \"back\"."),
    }
}

/// Yes or no.
pub(super) fn confirmation(text: &str) -> ValidationResult<String> {
    match text.trim().to_lowercase().as_str() {
        "yes" | "y" => ValidationResult::success("confirmed".to_owned()),
        "no" | "n" => ValidationResult::success("declined".to_owned()),
        _ => ValidationResult::failure("Please say yes or no."),
    }
}

fn numbered<'a, T>(list: &'a [T], text: &str) -> Option<&'a T> {
    let number: usize = text.trim().parse().ok()?;
    list.get(number.checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_above_zero_and_have_two_decimals_at_most() {
        for right in ["1", "12.5", "12.50", " 0.01 ", "999999999"] {
            assert!(amount(right).is_success(), "{right}");
        }
        for wrong in ["", "0", "0.00", "-1", "1.234", "1.", ".5", "1e3", "1,5", "ten", "9999999999", "+1"] {
            assert!(!amount(wrong).is_success(), "{wrong}");
        }
    }

    #[test]
    fn menus_differ_by_tier() {
        let chosen = |tier, text| choice(tier, text).value().map(|value| value["choice"].clone());
        assert_eq!(chosen(None, "5"), Some(json!("handle_action_switch_account")));
        assert_eq!(chosen(Some(2), "7"), Some(json!("handle_action_switch_account")));
        assert_eq!(chosen(Some(1), "6"), Some(json!(UPGRADE)));
        for (tier, text) in [(1, "7"), (2, "5"), (2, "6"), (2, "8"), (1, "offer"), (1, "")] {
            assert_eq!(chosen(Some(tier), text), None, "{tier} {text}");
        }
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
