//! The documents that the bot in production stores, one for each step and shape, in the order of
//! its conversations. The people, numbers and tokens are invented.

use serde_json::{Map, Value, json};

/// In place of each token.
pub const TOKEN: &str = "eyJhbGciOi.c2VjcmV0";

/// The documents of one user, each stored after the one before.
pub struct Conversation {
    pub number: String,
    pub documents: Vec<Value>,
    /// The document to store next.
    next: Map<String, Value>,
}

impl Conversation {
    /// The user writes `hi`, and the bot greets.
    fn begin(user: u8) -> Conversation {
        let number = format!("+2637712345{user:02}");
        let mut begun = Conversation { number, documents: Vec::new(), next: Map::new() };
        begun.first_contact();
        begun.at("login/Greeting", json!({}), typed("hi"));
        begun.at("login/LoginApiCall", json!({}), typed("hi"));
        begun
    }

    fn first_contact(&mut self) {
        self.set("channel", json!({"type": "whatsapp", "identifier": self.number}));
        self.set("mock_testing", json!(false));
        self.store();
        self.set("component_data", json!({"incoming_message": typed("hi")}));
        self.store();
    }

    /// A login of a member with accounts, up to their dashboard.
    fn login(user: u8, tier: u8, accounts: usize) -> Conversation {
        let mut member = Conversation::begin(user);
        member.set("dashboard", dashboard(user, tier, accounts, true));
        member.set("action", action("MEMBER_LOGIN", json!({"token": TOKEN, "memberID": id("mem", user, 0)})));
        member.set("auth", json!({"token": TOKEN}));
        member.store();
        if accounts == 1 {
            member.set("active_account_id", json!(id("acc", user, 0)));
            member.store();
            member.at("account/AccountDashboard", json!({}), typed("hi"));
        }
        member
    }

    fn set(&mut self, name: &str, value: Value) {
        self.next.insert(name.to_owned(), value);
    }

    fn store(&mut self) {
        self.documents.push(Value::Object(self.next.clone()));
    }

    /// Stores the present document at another step.
    fn at(&mut self, step: &str, data: Value, message: Value) {
        let (path, component) = step.split_once('/').expect("path/component");
        let step = json!({
            "path": path, "component": component, "data": data, "component_result": null,
            "awaiting_input": false, "incoming_message": message,
        });
        self.set("component_data", step);
        self.store();
    }
}

/// All conversations: a newcomer, and members with offers, an upgrade or several accounts.
pub fn conversations() -> Vec<Conversation> {
    let mut all = vec![newcomer(), ledger(), upgrade(), several_accounts(), interrupted()];
    all.extend(["accept_offer", "decline_offer", "cancel_offer"].into_iter().zip(5..).map(answer));
    all
}

/// Becomes a member, makes an offer, and greets again.
fn newcomer() -> Conversation {
    let mut user = Conversation::begin(0);
    user.set("action", action("ERROR_NOT_FOUND", json!({"reason": "not a member"})));
    user.store();
    user.at("onboard/Welcome", json!({}), typed("hi"));
    user.at("onboard/FirstNameInput", json!({}), button("become_member"));
    user.at("onboard/LastNameInput", json!({"firstname": "Tariro"}), typed("Tariro"));
    let names = json!({"firstname": "Tariro", "lastname": "Moyo"});
    user.at("onboard/ProcessingNow", names.clone(), typed("Moyo"));
    user.at("onboard/OnBoardMemberApiCall", names.clone(), typed("Moyo"));
    user.set("action", action("MEMBER_ONBOARDED", json!({"token": TOKEN})));
    user.set("dashboard", dashboard(0, 1, 1, false));
    user.set("auth", json!({"token": TOKEN}));
    user.store();
    user.set("active_account_id", json!(id("acc", 0, 0)));
    user.store();
    user.at("account/AccountDashboard", names.clone(), typed("Moyo"));
    user.at("offer_secured/AmountInput", names.clone(), row("offer_secured"));
    let offer = |more: Value| {
        let mut data = names.clone();
        let members = data.as_object_mut().expect("an object");
        members.extend([("amount".to_owned(), json!("2.5")), ("denom".to_owned(), json!("USD"))]);
        members.extend(more.as_object().expect("an object").clone());
        data
    };
    user.at("offer_secured/HandleInput", offer(json!({})), typed("2.50"));
    user.at("offer_secured/ValidateAccountApiCall", offer(json!({"handle": "rufaro"})), typed("rufaro"));
    let found = json!({"accountID": "acc_91c2", "accountName": "Rudo", "accountHandle": "rudo"});
    user.set("action", action("ACCOUNT_FOUND", found));
    // The confirmation has the data before it as data again.
    let before = offer(json!({"handle": null}));
    user.at(
        "offer_secured/ConfirmOfferSecured",
        offer(json!({"handle": "rudo", "data": before})),
        typed("rudo"),
    );
    let confirmed = offer(json!({"handle": "rudo", "data": before, "confirmed": true}));
    user.at("offer_secured/ProcessingNow", confirmed.clone(), button("confirm"));
    user.at("offer_secured/CreateCredexApiCall", confirmed, button("confirm"));
    // A greeting clears the conversation first.
    user.next = Map::new();
    user.store();
    user.first_contact();
    user.at("login/Greeting", json!({}), typed("hi"));
    user
}

