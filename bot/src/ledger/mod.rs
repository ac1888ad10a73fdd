//! The ledger's interface: members, their accounts, and changes.
//!
//! A change has an idempotency key. The same key names the same change: the ledger makes it once
//! and repeats its reply, so a process can complete the work of another without knowing how far
//! that came.
//!
//! The bot is written against the trait; [`MemoryLedger`] serves the terminal and tests,
//! [`HttpLedger`] calls one over HTTP, and [`ActionLedger`] adapts an API whose replies have an
//! action and a dashboard.

mod actions;
mod http;
mod memory;

pub use actions::{ActionApi, ActionLedger, ApiCall};
pub use http::HttpLedger;
pub use memory::{Failure, MemoryLedger};

use redis_state_vimbiso::channel::Token;
use serde::{Deserialize, Serialize};

/// A ledger. Clones are handles to the same one.
pub trait Ledger: Clone + Send + Sync + 'static {
    /// The member of this channel; `None` for a new user, to be [onboarded](Ledger::onboard).
    fn login(&self, channel_id: &str) -> impl Future<Output = Result<Option<Session>>> + Send;

    /// A new token for a member.
    fn renew(&self, channel_id: &str) -> impl Future<Output = Result<Token>> + Send;

    /// Makes the user of this channel a member.
    fn onboard(
        &self,
        channel_id: &str,
        firstname: &str,
        lastname: &str,
        key: &str,
    ) -> impl Future<Output = Result<Session>> + Send;

    /// The member, their accounts and pending offers.
    fn dashboard(&self, token: &Token) -> impl Future<Output = Result<Dashboard>> + Send;

    /// The member with this handle; `None` if there is none. A rejection says why there can be no
    /// offer to that member.
    fn find(&self, token: &Token, handle: &str) -> impl Future<Output = Result<Option<Counterparty>>> + Send;

    /// The entries of an account, the newest first.
    fn transactions(&self, token: &Token, account: &str) -> impl Future<Output = Result<Vec<Entry>>> + Send;

    /// Makes a change, and returns the new dashboard.
    fn change(
        &self,
        token: &Token,
        change: &LedgerChange,
        key: &str,
    ) -> impl Future<Output = Result<Dashboard>> + Send;
}

/// A change that a member requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerChange {
    /// Offers an amount to another member.
    CreateOffer {
        /// The source account.
        account: String,
        /// The amount, such as `12.50`.
        amount: String,
        /// Its denomination, such as `USD`; `None` for a ledger without denominations.
        denomination: Option<String>,
        /// The handle of that member, such as `tariro`.
        handle: String,
    },
    /// Decides about an offer.
    Decide {
        /// The offer's ID.
        offer: String,
        /// The decision.
        decision: Decision,
    },
    /// Lifts the member to the next tier.
    Upgrade,
}

/// A decision about an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Accepts the offer of another member.
    Accept,
    /// Declines the offer of another member.
    Decline,
    /// Cancels the member's own offer.
    Cancel,
}

impl Decision {
    /// The word, which is also the path of its steps.
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Accept => "accept",
            Decision::Decline => "decline",
            Decision::Cancel => "cancel",
        }
    }

    /// The decision with this word.
    pub fn of(word: &str) -> Option<Decision> {
        [Decision::Accept, Decision::Decline, Decision::Cancel].into_iter().find(|one| one.as_str() == word)
    }
}

/// A logged-in member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The token for further calls.
    pub token: Token,
    /// The member's dashboard.
    pub dashboard: Dashboard,
}

/// A member's view of the ledger. It is stored as the state's `dashboard`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dashboard {
    /// The member.
    pub member: Member,
    /// The member's accounts.
    #[serde(default)]
    pub accounts: Vec<Account>,
    /// Pending offers to the member.
    #[serde(default)]
    pub pending_in: Vec<Offer>,
    /// Pending offers of the member.
    #[serde(default)]
    pub pending_out: Vec<Offer>,
    /// The denominations of amounts, such as `USD`, the default one first. Empty for a ledger
    /// without denominations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denominations: Vec<String>,
}

impl Dashboard {
    /// The account with this ID, else the first.
    pub fn account(&self, id: Option<&str>) -> Option<&Account> {
        let named = self.accounts.iter().find(|account| Some(account.id.as_str()) == id);
        named.or_else(|| self.accounts.first())
    }

    /// The offers that this decision applies to.
    pub fn pending(&self, decision: Decision) -> &[Offer] {
        match decision {
            Decision::Accept | Decision::Decline => &self.pending_in,
            Decision::Cancel => &self.pending_out,
        }
    }
}

/// A member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The ledger's ID of the member.
    #[serde(rename = "memberID")]
    pub id: String,
    /// First name.
    pub firstname: String,
    /// Last name.
    pub lastname: String,
    /// The tier of the menu; missing means 1.
    #[serde(default, rename = "memberTier", skip_serializing_if = "Option::is_none")]
    pub tier: Option<u64>,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The ledger's ID of the account.
    #[serde(rename = "accountID")]
    pub id: String,
    /// The owner's name of the account.
    #[serde(rename = "accountName")]
    pub name: String,
    /// The balance as it is shown, such as `12.50 USD, 100.00 ZWG`.
    pub balance: String,
}

/// A pending offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The ledger's ID of the offer.
    #[serde(rename = "offerID")]
    pub id: String,
    /// The amount as it is shown, such as `12.50 USD`.
    pub amount: String,
    /// The other member.
    pub handle: String,
}

/// A member to whose handle an offer can be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counterparty {
    /// The handle as the ledger writes it.
    pub handle: String,
    /// The name, by which the user recognizes the member.
    #[serde(default)]
    pub name: String,
}

/// An entry of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The amount as it is shown; negative for an outgoing one.
    pub amount: String,
    /// The other member.
    pub handle: String,
}

/// The result of a call of the ledger.
pub type Result<T> = std::result::Result<T, LedgerError>;

/// Why a call of the ledger failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The token is not accepted, or no longer.
    #[error("the ledger does not accept the token")]
    TokenRefused,
    /// The ledger rejected the call and has changed nothing. The text is for the user, never for a
    /// log.
    #[error("the ledger rejected the call")]
    Rejected(String),
    /// No usable reply: whether the change was made is unknown until a call with the same key.
    #[error("the ledger is unavailable: {0}")]
    Unavailable(String),
}
