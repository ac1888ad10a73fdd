//! The audit stream beside a state: an ordinary Redis stream that the server writes on the caller's behalf.
//!
//! StreamAdd is called directly: it wakes XREAD BLOCK and consumer groups like XADD does, at half the price of calling
//! XADD through the server. The entry's ID and the length after trimming are replicated as they came out, since both
//! depend on this server's clock and configuration (invariant I4).

use redis_module::raw;
use redis_state_core::audit::{self, Entry};
use redis_state_core::decide::Recorded;

use super::api;
use super::config;
use super::ctx::{Ctx, OK};
use super::fields::Words;
use super::key::{Key, Kind};
use super::string::{OwnedString, RedisStr};
use crate::command::Refused;

/// A recovery looks at no more entries than this: there is a document in every 64 commits, or there will be none.
const RECORDED_MAX: usize = 10_000;

/// The audit stream of a key; it may not exist yet.
pub struct Trail {
    /// The key, open for writing once that is needed, until the command is over. Fields go in this order: a key is closed before
    /// its name is freed.
    key: Option<Key<'static>>,
    name: OwnedString,
}

/// An entry that was appended, with what a replica must know to have the same stream.
pub struct Appended {
    pub id: raw::RedisModuleStreamID,
    pub len: usize,
    /// When the stream expires; `None` for never.
    pub expires_at_ms: Option<i64>,
    pub words: Words,
}

impl Trail {
    /// The stream that belongs to `key`; `named` is what the command said behind AUDIT, which must be the same.
    pub fn of(key: &[u8], named: Option<RedisStr>) -> Result<Trail, Refused> {
        let name = audit::stream_key(key).ok_or(Refused::BadKey)?;
        if named.is_some_and(|named| *named != *name) {
            return Err(Refused::BadAuditKey(String::from_utf8_lossy(&name).into_owned()));
        }
        Ok(Trail { key: None, name: OwnedString::new(&name) })
    }

    pub fn name(&self) -> RedisStr<'_> {
        self.name.borrow()
    }

    fn key(&mut self, ctx: Ctx) -> &mut Key<'static> {
        // The name lives as long as the key, which is not handed out beyond it.
        self.key.get_or_insert_with(|| Key::open_write(ctx, RedisStr::new(self.name.as_ptr())))
    }

    pub fn is_missing(&self, ctx: Ctx) -> bool {
        Key::open_read(ctx, self.name()).kind() == Kind::Nothing
    }

    pub fn exists(&self, ctx: Ctx) -> bool {
        Key::open_read(ctx, self.name()).kind() == Kind::Stream
    }

    /// Refuses a key that holds anything but a stream.
    pub fn check(&mut self, ctx: Ctx) -> Result<(), Refused> {
        match self.key(ctx).kind() {
            Kind::Nothing | Kind::Stream => Ok(()),
            Kind::State | Kind::Other => {
                Err(Refused::AuditWrongType(String::from_utf8_lossy(&self.name()).into_owned()))
            }
        }
    }

    /// Appends an entry, trims the stream and moves its expiry. Nothing has changed when it fails, which happens only
    /// when the stream's last ID is the last possible one.
    pub fn append(&mut self, ctx: Ctx, entry: &Entry, now_ms: i64) -> Result<Appended, Refused> {
        let words = Words::of(entry);
        let key = self.key(ctx);
        #[cfg(feature = "faults")]
        let key = if super::faults::APPEND.is_due() {
            &mut Key::open_read(ctx, RedisStr::new(key.name().as_ptr()))
        } else {
            key
        };
        let Some(id) = add(key, None, words.as_ptrs()) else {
            return Err(Refused::AuditFull(String::from_utf8_lossy(&self.name()).into_owned()));
        };
        let len = trim(key, usize::try_from(config::AUDIT_MAXLEN.get()).unwrap_or(1), Trim::About);
        let expires_at_ms = now_ms.saturating_add(config::AUDIT_TTL_S.get().saturating_mul(1000));
        key.set_expiry(Some(expires_at_ms));
        ctx.signal_modified(self.name());
        super::info::AUDIT_ENTRIES.add();
        Ok(Appended { id, len, expires_at_ms: Some(expires_at_ms), words })
    }

    /// Deletes the stream.
    pub fn delete(&mut self, ctx: Ctx) {
        self.key(ctx).delete();
        ctx.signal_modified(self.name());
    }

    /// How many refusals, failed rungs of recoveries included, stand behind the last commit, counted up to `max`.
    pub fn rejects_since_commit(&self, ctx: Ctx, max: usize) -> usize {
        let key = Key::open_read(ctx, self.name());
        if key.kind() != Kind::Stream {
            return 0;
        }
        let mut entries = EntriesFromEnd::start(&key);
        let mut rejects = 0;
        while let Some(entry) = entries.next_entry().filter(|_| rejects < max) {
            let has = |wanted: &[u8]| entry.iter().any(|(name, _)| name == wanted);
            match entry.first().map(|(_, event)| event.as_slice()) {
                Some(b"reject" | b"recover") if has(b"error") => rejects += 1,
                // What made a version says what changed.
                _ if has(b"patch") => break,
                _ => {}
            }
        }
        rejects
    }

    /// The entries from the newest back to one that a document can be rebuilt from, newest first.
    pub fn recorded(&self, ctx: Ctx) -> Vec<Recorded> {
        let key = Key::open_read(ctx, self.name());
        let mut recorded = Vec::new();
        if key.kind() != Kind::Stream {
            return recorded;
        }
        let mut entries = EntriesFromEnd::start(&key);
        while let Some(entry) = entries.next_entry().filter(|_| recorded.len() < RECORDED_MAX) {
            let fields = entry.iter().map(|(name, value)| (name.as_slice(), value.as_slice()));
            recorded.push(Recorded::read(fields));
            if recorded.last().is_some_and(Recorded::is_start) {
                break;
            }
        }
        recorded
    }
}

