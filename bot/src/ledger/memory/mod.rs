//! A ledger in memory, for the terminal and for tests, in USD and ZWG. A new member can make offers
//! to `tariro` and `rudo`, and gets an offer of `tariro`, so that every list has an entry.
//!
//! It records the calls for tests, and can fail before or after a change, or expire all tokens.

mod books;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis_state_vimbiso::channel::Token;

use super::{Counterparty, Dashboard, Entry, Ledger, LedgerChange, Result, Session};
use books::{Books, rejected};

/// How the next call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A rejection, with this text for the user.
    Rejected(&'static str),
    /// The ledger can't be reached, and nothing has changed.
    Before,
    /// The change is made, and the reply is lost.
    After,
}

/// The ledger.
#[derive(Clone, Debug, Default)]
pub struct MemoryLedger {
    books: Arc<Mutex<Books>>,
}

impl MemoryLedger {
    /// A ledger with two members, `tariro` and `rudo`.
    pub fn new() -> MemoryLedger {
        let ledger = MemoryLedger::default();
        for (channel, firstname, lastname) in
            [("+263770000001", "Tariro", "Moyo"), ("+263770000002", "Rudo", "Ncube")]
        {
            ledger.books().join(channel, firstname, lastname);
        }
        ledger
    }

    /// Makes the next changing calls fail, one for each failure, in this order.
    pub fn fail(&self, failures: impl IntoIterator<Item = Failure>) {
        self.books().failures.extend(failures);
    }

    /// Expires all issued tokens.
    pub fn expire_tokens(&self) {
        self.books().tokens.clear();
    }

    /// The requested changes, with their keys, repetitions included.
    pub fn calls(&self) -> Vec<(String, String)> {
        self.books().calls.clone()
    }

    /// The number of changes made, each counted once.
    pub fn changes(&self) -> usize {
        self.books().done.len()
    }

    /// The dashboard of the member on this channel.
    pub fn of(&self, channel_id: &str) -> Option<Dashboard> {
        let books = self.books();
        books.knows(channel_id).then(|| books.dashboard(channel_id))
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // The data stay usable after a test's panic.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger for MemoryLedger {
    async fn login(&self, channel_id: &str) -> Result<Option<Session>> {
        let mut books = self.books();
        Ok(books.knows(channel_id).then(|| books.session(channel_id)))
    }

    async fn renew(&self, channel_id: &str) -> Result<Token> {
        let mut books = self.books();
        if !books.knows(channel_id) {
            return Err(rejected("You are not a member."));
        }
        Ok(books.session(channel_id).token)
    }

    async fn onboard(&self, channel_id: &str, firstname: &str, lastname: &str, key: &str) -> Result<Session> {
        let mut books = self.books();
        books.once("onboard", key, |books| {
            books.join(channel_id, firstname, lastname);
            books.welcome(channel_id);
            Ok(())
        })?;
        Ok(books.session(channel_id))
    }

    async fn dashboard(&self, token: &Token) -> Result<Dashboard> {
        let books = self.books();
        Ok(books.dashboard(&books.whose(token)?))
    }

    async fn find(&self, token: &Token, handle: &str) -> Result<Option<Counterparty>> {
        let books = self.books();
        let channel = books.whose(token)?;
        books.find(&channel, handle)
    }

    async fn transactions(&self, token: &Token, account: &str) -> Result<Vec<Entry>> {
        let books = self.books();
        let channel = books.whose(token)?;
        books.entries(&channel, account)
    }

    async fn change(&self, token: &Token, change: &LedgerChange, key: &str) -> Result<Dashboard> {
        let mut books = self.books();
        let channel = books.whose(token)?;
        let name = match change {
            LedgerChange::CreateOffer { .. } => "create_offer",
            LedgerChange::Decide { decision, .. } => decision.as_str(),
            LedgerChange::Upgrade => "upgrade",
        };
        books.once(name, key, |books| books.make(&channel, change))?;
        Ok(books.dashboard(&channel))
    }
}
