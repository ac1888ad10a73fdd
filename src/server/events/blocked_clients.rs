//! Blocked clients (STATE.WAIT): how they are blocked, and how they learn what no key signals.
//!
//! The server keeps the blocked clients of each key, and calls back when the key is signalled.
//! Three things are left to the module.
//!
//! The end of a key: from Redis 7.2 on a blocked client can ask for a call then. Redis 7.0 calls no
//! client of a key that does not exist. But the type's `unlink` reports every end: deleted,
//! expired, evicted, overwritten, renamed. It runs within a command that may create the
//! state again, and where a reply would cut that command's replication in two; so a timer looks
//! right after it.
//!
//! Another dataset: a full resynchronisation, a reload or a FLUSHALL signals no key. All blocked
//! clients are checked then.
//!
//! A crowd: one update would send three hundred clients that wait for a document of a megabyte 300
//! MB, while all others wait. So one turn of the event loop answers up to [`TURN_BYTES`]; the
//! others stay blocked until a timer signals the key again. Replies are written out meanwhile. They
//! can't be shared: the server copies each into the client's buffer.
//!
//! For the first two a ticket is kept for each client. Not by unblocking from STATE.DELETE alone:
//! most sessions end by their expiry.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::c_int;
use std::sync::{Mutex, PoisonError};

use crate::server::ffi::blocked_client::{Block, BlockedClient};
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::key::Key;
use crate::server::ffi::string::{OwnedString, RedisStr};
use crate::server::ffi::timer;
use crate::server::value::state_key::Kind;

/// Blocked clients are sent up to so many bytes of documents in one turn, and one document in any
/// case.
const TURN_BYTES: usize = 8 * 1024 * 1024;
/// So many of them are answered in one turn at most.
const TURN_CLIENTS: usize = 1024;
/// A turn begins so long after the one before.
const TURN_MS: i64 = 10;

/// A key of a database.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Place {
    database: c_int,
    key: Box<[u8]>,
}

/// By which a client is found again when it waits no longer.
#[derive(Clone)]
struct Ticket {
    place: Place,
    number: u64,
}

/// A client that the server keeps for us.
#[derive(Clone, Copy)]
struct Blocked {
    /// Valid until the ticket comes back.
    client: BlockedClient,
    /// Else it waits for a creation.
    knows_a_state: bool,
}

/// The blocked clients, in the order in which they came.
#[derive(Default)]
struct Waiting {
    clients: HashMap<Place, BTreeMap<u64, Blocked>>,
    next_number: u64,
    /// Where the timer has to look.
    doubtful: Vec<Place>,
    /// The answers of this turn.
    turn: Turn,
}

/// What blocked clients were sent since the turn began.
#[derive(Default)]
struct Turn {
    bytes: usize,
    clients: usize,
    /// Where clients were left out.
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

/// Blocks the caller. `wakes_on_delete`: it knows a state, and waits for the end of it too.
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

/// The client is gone from the server's books: answered, timed out or disconnected.
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

/// Called by the native type for every state that leaves its key, whatever comes in its place.
pub fn state_left(database: c_int, key: &[u8]) {
    doubt(|waiting| {
        let place = Place { database, key: key.into() };
        waiting.clients.contains_key(&place).then_some(place).into_iter().collect()
    });
}

/// Called when there is another dataset, or none, and no key was signalled.
pub fn dataset_changed() {
    doubt(|waiting| waiting.clients.keys().cloned().collect());
}

/// Makes the timer look at these places, if a client is blocked there.
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

/// Whether a client that is blocked on this key may be answered in this turn; if not, the next turn
/// calls it.
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

/// A blocked client was sent a document of so many bytes.
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

/// Calls those that were left out in the turn before.
fn begin_turn(ctx: Ctx) {
    let turn = with_waiting(|waiting| std::mem::take(&mut waiting.turn));
    look_at(ctx, turn.postponed);
}

/// Looks where a state may have ended.
fn look(ctx: Ctx) {
    let doubtful = with_waiting(|waiting| std::mem::take(&mut waiting.doubtful));
    look_at(ctx, doubtful);
}

/// Calls the clients of a place with a state. Where none is, clients that knew one are answered as
/// by a timeout.
fn look_at(ctx: Ctx, places: impl IntoIterator<Item = Place>) {
    for place in places {
        ctx.select(place.database);
        let name = OwnedString::of(&place.key);
        if Key::open_read(ctx, name.borrow()).kind() == Kind::State {
            ctx.signal_ready(name.borrow());
            continue;
        }
        // Their tickets have not come back: that happens in the event loop, not in here.
        with_waiting(|waiting| waiting.knowing(&place)).iter().for_each(BlockedClient::unblock);
    }
}

impl Waiting {
    /// The clients that know a state at this place.
    fn knowing(&self, place: &Place) -> Vec<BlockedClient> {
        let clients = self.clients.get(place).into_iter().flat_map(BTreeMap::values);
        clients.filter(|blocked| blocked.knows_a_state).map(|blocked| blocked.client).collect()
    }
}
