//! Blocked clients (STATE.WAIT): how the module blocks and unblocks them.
//!
//! The server keeps the blocked clients of each key, and calls back when the key is signalled. The
//! module handles three cases itself.
//!
//! When a key is deleted or expires: since Redis 7.2 the server calls the clients blocked on it, if
//! they asked. Redis 7.0 does not call clients of a key that does not exist. But the type's
//! `unlink` callback runs whenever a state leaves its key: by deletion, expiry, eviction,
//! overwriting or RENAME. It runs within a command that may create the state again, and where a
//! reply would split the replication of that command. So a timer checks the key right after the
//! command.
//!
//! Another dataset: a full resynchronisation, a reload or a FLUSHALL signals no key. The module
//! then checks all blocked clients.
//!
//! Many clients: one update could send 300 MB to 300 blocked clients and block all others. So one
//! turn of the event loop answers up to [`TURN_BYTES`]; the other clients stay blocked until a
//! timer signals the key again. The server writes the replies out between turns. Replies can't be
//! shared: the server copies each into the client's buffer.
//!
//! The first two cases need a ticket for each client. Not unblocking from STATE.DELETE alone: most
//! sessions expire.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::c_int;
use std::sync::{Mutex, PoisonError};

use crate::server::ffi::blocked_client::{Block, BlockedClient};
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::key::Key;
use crate::server::ffi::string::{OwnedString, RedisStr};
use crate::server::ffi::timer;
use crate::server::value::state_key::Kind;

/// Maximum bytes of documents sent in one turn. One document is always sent.
const TURN_BYTES: usize = 8 * 1024 * 1024;
/// Maximum number of clients answered in one turn.
const TURN_CLIENTS: usize = 1024;
/// Interval between turns.
const TURN_MS: i64 = 10;

/// A key of a database.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Place {
    database: c_int,
    key: Box<[u8]>,
}

/// Identifies a blocked client when the server unblocks it.
#[derive(Clone)]
struct Ticket {
    place: Place,
    number: u64,
}

/// A client that the server blocks for the module.
#[derive(Clone, Copy)]
struct Blocked {
    /// Valid until the server returns the ticket.
    client: BlockedClient,
    /// Whether it knows a state; otherwise it waits for a creation.
    knows_a_state: bool,
}

/// The blocked clients of each key, in the order of their commands.
#[derive(Default)]
struct Waiting {
    clients: HashMap<Place, BTreeMap<u64, Blocked>>,
    next_number: u64,
    /// The keys that the timer checks.
    doubtful: Vec<Place>,
    /// What this turn has sent.
    turn: Turn,
}

/// Documents sent since the turn began.
#[derive(Default)]
struct Turn {
    bytes: usize,
    clients: usize,
    /// The keys with clients that the next turn answers.
    postponed: HashSet<Place>,
}

impl Turn {
    fn has_room(&self) -> bool {
        self.bytes < TURN_BYTES && self.clients < TURN_CLIENTS
    }
}

static WAITING: Mutex<Option<Waiting>> = Mutex::new(None);

fn with_waiting<T>(look: impl FnOnce(&mut Waiting) -> T) -> T {
    let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
    look(waiting.get_or_insert_default())
}

/// Blocks the caller. `wakes_on_delete`: it knows a state, so a deletion unblocks it too.
pub fn block(ctx: Ctx, block: Block) {
    timer::lasting_ctx(ctx);
    let ticket = Ticket::draw(ctx.database(), block.key.bytes());
    let Ticket { place, number } = ticket.clone();
    let knows_a_state = block.wakes_on_delete;
    let client = block.start(ctx, move || take_back(&ticket));
    let blocked = Blocked { client, knows_a_state };
    with_waiting(|waiting| waiting.clients.entry(place).or_default().insert(number, blocked));
}

impl Ticket {
    fn draw(database: c_int, key: &[u8]) -> Ticket {
        let number = with_waiting(|waiting| {
            waiting.next_number += 1;
            waiting.next_number
        });
        Ticket { place: Place { database, key: key.into() }, number }
    }
}

/// The server no longer blocks the client: it was answered, timed out or disconnected.
fn take_back(ticket: &Ticket) {
    with_waiting(|waiting| {
        if let Some(clients) = waiting.clients.get_mut(&ticket.place) {
            clients.remove(&ticket.number);
            if clients.is_empty() {
                waiting.clients.remove(&ticket.place);
            }
        }
    });
}

/// Called by the native type when a state leaves its key, even if another value replaces it.
pub fn state_left(database: c_int, key: &[u8]) {
    doubt(|waiting| {
        let place = Place { database, key: key.into() };
        waiting.clients.contains_key(&place).then_some(place).into_iter().collect()
    });
}

/// Called when the dataset was replaced or flushed, which signals no key.
pub fn dataset_changed() {
    doubt(|waiting| waiting.clients.keys().cloned().collect());
}

/// Makes the timer check these keys, if a client is blocked on one.
fn doubt(places: impl FnOnce(&Waiting) -> Vec<Place>) {
    let sets_timer = with_waiting(|waiting| {
        if waiting.clients.is_empty() {
            return false;
        }
        let places = places(waiting);
        let is_first = waiting.doubtful.is_empty() && !places.is_empty();
        waiting.doubtful.extend(places);
        is_first
    });
    if let Some(ctx) = timer::known_lasting_ctx().filter(|_| sets_timer) {
        timer::start(ctx, 0, look);
    }
}

/// Whether this turn may answer a client blocked on this key. If not, the next turn does.
pub fn has_room(ctx: Ctx, key: RedisStr) -> bool {
    with_waiting(|waiting| {
        if waiting.turn.has_room() {
            return true;
        }
        let place = Place { database: ctx.database(), key: key.bytes().into() };
        waiting.turn.postponed.insert(place);
        false
    })
}

/// Counts a document of `bytes` bytes that was sent to a blocked client.
pub fn answered(ctx: Ctx, bytes: usize) {
    let begins = with_waiting(|waiting| {
        let turn = &mut waiting.turn;
        turn.bytes = turn.bytes.saturating_add(bytes);
        turn.clients += 1;
        turn.clients == 1
    });
    if begins {
        timer::start(timer::lasting_ctx(ctx), TURN_MS, begin_turn);
    }
}

/// Signals the keys with clients that the last turn did not answer.
fn begin_turn(ctx: Ctx) {
    let turn = with_waiting(|waiting| std::mem::take(&mut waiting.turn));
    look_at(ctx, turn.postponed);
}

/// Checks the keys whose state may be deleted.
fn look(ctx: Ctx) {
    let doubtful = with_waiting(|waiting| std::mem::take(&mut waiting.doubtful));
    look_at(ctx, doubtful);
}

/// Signals the key if it holds a state. Otherwise unblocks the clients that expected one; they get
/// nil.
fn look_at(ctx: Ctx, places: impl IntoIterator<Item = Place>) {
    for place in places {
        ctx.select(place.database);
        let name = OwnedString::of(&place.key);
        if Key::open_read(ctx, name.borrow()).kind() == Kind::State {
            ctx.signal_ready(name.borrow());
            continue;
        }
        // These clients are still blocked: only the event loop unblocks them.
        with_waiting(|waiting| waiting.knowing(&place)).iter().for_each(BlockedClient::unblock);
    }
}

impl Waiting {
    /// The clients blocked on this key that know a state.
    fn knowing(&self, place: &Place) -> Vec<BlockedClient> {
        let clients = self.clients.get(place).into_iter().flat_map(BTreeMap::values);
        clients.filter(|blocked| blocked.knows_a_state).map(|blocked| blocked.client).collect()
    }
}