/// Answers the first of two offers, or cancels one of their own.
fn answer((flow, number): (&str, u8)) -> Conversation {
    let mut user = Conversation::login(number, 1, 1);
    let offer = if flow == "cancel_offer" { "out_0" } else { "in_0" };
    user.at(&format!("{flow}/OfferListDisplay"), json!({}), row(flow));
    user.at(&format!("{flow}/ProcessingNow"), json!({"credex_id": offer}), row(offer));
    user.at(&format!("{flow}/ProcessOfferApiCall"), json!({"credex_id": offer}), row(offer));
    user
}

fn ledger() -> Conversation {
    let mut user = Conversation::login(1, 1, 1);
    user.at("view_ledger/ProcessingNow", json!({}), row("view_ledger"));
    user
}

fn upgrade() -> Conversation {
    let mut user = Conversation::login(2, 1, 1);
    user.at("upgrade_membertier/ConfirmUpgrade", json!({}), row("upgrade_membertier"));
    let data = json!({"confirmed": true, "member_id": id("mem", 2, 0), "account_id": id("acc", 2, 0)});
    user.at("upgrade_membertier/ProcessingNow", data.clone(), button("confirm"));
    user.at("upgrade_membertier/UpgradeMembertierApiCall", data, button("confirm"));
    user
}

fn several_accounts() -> Conversation {
    let mut user = Conversation::login(3, 5, 3);
    user.at("multi_account/MultiAccountDashboard", json!({}), typed("hi"));
    let second = id("acc", 3, 1);
    user.at("multi_account/MultiAccountDashboard", json!({}), row(&second));
    user.set("active_account_id", json!(second));
    user.next["component_data"]["awaiting_input"] = json!(true);
    user.store();
    user
}

/// A call of the API that needs a login: the bot stores where to continue, and greets.
fn interrupted() -> Conversation {
    let mut user = Conversation::login(4, 1, 1);
    user.set("auth", json!({"return_url": "https://api.example/createCredex"}));
    user.store();
    user.at("login/Greeting", json!({}), row("offer_secured"));
    user.next["component_data"]["component_result"] = json!("");
    user.store();
    user
}

fn typed(body: &str) -> Value {
    json!({"type": "text", "text": {"body": body}})
}

fn button(id: &str) -> Value {
    let button = json!({"id": id, "title": id, "type": "reply"});
    json!({"type": "interactive", "text": {"interactive_type": "button", "button": button}})
}

fn row(id: &str) -> Value {
    let row = json!({"id": id, "title": id, "description": "5.00 USD"});
    json!({"type": "interactive", "text": {"interactive_type": "list", "list_reply": row}})
}

fn action(kind: &str, details: Value) -> Value {
    json!({
        "id": "9f0c1d8e-5f3a-4a51-8e07-1b2c3d4e5f60", "type": kind, "timestamp": "2026-11-21T04:50:54.530Z",
        "actor": "mem_49d4", "details": details,
    })
}

fn id(kind: &str, user: u8, number: usize) -> String {
    format!("{kind}_{user:02}_{number}")
}

fn dashboard(user: u8, tier: u8, accounts: usize, with_offers: bool) -> Value {
    let accounts: Vec<Value> = (0..accounts).map(|number| account(user, number, with_offers)).collect();
    json!({
        "member": {
            "memberID": id("mem", user, 0), "memberTier": tier, "firstname": "Tariro", "lastname": "Moyo",
            "memberHandle": id("tariro", user, 0), "defaultDenom": "USD", "remainingAvailableUSD": 10.0,
        },
        "accounts": accounts,
    })
}

pub fn account(user: u8, number: usize, with_offers: bool) -> Value {
    let member = id("mem", user, 0);
    let offer = |id: &str, amount: &str| {
        json!({
            "credexID": id, "formattedInitialAmount": amount, "counterpartyAccountName": "Rudo", "secured": true,
        })
    };
    let (incoming, outgoing) = match with_offers {
        true => {
            (vec![offer("in_0", "5.00 USD"), offer("in_1", "5.00 USD")], vec![offer("out_0", "7.00 USD")])
        }
        false => (vec![], vec![]),
    };
    json!({
        "accountID": id("acc", user, number), "accountName": format!("Tariro Moyo {number}"),
        "accountHandle": id("tariro", user, number),
        "accountType": if number == 0 { "PERSONAL" } else { "BUSINESS" },
        "defaultDenom": "USD", "isOwnedAccount": true,
        "authFor": [{"firstname": "Tariro", "lastname": "Moyo", "memberID": member}],
        "sendOffersTo": {"firstname": "Tariro", "memberID": member},
        "balanceData": {
            "securedNetBalancesByDenom": ["99.50 USD", "1000.00 ZWG"],
            "unsecuredBalancesInDefaultDenom": {
                "totalPayables": "0.00 USD", "totalReceivables": "0.00 USD", "netPayRec": "0.00 USD",
            },
            "netCredexAssetsInDefaultDenom": "99.50 USD",
        },
        "pendingInData": incoming, "pendingOutData": outgoing,
    })
}
