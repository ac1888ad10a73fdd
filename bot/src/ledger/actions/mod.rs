//! A ledger behind an API whose every reply has an action and a dashboard, such as the Credex API.
//!
//! [`ActionApi`] makes the calls; [`ActionLedger`] reads the replies, so that the bot needs neither
//! addresses nor shapes. A reply is `{"data": {"action", "dashboard"}}`:
//!
//! | part | what is read |
//! |---|---|
//! | `action.type` | a type that begins with `ERROR` is a rejection, `ERROR_NOT_FOUND` no member |
//! | `action.details` | `reason` of a rejection, `token`, `accountHandle` and `accountName` |
//! | `dashboard.member` | `memberID`, `memberTier`, `firstname`, `lastname`, `defaultDenom` |
//! | `dashboard.accounts` | `accountID`, `accountName`, `balanceData.securedNetBalancesByDenom` |
//! | their pending offers | `credexID`, `formattedInitialAmount`, `counterpartyAccountName` |
//!
//! Pending offers are `pendingInData` and `pendingOutData`.
//! Other members are ignored. `action.details` is not stored, because it may have a token.

mod reply;

use redis_state_vimbiso::channel::Token;
use serde_json::Value;

use super::{Counterparty, Dashboard, Entry, Ledger, LedgerChange, LedgerError, Result, Session};
use reply::Reply;

/// A call of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiCall<'a> {
    /// Logs in the member of a channel.
    Login {
        /// The channel, such as `+263771234567`.
        channel_id: &'a str,
    },
    /// Makes the user of a channel a member.
    Onboard {
        /// The channel, such as `+263771234567`.
        channel_id: &'a str,
        /// First name.
        firstname: &'a str,
        /// Last name.
        lastname: &'a str,
        /// The idempotency key.
        key: &'a str,
    },
    /// Asks for the dashboard.
    Dashboard,
    /// Asks for the account with a handle.
    Account {
        /// The handle, such as `tariro`.
        handle: &'a str,
    },
    /// Makes a change.
    Change {
        /// The change.
        change: &'a LedgerChange,
        /// The idempotency key.
        key: &'a str,
    },
}

/// Makes the calls of an API whose replies have an action and a dashboard.
///
/// An API without idempotency keys can't tell a repeated call from a second one: after a lost reply
/// the bot repeats the call.
pub trait ActionApi: Clone + Send + Sync + 'static {
    /// Makes a call. Returns the body of the reply, also of a reply whose action is an error.
    ///
    /// Errors: a rejected token, and no usable reply.
    fn call(&self, call: ApiCall<'_>, token: Option<&Token>) -> impl Future<Output = Result<Value>> + Send;

    /// The entries of an account, the newest first.
    fn transactions(&self, token: &Token, account: &str) -> impl Future<Output = Result<Vec<Entry>>> + Send;
}

/// The ledger behind an [`ActionApi`].
#[derive(Clone, Debug)]
pub struct ActionLedger<A> {
    api: A,
}

impl<A: ActionApi> ActionLedger<A> {
    /// The ledger behind this API.
    pub fn new(api: A) -> ActionLedger<A> {
        ActionLedger { api }
    }

    async fn reply(&self, call: ApiCall<'_>, token: Option<&Token>) -> Result<Reply> {
        Reply::read(self.api.call(call, token).await?)
    }

    /// The dashboard of a reply; a reply without one needs another call.
    async fn dashboard_of(&self, reply: Reply, token: &Token) -> Result<Dashboard> {
        match reply.accepted()?.dashboard() {
            Some(dashboard) => Ok(dashboard),
            None => self.dashboard(token).await,
        }
    }

    async fn session_of(&self, reply: Reply) -> Result<Session> {
        let reply = reply.accepted()?;
        let token = reply.token().ok_or_else(|| unusable("no token"))?;
        let dashboard = self.dashboard_of(reply, &token).await?;
        Ok(Session { token, dashboard })
    }
}

impl<A: ActionApi> Ledger for ActionLedger<A> {
    async fn login(&self, channel_id: &str) -> Result<Option<Session>> {
        let reply = self.reply(ApiCall::Login { channel_id }, None).await?;
        if reply.is_not_found() {
            return Ok(None);
        }
        self.session_of(reply).await.map(Some)
    }

    async fn renew(&self, channel_id: &str) -> Result<Token> {
        let reply = self.reply(ApiCall::Login { channel_id }, None).await?.accepted()?;
        reply.token().ok_or_else(|| unusable("no token"))
    }

    async fn onboard(&self, channel_id: &str, firstname: &str, lastname: &str, key: &str) -> Result<Session> {
        let call = ApiCall::Onboard { channel_id, firstname, lastname, key };
        self.session_of(self.reply(call, None).await?).await
    }

    async fn dashboard(&self, token: &Token) -> Result<Dashboard> {
        let reply = self.reply(ApiCall::Dashboard, Some(token)).await?.accepted()?;
        reply.dashboard().ok_or_else(|| unusable("no dashboard"))
    }

    async fn find(&self, token: &Token, handle: &str) -> Result<Option<Counterparty>> {
        let reply = self.reply(ApiCall::Account { handle }, Some(token)).await?;
        if reply.is_not_found() {
            return Ok(None);
        }
        Ok(Some(reply.accepted()?.counterparty(handle)))
    }

    async fn transactions(&self, token: &Token, account: &str) -> Result<Vec<Entry>> {
        self.api.transactions(token, account).await
    }

    async fn change(&self, token: &Token, change: &LedgerChange, key: &str) -> Result<Dashboard> {
        let reply = self.reply(ApiCall::Change { change, key }, Some(token)).await?;
        self.dashboard_of(reply, token).await
    }
}

fn unusable(why: &str) -> LedgerError {
    LedgerError::Unavailable(format!("its reply has {why}"))
}