/// Appends what a primary has appended. The caller has checked that the key is a stream or free.
pub fn apply(
    ctx: Ctx,
    name: RedisStr,
    id: (u64, u64),
    len: usize,
    expires_at_ms: i64,
    fields: &[RedisStr],
) -> bool {
    let mut key = Key::open_write(ctx, name);
    let id = raw::RedisModuleStreamID { ms: id.0, seq: id.1 };
    let fields: Vec<_> = fields.iter().map(|field| field.as_ptr()).collect();
    if add(&key, Some(id), &fields).is_none() {
        return false;
    }
    trim(&key, len, Trim::Exactly);
    key.set_expiry(Some(expires_at_ms));
    ctx.signal_modified(name);
    true
}

/// Appends names and values, with the next ID of the stream or a given one.
pub(super) fn add(
    key: &Key,
    id: Option<raw::RedisModuleStreamID>,
    fields: &[*mut raw::RedisModuleString],
) -> Option<raw::RedisModuleStreamID> {
    let flags = if id.is_none() { raw::REDISMODULE_STREAM_ADD_AUTOID } else { 0 };
    let mut id = id.unwrap_or(raw::RedisModuleStreamID { ms: 0, seq: 0 });
    let pairs = (fields.len() / 2) as i64;
    // SAFETY: R2, R3: the key is open for writing, there are `pairs` names and values; the server only reads the list, whatever its
    // header says.
    let added = unsafe {
        api!(RedisModule_StreamAdd(key.handle(), flags as i32, &mut id, fields.as_ptr().cast_mut(), pairs))
    };
    (added == OK).then_some(id)
}

#[derive(PartialEq, Eq)]
pub(super) enum Trim {
    /// Whole nodes only: a fifth of the cost of trimming exactly.
    About,
    Exactly,
}

/// Trims the stream to `len_max` entries; returns how many there are then.
pub(super) fn trim(key: &Key, len_max: usize, how: Trim) -> usize {
    /// Whether a node can go is told by the oldest one, which nothing else looks at: so it is asked about so many times while the
    /// stream grows by as much as it holds, and not at each entry.
    const ASKED_MIN: usize = 32;
    const STEP_MAX: usize = 16;
    let (flags, step) = match how {
        Trim::About => (raw::REDISMODULE_STREAM_TRIM_APPROX, (len_max / ASKED_MIN).clamp(1, STEP_MAX)),
        Trim::Exactly => (0, 1),
    };
    // SAFETY: R2: the key holds a stream and is open for writing.
    unsafe {
        let len = api!(RedisModule_ValueLength(key.handle()));
        if len <= len_max || !len.is_multiple_of(step) {
            return len;
        }
        api!(RedisModule_StreamTrimByLength(key.handle(), flags as i32, len_max as i64));
        api!(RedisModule_ValueLength(key.handle()))
    }
}

/// Walks a stream from its end. The first field of each entry is the event.
struct EntriesFromEnd<'a> {
    key: &'a Key<'a>,
}

impl<'a> EntriesFromEnd<'a> {
    fn start(key: &'a Key<'a>) -> Self {
        let flags = raw::REDISMODULE_STREAM_ITERATOR_REVERSE as i32;
        // SAFETY: R2: the key holds a stream; null stands for its ends.
        unsafe {
            api!(RedisModule_StreamIteratorStart(
                key.handle(),
                flags,
                std::ptr::null_mut(),
                std::ptr::null_mut()
            ))
        };
        EntriesFromEnd { key }
    }

    /// Names and values of the next entry. All of them, because going backwards the iterator steps from where it stands:
    /// unless it stands at the end of the entry, the server reads fields for IDs and stops itself.
    fn next_entry(&mut self) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
        let mut id = raw::RedisModuleStreamID { ms: 0, seq: 0 };
        let mut fields = 0;
        // SAFETY: R2: the iterator was started.
        let found =
            unsafe { api!(RedisModule_StreamIteratorNextID(self.key.handle(), &mut id, &mut fields)) } == OK;
        found.then(|| (0..fields).filter_map(|_| self.next_field()).collect())
    }

    fn next_field(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        let (mut name, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: R2: the iterator was started; the strings it returns are ours.
        let found =
            unsafe { api!(RedisModule_StreamIteratorNextField(self.key.handle(), &mut name, &mut value)) }
                == OK;
        let (name, value) = (OwnedString::from_raw(name), OwnedString::from_raw(value));
        let bytes = |string: Option<OwnedString>| Some(string?.borrow().to_vec());
        Some((bytes(name)?, bytes(value)?)).filter(|_| found)
    }
}

impl Drop for EntriesFromEnd<'_> {
    fn drop(&mut self) {
        // SAFETY: R2: started in `start`, stopped once.
        unsafe { api!(RedisModule_StreamIteratorStop(self.key.handle())) };
    }
}
