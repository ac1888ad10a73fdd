//! The inputs of each flow, and words that must be in the answers: the same in a terminal and over
//! WhatsApp.

/// An input, and words of its answer.
pub type Said = (&'static str, &'static [&'static str]);

pub const JOINS: &[Said] = &[
    ("hello", &["Welcome to VimbisoPay", "not a member yet", "Become a member"]),
    ("1", &["first name"]),
    ("Chipo", &["last name"]),
    ("Dube", &["You are a member now.", "Hello Chipo Dube.", "Personal: 100.00", "Make an offer"]),
];

/// A flow of a user that becomes a member first.
pub fn joined(flow: &[Said]) -> Vec<Said> {
    JOINS.iter().chain(flow).copied().collect()
}

/// All flows, each for another user.
pub fn all() -> Vec<Vec<Said>> {
    let of_members = [OFFER, ACCEPTED, DECLINED, MENUS, BACK];
    of_members.into_iter().map(joined).chain([NEWCOMER.to_vec()]).collect()
}

/// An invalid name is asked for again.
pub const NEWCOMER: &[Said] = &[
    ("hello", &["Become a member"]),
    ("Chipo", &["tap", "Become a member"]),
    ("become a member", &["first name"]),
    ("123", &["send a name"]),
    ("Chipo", &["last name"]),
    ("back", &["first name"]),
    ("Chipo", &["last name"]),
    ("Dube", &["Hello Chipo Dube."]),
];

/// An offer with amount, handle and confirmation, and its cancellation.
pub const OFFER: &[Said] = &[
    ("1", &["How much", "5 USD"]),
    ("many", &["above zero"]),
    ("5 CAD", &["in USD or ZWG"]),
    ("12.50", &["handle"]),
    ("nemo", &["No member has the handle nemo.", "Send their handle"]),
    ("@Tariro", &["You offer 12.50 USD to tariro (Tariro Moyo)"]),
    ("perhaps", &["yes or no"]),
    ("yes", &["Your offer of 12.50 USD to tariro is made.", "Hello Chipo"]),
    ("3", &["12.50 USD to tariro", "Back"]),
    ("3", &["number of an offer"]),
    ("1", &["cancel the offer of 12.50 USD to tariro", "Yes", "No"]),
    ("no", &["Nothing was changed.", "Hello Chipo"]),
    ("your offers", &["12.50 USD to tariro"]),
    ("12.50 usd to tariro", &["cancel the offer"]),
    ("1", &["Your offer is cancelled."]),
    ("3", &["There are no offers."]),
    ("back", &["Hello Chipo"]),
];

/// An offer to the user is accepted, and shows in the ledger.
pub const ACCEPTED: &[Said] = &[
    ("4", &["Nothing went in or out"]),
    ("ok", &["Hello Chipo"]),
    ("2", &["accept?", "5.00 USD from tariro", "Decline one instead"]),
    ("1", &["accept the offer of 5.00 USD from tariro"]),
    ("yes", &["The offer is accepted.", "Personal: 105.00"]),
    ("4", &["5.00 USD tariro"]),
    ("ok", &["Hello Chipo"]),
];

/// An offer is declined, by the other list.
pub const DECLINED: &[Said] = &[
    ("2", &["want to accept?"]),
    ("decline", &["want to decline?", "5.00 USD from tariro", "Accept one instead"]),
    ("2", &["want to accept?"]),
    ("decline one instead", &["want to decline?"]),
    ("1", &["decline the offer"]),
    ("back", &["want to decline?", "5.00 USD from tariro"]),
    ("1", &["decline the offer"]),
    ("yes", &["The offer is declined.", "Personal: 100.00"]),
    ("2", &["There are no offers."]),
];

/// Both menus; another account, and the next tier.
pub const MENUS: &[Said] = &[
    ("7", &["not on your menu", "Go on to tier 2"]),
    ("5", &["Personal: 100.00", "Business: 0.00"]),
    ("4", &["number of an account"]),
    ("2", &["another account", "Business: 0.00"]),
    ("6", &["tier 2?"]),
    ("no", &["Nothing was changed."]),
    ("6", &["tier 2?"]),
    ("yes", &["You are in tier 2 now.", "Authorize a member", "Use another account"]),
    ("5", &["not open on this channel"]),
    ("7", &["Personal: 100.00"]),
    ("1", &["Personal: 100.00"]),
];

/// "back" goes one step back in a form, then to the menu; "menu" goes there at once.
pub const BACK: &[Said] = &[
    ("back", &["You are at the menu."]),
    ("1", &["How much"]),
    ("10", &["handle"]),
    ("tariro", &["You offer 10 USD to tariro"]),
    ("back", &["handle"]),
    ("back", &["How much"]),
    ("ZWG 20", &["handle"]),
    ("rudo", &["You offer 20 ZWG to rudo"]),
    ("back", &["handle"]),
    ("menu", &["Hello Chipo"]),
    ("1", &["How much"]),
    ("back", &["Hello Chipo"]),
];
