//! The menu of the bot by tiers: what a user may type, and the handler of each choice.
//!
//! Two tables, one for each tier. Tier 2 has all of tier 1 except 5, which means something else
//! there. Not one table with a column for the tier, which does not read as a menu. On the server,
//! the schemas `vimbiso.conversation` and `vimbiso.cached-user` enforce the same tables.

use std::fmt;

/// A handler of the bot: the stages of a conversation and the options of its menu.
///
/// ```
/// use redis_state_vimbiso::Handler;
///
/// assert_eq!(Handler::OfferCredex.as_str(), "handle_action_offer_credex");
/// assert_eq!(Handler::of("handle_action_menu"), Some(Handler::Menu));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Handler {
    /// `handle_action_menu`
    Menu,
    /// `handle_action_register`
    Register,
    /// `handle_action_offer_credex`
    OfferCredex,
    /// `handle_action_pending_offers_in`
    PendingOffersIn,
    /// `handle_action_pending_offers_out`
    PendingOffersOut,
    /// `handle_action_transactions`
    Transactions,
    /// `handle_action_authorize_member`
    AuthorizeMember,
    /// `handle_action_notifications`
    Notifications,
    /// `handle_action_switch_account`
    SwitchAccount,
}

impl Handler {
    const ALL: [Handler; 9] = [
        Handler::Menu,
        Handler::Register,
        Handler::OfferCredex,
        Handler::PendingOffersIn,
        Handler::PendingOffersOut,
        Handler::Transactions,
        Handler::AuthorizeMember,
        Handler::Notifications,
        Handler::SwitchAccount,
    ];

    /// The name in a document.
    pub fn as_str(self) -> &'static str {
        match self {
            Handler::Menu => "handle_action_menu",
            Handler::Register => "handle_action_register",
            Handler::OfferCredex => "handle_action_offer_credex",
            Handler::PendingOffersIn => "handle_action_pending_offers_in",
            Handler::PendingOffersOut => "handle_action_pending_offers_out",
            Handler::Transactions => "handle_action_transactions",
            Handler::AuthorizeMember => "handle_action_authorize_member",
            Handler::Notifications => "handle_action_notifications",
            Handler::SwitchAccount => "handle_action_switch_account",
        }
    }

    /// The handler with this name.
    pub fn of(name: &str) -> Option<Handler> {
        Handler::ALL.into_iter().find(|handler| handler.as_str() == name)
    }
}

impl fmt::Display for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl AsRef<str> for Handler {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

const TIER_1: &[(&str, Handler)] = &[
    ("1", Handler::OfferCredex),
    ("2", Handler::PendingOffersIn),
    ("3", Handler::PendingOffersOut),
    ("4", Handler::Transactions),
    ("5", Handler::SwitchAccount),
];

const TIER_2: &[(&str, Handler)] = &[
    ("1", Handler::OfferCredex),
    ("2", Handler::PendingOffersIn),
    ("3", Handler::PendingOffersOut),
    ("4", Handler::Transactions),
    ("5", Handler::AuthorizeMember),
    ("6", Handler::Notifications),
    ("7", Handler::SwitchAccount),
];

/// The menu of a member: inputs and their handlers, in display order. The tier is
/// `profile.member.memberTier`; without one, and before the login, the tier is 1. Every tier above
/// 2 has the menu of 2.
///
/// ```
/// use redis_state_vimbiso::menu;
///
/// let shown: Vec<String> =
///     menu(1).iter().map(|(typed, handler)| format!("{typed} {handler}")).collect();
/// assert_eq!(shown.first().map(String::as_str), Some("1 handle_action_offer_credex"));
/// assert_eq!((menu(None).len(), menu(2).len()), (5, 7));
/// ```
pub fn menu(tier: impl Into<Option<u64>>) -> &'static [(&'static str, Handler)] {
    if tier.into().is_some_and(|tier| tier >= 2) { TIER_2 } else { TIER_1 }
}

/// The handler of a user's input, by the member's tier as for [`menu`]; `None` for an unknown
/// choice. Surrounding whitespace is ignored.
///
/// ```
/// use redis_state_vimbiso::{Handler, menu_option};
///
/// assert_eq!(menu_option(None, "5"), Some(Handler::SwitchAccount));
/// assert_eq!(menu_option(2, " 5\n"), Some(Handler::AuthorizeMember));
/// assert_eq!(menu_option(1, "6"), None);
/// ```
pub fn menu_option(tier: impl Into<Option<u64>>, typed: &str) -> Option<Handler> {
    let typed = typed.trim();
    menu(tier).iter().find(|(choice, _)| *choice == typed).map(|(_, handler)| *handler)
}
