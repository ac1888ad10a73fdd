//! The ledger as the bot sees it: members, their accounts, and changes.
//!
//! A change carries an idempotency key. The same key again is the same change: the ledger makes it
//! once and answers again, so that a process can finish what another one began without knowing how
//! far that one came.
//!
//! The bot is written against the trait; [`MemoryLedger`] is one for a terminal and for tests,
//! [`HttpLedger`] one behind HTTP.

mod http;
mod memory;

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

    /// The member, their accounts and what is pending, as they are now.
    fn dashboard(&self, token: &Token) -> impl Future<Output = Result<Dashboard>> + Send;

    /// What went in and out of an account, the newest first.
    fn transactions(&self, token: &Token, account: &str) -> impl Future<Output = Result<Vec<Entry>>> + Send;

    /// Makes a change, and answers what the member has then.
    fn change(
        &self,
        token: &Token,
        change: &LedgerChange,
        key: &str,
    ) -> impl Future<Output = Result<Dashboard>> + Send;
}

/// A change that a member wants made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerChange {
    /// Offers an amount to another member.
    CreateOffer {
        /// The account that it goes from.
        account: String,
        /// How much, as in `12.50`.
        amount: String,
        /// The handle of that member, as in `tariro`.
        handle: String,
    },
    /// Answers an offer, or takes one back.
    Decide {
        /// Which one.
        offer: String,
        /// What is to become of it.
        decision: Decision,
    },
    /// Lifts the member to the next tier.
    Upgrade,
}

/// What is to become of an offer.
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

/// A member that is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The token for further calls.
    pub token: Token,
    /// What the member has.
    pub dashboard: Dashboard,
}

/// What a member sees of the ledger. It is stored as the state's `dashboard`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dashboard {
    /// The member.
    pub member: Member,
    /// Their accounts.
    #[serde(default)]
    pub accounts: Vec<Account>,
    /// Offers to them that wait for an answer.
    #[serde(default)]
    pub pending_in: Vec<Offer>,
    /// Offers of theirs that wait for one.
    #[serde(default)]
    pub pending_out: Vec<Offer>,
}

impl Dashboard {
    /// The account with this ID, else the first.
    pub fn account(&self, id: Option<&str>) -> Option<&Account> {
        let named = self.accounts.iter().find(|account| Some(account.id.as_str()) == id);
        named.or_else(|| self.accounts.first())
    }

    /// The offers that such a decision is about.
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
    /// What the ledger calls them.
    #[serde(rename = "memberID")]
    pub id: String,
    /// First name.
    pub firstname: String,
    /// Last name.
    pub lastname: String,
    /// Which menu they have; absent is 1.
    #[serde(default, rename = "memberTier", skip_serializing_if = "Option::is_none")]
    pub tier: Option<u64>,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What the ledger calls it.
    #[serde(rename = "accountID")]
    pub id: String,
    /// What its owner calls it.
    #[serde(rename = "accountName")]
    pub name: String,
    /// What is in it, as in `12.50`.
    pub balance: String,
}

/// An offer that waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// What the ledger calls it.
    #[serde(rename = "offerID")]
    pub id: String,
    /// How much.
    pub amount: String,
    /// The other member.
    pub handle: String,
}

/// Something that went in or out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// How much; what went out has a minus.
    pub amount: String,
    /// The other member.
    pub handle: String,
}

/// What a ledger answers.
pub type Result<T> = std::result::Result<T, LedgerError>;

/// Why a ledger did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The token is not, or no longer, accepted.
    #[error("the ledger does not accept the token")]
    TokenRefused,
    /// The ledger rejected the call and has changed nothing. The text is for the user, never for a
    /// log.
    #[error("the ledger refused")]
    Refused(String),
    /// The ledger gave no usable answer: whether it made the change is unknown until a call with
    /// the same key.
    #[error("the ledger is unavailable: {0}")]
    Unavailable(String),
}
