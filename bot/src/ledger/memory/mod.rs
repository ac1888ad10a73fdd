//! A ledger in memory, for a terminal and for tests. A new member can offer to `tariro` and `rudo`,
//! and `tariro` makes them an offer to begin with, so that every list has something in it.
//!
//! It keeps what a test wants to know, the calls, and does what a test wants to see: fail before or
//! after it has made a change, and let all tokens expire.

mod books;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis_state_vimbiso::channel::Token;

use super::{Dashboard, Entry, Ledger, LedgerChange, Result, Session};
use books::{Books, refused};

/// How the next call is to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The ledger says no, with this text for the user.
    Refused(&'static str),
    /// It can't be reached, and nothing has happened.
    Before,
    /// It makes the change, and its answer is lost.
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

    /// Makes the next calls that change something fail, one each, in this order.
    pub fn fail(&self, failures: impl IntoIterator<Item = Failure>) {
        self.books().failures.extend(failures);
    }

    /// Lets all tokens expire that are out.
    pub fn expire_tokens(&self) {
        self.books().tokens.clear();
    }

    /// The changes it was asked for: what, and with which key. Repetitions count.
    pub fn calls(&self) -> Vec<(String, String)> {
        self.books().calls.clone()
    }

    /// The changes it has made, each once.
    pub fn changes(&self) -> usize {
        self.books().done.len()
    }

    /// What the member on this channel has.
    pub fn of(&self, channel_id: &str) -> Option<Dashboard> {
        let books = self.books();
        books.knows(channel_id).then(|| books.dashboard(channel_id))
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // A test that panics while it holds the books has nothing to lose any more.
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
            return Err(refused("You are not a member."));
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
