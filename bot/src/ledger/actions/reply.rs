//! A reply of the API, and what the bot reads of it.

use redis_state_vimbiso::channel::Token;
use serde::Deserialize;
use serde_json::Value;

use super::unusable;
use crate::ledger::{Account, Counterparty, Dashboard, LedgerError, Member, Offer, Result};

#[derive(Deserialize)]
struct Body {
    data: Reply,
}

/// The `data` of a reply. Without `Debug`, because the details may have a token.
#[derive(Deserialize)]
pub(super) struct Reply {
    action: Action,
    #[serde(default)]
    dashboard: Option<Board>,
}

#[derive(Deserialize)]
struct Action {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    details: Value,
}

#[derive(Debug, Deserialize)]
struct Board {
    member: BoardMember,
    #[serde(default)]
    accounts: Vec<BoardAccount>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BoardMember {
    #[serde(rename = "memberID")]
    id: String,
    firstname: String,
    lastname: String,
    #[serde(default)]
    member_tier: Value,
    #[serde(default)]
    default_denom: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BoardAccount {
    #[serde(rename = "accountID")]
    id: String,
    account_name: String,
    #[serde(default)]
    balance_data: Balances,
    #[serde(default)]
    pending_in_data: Vec<Pending>,
    #[serde(default)]
    pending_out_data: Vec<Pending>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Balances {
    /// Amounts with their denominations, such as `99.50 USD`.
    #[serde(default)]
    secured_net_balances_by_denom: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pending {
    #[serde(rename = "credexID")]
    id: String,
    formatted_initial_amount: String,
    counterparty_account_name: String,
}

impl Reply {
    /// Errors: a reply of another shape. The error quotes nothing of it.
    pub(super) fn read(body: Value) -> Result<Reply> {
        let body: Body = serde_json::from_value(body).map_err(|_| unusable("another shape"))?;
        Ok(body.data)
    }

    /// There is no such member or account.
    pub(super) fn is_not_found(&self) -> bool {
        self.action.kind == "ERROR_NOT_FOUND"
    }

    /// The reply, unless its action is an error.
    pub(super) fn accepted(self) -> Result<Reply> {
        if !self.action.kind.starts_with("ERROR") {
            return Ok(self);
        }
        let reason = self.detail("reason").unwrap_or("The service has rejected that.");
        Err(LedgerError::Rejected(reason.to_owned()))
    }

    pub(super) fn token(&self) -> Option<Token> {
        self.detail("token").map(Token::new)
    }

    /// The account that was found; the handle as the user typed it if the reply has none.
    pub(super) fn counterparty(&self, typed: &str) -> Counterparty {
        let detail = |name| self.detail(name).map(str::to_owned);
        Counterparty {
            handle: detail("accountHandle").unwrap_or_else(|| typed.to_owned()),
            name: detail("accountName").unwrap_or_default(),
        }
    }

    pub(super) fn dashboard(&self) -> Option<Dashboard> {
        let Board { member, accounts } = self.dashboard.as_ref()?;
        Some(Dashboard {
            member: Member {
                id: member.id.clone(),
                firstname: member.firstname.clone(),
                lastname: member.lastname.clone(),
                tier: tier(&member.member_tier),
            },
            accounts: accounts.iter().map(account).collect(),
            pending_in: offers(accounts, |account| &account.pending_in_data),
            pending_out: offers(accounts, |account| &account.pending_out_data),
            denominations: denominations(member.default_denom.as_ref(), accounts),
        })
    }

    fn detail(&self, name: &str) -> Option<&str> {
        self.action.details.get(name)?.as_str().filter(|text| !text.is_empty())
    }
}

/// A number, or the halves of one, as drivers of some databases write it.
fn tier(tier: &Value) -> Option<u64> {
    tier.as_u64().or_else(|| tier.get("low")?.as_u64())
}

fn account(account: &BoardAccount) -> Account {
    let balances = &account.balance_data.secured_net_balances_by_denom;
    let balance = if balances.is_empty() { "0.00".to_owned() } else { balances.join(", ") };
    Account { id: account.id.clone(), name: account.account_name.clone(), balance }
}

/// The offers of all accounts, each once: an offer may be listed with more than one.
fn offers(accounts: &[BoardAccount], of: impl Fn(&BoardAccount) -> &Vec<Pending>) -> Vec<Offer> {
    let mut offers: Vec<Offer> = Vec::new();
    for pending in accounts.iter().flat_map(of) {
        if offers.iter().all(|offer| offer.id != pending.id) {
            offers.push(Offer {
                id: pending.id.clone(),
                amount: pending.formatted_initial_amount.clone(),
                handle: pending.counterparty_account_name.clone(),
            });
        }
    }
    offers
}

/// The member's default, and those of the balances.
fn denominations(default: Option<&String>, accounts: &[BoardAccount]) -> Vec<String> {
    let balances = accounts.iter().flat_map(|account| &account.balance_data.secured_net_balances_by_denom);
    let of_balances = balances.filter_map(|balance| Some(balance.rsplit_once(' ')?.1.to_owned()));
    let mut known: Vec<String> = Vec::new();
    for denomination in default.cloned().into_iter().chain(of_balances) {
        if !known.contains(&denomination) {
            known.push(denomination);
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reply(action: Value, dashboard: Value) -> Reply {
        Reply::read(json!({"data": {"action": action, "dashboard": dashboard}})).expect("a reply")
    }

    /// A member with two accounts, which list the same offers.
    fn board() -> Value {
        let pending = |id: &str, amount: &str| {
            json!({
                "credexID": id, "formattedInitialAmount": amount,
                "counterpartyAccountName": "Rudo", "secured": true,
            })
        };
        let account = |id: &str, name: &str, balances: &[&str]| {
            json!({
                "accountID": id, "accountName": name, "accountHandle": "h263770000009",
                "accountType": "PERSONAL", "defaultDenom": "USD", "isOwnedAccount": true,
                "balanceData": {"securedNetBalancesByDenom": balances, "netCredexAssetsInDefaultDenom": "99.50 USD"},
                "pendingInData": [pending("in-0", "5.00 USD"), pending("in-1", "6.00 USD")],
                "pendingOutData": [pending("out-0", "7.00 USD")],
            })
        };
        json!({
            "member": {
                "memberID": "m-0009", "memberTier": 5, "firstname": "Tariro", "lastname": "Moyo",
                "memberHandle": "h263770000009", "defaultDenom": "USD", "remainingAvailableUSD": 10.0,
            },
            "accounts": [
                account("a-0009-0", "Tariro Moyo Personal", &["99.50 USD", "1000.00 ZWG"]),
                account("a-0009-1", "Tariro Moyo 1", &[]),
            ],
        })
    }

    #[test]
    fn dashboard_of_the_api_is_read() {
        let action = json!({"id": "c8", "type": "MEMBER_LOGIN", "details": {"token": "a.b.c"}});
        let reply = reply(action, board()).accepted().expect("no error");
        assert_eq!(reply.token().map(|token| token.as_str().to_owned()).as_deref(), Some("a.b.c"));
        let dashboard = reply.dashboard().expect("a dashboard");
        assert_eq!((dashboard.member.id.as_str(), dashboard.member.tier), ("m-0009", Some(5)));
        let balances: Vec<&str> = dashboard.accounts.iter().map(|account| account.balance.as_str()).collect();
        assert_eq!(balances, ["99.50 USD, 1000.00 ZWG", "0.00"]);
        let ids = |offers: &[Offer]| offers.iter().map(|offer| offer.id.clone()).collect::<Vec<_>>();
        assert_eq!(
            (ids(&dashboard.pending_in), ids(&dashboard.pending_out)),
            (vec!["in-0".to_owned(), "in-1".to_owned()], vec!["out-0".to_owned()],)
        );
        assert_eq!(dashboard.pending_in[1].amount, "6.00 USD");
        assert_eq!(dashboard.denominations, ["USD", "ZWG"]);
    }

    #[test]
    fn error_of_the_api_is_a_rejection_with_its_reason() {
        let error = |kind: &str| json!({"type": kind, "details": {"reason": "not a member"}});
        assert!(reply(error("ERROR_NOT_FOUND"), Value::Null).is_not_found());
        let rejected = reply(error("ERROR_INVALID"), Value::Null);
        assert!(!rejected.is_not_found());
        assert_eq!(rejected.accepted().err(), Some(LedgerError::Rejected("not a member".to_owned())));
    }

    #[test]
    fn found_account_is_read() {
        let details = json!({"accountID": "a-rudo", "accountName": "Rudo", "accountHandle": "rudo"});
        let found =
            reply(json!({"type": "ACCOUNT_FOUND", "details": details}), Value::Null).counterparty("@Rudo");
        assert_eq!(found, Counterparty { handle: "rudo".to_owned(), name: "Rudo".to_owned() });
    }

    #[test]
    fn other_shape_is_an_error_that_quotes_nothing() {
        for body in [json!(null), json!({"data": {}}), json!({"data": {"action": {"type": 7}}})] {
            let error = Reply::read(body).err();
            assert_eq!(error, Some(LedgerError::Unavailable("its reply has another shape".to_owned())));
        }
        assert_eq!(tier(&json!({"low": 2, "high": 0})), Some(2));
        assert_eq!(tier(&Value::Null), None);
    }
}
