//! The data of the ledger in memory: members, offers and changes. Amounts are whole cents, so that
//! nothing is rounded.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use redis_state_vimbiso::channel::Token;

use super::Failure;
use crate::ledger::{
    Account, Counterparty, Dashboard, Decision, Entry, LedgerChange, LedgerError, Member, Offer, Result,
    Session,
};

/// The denominations, the default one first.
const DENOMINATIONS: [&str; 2] = ["USD", "ZWG"];

/// Whole cents by denomination.
type Cents = [i64; DENOMINATIONS.len()];

/// The balance of a new member.
const CENTS_AT_FIRST: Cents = [10_000, 100_000];

#[derive(Debug, Default)]
pub(super) struct Books {
    members: BTreeMap<String, Row>,
    offers: BTreeMap<u64, Pending>,
    pub(super) tokens: BTreeMap<String, String>,
    pub(super) done: BTreeSet<String>,
    pub(super) calls: Vec<(String, String)>,
    pub(super) failures: VecDeque<Failure>,
    serial: u64,
}

#[derive(Debug)]
struct Row {
    member: Member,
    /// Account name to cents; offers go to the first account.
    accounts: Vec<(&'static str, Cents)>,
    /// The account, the amount and the other member's handle, the newest first.
    entries: Vec<(usize, Money, String)>,
}

#[derive(Clone, Debug)]
struct Pending {
    from: String,
    account: usize,
    to: String,
    money: Money,
}

/// An amount of a denomination, which is an index.
#[derive(Clone, Copy, Debug)]
struct Money {
    cents: i64,
    denomination: usize,
}

impl Books {
    fn next(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub(super) fn join(&mut self, channel: &str, firstname: &str, lastname: &str) {
        let id = format!("member-{}", self.next());
        let (firstname, lastname) = (firstname.to_owned(), lastname.to_owned());
        let member = Member { id, firstname, lastname, tier: Some(1) };
        let accounts = vec![("Personal", CENTS_AT_FIRST), ("Business", Cents::default())];
        self.members.insert(channel.to_owned(), Row { member, accounts, entries: Vec::new() });
    }

    /// The first offer to a new member, by `tariro`.
    pub(super) fn welcome(&mut self, channel: &str) {
        let giver = self.members.keys().find(|giver| self.handle(giver) == "tariro").cloned();
        if let Some(from) = giver.filter(|giver| giver != channel) {
            let id = self.next();
            let money = Money { cents: 500, denomination: 0 };
            self.offers.insert(id, Pending { from, account: 0, to: channel.to_owned(), money });
        }
    }

    /// The entries of an account.
    pub(super) fn entries(&self, channel: &str, account: &str) -> Result<Vec<Entry>> {
        let index = self.account(channel, account)?;
        let entries = self.members.get(channel).map(|row| row.entries.as_slice()).unwrap_or_default();
        let of_account = entries.iter().filter(|(account, ..)| *account == index);
        Ok(of_account
            .map(|(_, money, handle)| Entry { amount: money.to_string(), handle: handle.clone() })
            .collect())
    }

    /// The member with a handle, for an offer of this one.
    pub(super) fn find(&self, channel: &str, handle: &str) -> Result<Option<Counterparty>> {
        let found = self.members.keys().find(|to| self.handle(to) == handle.to_lowercase());
        if found.is_some_and(|to| to == channel) {
            return Err(rejected("You can't make yourself an offer."));
        }
        let named = found.and_then(|to| self.members.get(to)).map(|row| &row.member);
        Ok(named.map(|member| Counterparty {
            handle: member.firstname.to_lowercase(),
            name: format!("{} {}", member.firstname, member.lastname),
        }))
    }

    fn handle(&self, channel: &str) -> String {
        self.members.get(channel).map(|row| row.member.firstname.to_lowercase()).unwrap_or_default()
    }

    pub(super) fn knows(&self, channel: &str) -> bool {
        self.members.contains_key(channel)
    }

    pub(super) fn session(&mut self, channel: &str) -> Session {
        let text = format!("token-{}", self.next());
        self.tokens.insert(text.clone(), channel.to_owned());
        Session { token: Token::new(text), dashboard: self.dashboard(channel) }
    }

    pub(super) fn whose(&self, token: &Token) -> Result<String> {
        self.tokens.get(token.as_str()).cloned().ok_or(LedgerError::TokenRefused)
    }

    pub(super) fn dashboard(&self, channel: &str) -> Dashboard {
        let Some(row) = self.members.get(channel) else { return Dashboard::default() };
        let account = |(index, (name, cents)): (usize, &(&str, Cents))| Account {
            id: account_id(&row.member, index),
            name: (*name).to_owned(),
            balance: balance(cents),
        };
        let offer = |id: &u64, money: Money, other: &str| Offer {
            id: id.to_string(),
            amount: money.to_string(),
            handle: self.handle(other),
        };
        let to_them = self.offers.iter().filter(|(_, pending)| pending.to == channel);
        let theirs = self.offers.iter().filter(|(_, pending)| pending.from == channel);
        Dashboard {
            member: row.member.clone(),
            accounts: row.accounts.iter().enumerate().map(account).collect(),
            pending_in: to_them.map(|(id, pending)| offer(id, pending.money, &pending.from)).collect(),
            pending_out: theirs.map(|(id, pending)| offer(id, pending.money, &pending.to)).collect(),
            denominations: DENOMINATIONS.map(str::to_owned).to_vec(),
        }
    }

    /// Makes a change once for each key, and fails as configured by a test.
    pub(super) fn once(
        &mut self,
        name: &str,
        key: &str,
        make: impl FnOnce(&mut Books) -> Result<()>,
    ) -> Result<()> {
        self.calls.push((name.to_owned(), key.to_owned()));
        let failure = self.failures.pop_front();
        match failure {
            Some(Failure::Rejected(text)) => return Err(LedgerError::Rejected(text.to_owned())),
            Some(Failure::Before) => return Err(LedgerError::Unavailable("a test made it fail".to_owned())),
            Some(Failure::After) | None => {}
        }
        if !self.done.contains(key) {
            make(self)?;
            self.done.insert(key.to_owned());
        }
        match failure {
            Some(_) => Err(LedgerError::Unavailable("its answer is lost".to_owned())),
            None => Ok(()),
        }
    }

    pub(super) fn make(&mut self, channel: &str, change: &LedgerChange) -> Result<()> {
        match change {
            LedgerChange::CreateOffer { account, amount, denomination, handle } => {
                let to = self.members.keys().find(|to| self.handle(to) == handle.to_lowercase()).cloned();
                let to = to.ok_or_else(|| rejected(format!("No member has the handle {handle}.")))?;
                if to == channel {
                    return Err(rejected("You can't make yourself an offer."));
                }
                let money = Money::of(amount, denomination.as_deref())?;
                let account = self.account(channel, account)?;
                let held = self.members.get(channel).and_then(|row| row.accounts.get(account));
                if held.is_none_or(|(_, held)| held.get(money.denomination) < Some(&money.cents)) {
                    return Err(rejected("There is not enough in the account."));
                }
                let id = self.next();
                self.offers.insert(id, Pending { from: channel.to_owned(), account, to, money });
            }
            LedgerChange::Decide { offer, decision } => self.decide(channel, offer, *decision)?,
            LedgerChange::Upgrade => {
                if let Some(row) = self.members.get_mut(channel) {
                    row.member.tier = Some(2);
                }
            }
        }
        Ok(())
    }

    fn account(&self, channel: &str, id: &str) -> Result<usize> {
        let row = self.members.get(channel);
        let index = row.and_then(|row| (0..row.accounts.len()).find(|n| account_id(&row.member, *n) == id));
        index.ok_or_else(|| rejected("There is no such account."))
    }

    fn decide(&mut self, channel: &str, offer: &str, decision: Decision) -> Result<()> {
        let id = offer.parse().unwrap_or_default();
        let found = self.offers.get(&id).cloned();
        let theirs = |pending: &Pending| match decision {
            Decision::Accept | Decision::Decline => pending.to == channel,
            Decision::Cancel => pending.from == channel,
        };
        let pending = found.filter(theirs).ok_or_else(|| rejected("That offer is no longer open."))?;
        if decision == Decision::Accept {
            let (giver, taker) = (self.handle(&pending.from), self.handle(&pending.to));
            let given = Money { cents: -pending.money.cents, ..pending.money };
            let sides =
                [(&pending.from, pending.account, given, taker), (&pending.to, 0, pending.money, giver)];
            for (channel, account, money, other) in sides {
                let Some(row) = self.members.get_mut(channel) else { continue };
                let accounts = row.accounts.get_mut(account);
                if let Some(held) = accounts.and_then(|(_, held)| held.get_mut(money.denomination)) {
                    *held += money.cents;
                }
                row.entries.insert(0, (account, money, other));
            }
        }
        self.offers.remove(&id);
        Ok(())
    }
}

fn account_id(member: &Member, index: usize) -> String {
    format!("{}-{}", member.id, index + 1)
}

pub(super) fn rejected(text: impl Into<String>) -> LedgerError {
    LedgerError::Rejected(text.into())
}

impl Money {
    fn of(amount: &str, denomination: Option<&str>) -> Result<Money> {
        let wanted = denomination.unwrap_or(DENOMINATIONS[0]);
        let index = DENOMINATIONS.iter().position(|known| *known == wanted);
        let denomination = index.ok_or_else(|| rejected(format!("The ledger has no {wanted}.")))?;
        Ok(Money { cents: cents(amount)?, denomination })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, cents) = (if self.cents < 0 { "-" } else { "" }, self.cents.unsigned_abs());
        let denomination = DENOMINATIONS.get(self.denomination).copied().unwrap_or_default();
        write!(f, "{sign}{}.{:02} {denomination}", cents / 100, cents % 100)
    }
}

/// The balances that are not zero, else that of the default denomination.
fn balance(cents: &Cents) -> String {
    let all = cents.iter().enumerate().map(|(denomination, cents)| Money { cents: *cents, denomination });
    let shown =
        all.filter(|money| money.cents != 0 || (money.denomination == 0 && *cents == Cents::default()));
    shown.map(|money| money.to_string()).collect::<Vec<_>>().join(", ")
}

fn cents(amount: &str) -> Result<i64> {
    let (whole, part) = amount.split_once('.').unwrap_or((amount, ""));
    let padded = format!("{whole}{part:0<2}");
    padded.parse().map_err(|_| rejected("That is no amount."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_convert_to_and_from_cents() {
        for (text, number) in [("5", 500), ("12.5", 1250), ("0.01", 1)] {
            assert_eq!(cents(text), Ok(number), "{text}");
        }
        let shown = |cents, denomination| Money { cents, denomination }.to_string();
        assert_eq!([shown(1250, 0), shown(-1, 1), shown(0, 0)], ["12.50 USD", "-0.01 ZWG", "0.00 USD"]);
        assert_eq!(balance(&[1250, 100]), "12.50 USD, 1.00 ZWG");
        assert_eq!((balance(&[0, 100]), balance(&[0, 0])), ("1.00 ZWG".to_owned(), "0.00 USD".to_owned()));
    }
}
