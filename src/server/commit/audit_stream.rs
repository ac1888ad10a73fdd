//! The audit stream of a state: an ordinary Redis stream that the server writes on the caller's
//! behalf. The entry's ID and the length after trimming replicate with the values that this server
//! chose, since both depend on its clock and configuration (invariant I4).

use redis_state_core::KEY_BYTES_MAX;
use redis_state_core::audit::{self, Entry};
use redis_state_core::decide::RebuildEntry;

use crate::error::Error;
use crate::server::commit::reject_counts;
use crate::server::commit::stream_entry::EntryStrings;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::key::Key;
use crate::server::ffi::named_key::NamedKey;
use crate::server::ffi::stream::{StreamId, Trim};
use crate::server::ffi::string::RedisStr;
use crate::server::global::config;
use crate::server::global::counters;
use crate::server::value::state_key::Kind;

/// Maximum number of entries that a recovery reads. One commit in 64 carries a document, so further
/// entries would not help.
const ENTRIES_MAX: usize = 10_000;

/// The audit stream of a key; it may not exist yet.
pub struct AuditStream {
    /// Opened for writing on first use, until the command ends. `None` while audit is off, for a
    /// key that can have no stream in its own slot.
    key: Option<NamedKey>,
    /// Whether a command opens it. A timer or an event must not make the key look used.
    from_command: bool,
}

/// An entry that was appended, with what a replica must know to have the same stream.
pub struct Appended {
    pub id: StreamId,
    pub len: usize,
    /// When the stream expires; `None` for never.
    pub expires_at_ms: Option<i64>,
    pub strings: EntryStrings,
}

impl AuditStream {
    /// As [`AuditStream::of`], for a command that writes a state: its key may not be longer than a
    /// state's.
    pub fn of_state(key: &[u8], named: Option<RedisStr>) -> Result<AuditStream, Error> {
        check_key(key)?;
        AuditStream::of(key, named)
    }

    /// The stream that belongs to `key`; `named` is the value of AUDIT, which must be the same
    /// name. A key that can have no stream is rejected while audit is on.
    pub fn of(key: &[u8], named: Option<RedisStr>) -> Result<AuditStream, Error> {
        let Some(name) = audit::stream_key(key) else {
            return match named {
                None if !config::AUDIT.is_on() => Ok(AuditStream { key: None, from_command: true }),
                _ => Err(Error::BadKey),
            };
        };
        if named.is_some_and(|named| *named != *name) {
            return Err(Error::BadAuditKey(String::from_utf8_lossy(&name).into_owned()));
        }
        Ok(AuditStream { key: Some(NamedKey::new(&name)), from_command: true })
    }

    /// The same, for the server itself: a timer or an event.
    pub fn for_server(self) -> AuditStream {
        AuditStream { from_command: false, ..self }
    }

    pub fn name(&self) -> Option<RedisStr<'_>> {
        self.key.as_ref().map(NamedKey::name)
    }

    /// The name as an error shows it.
    pub fn shown(&self) -> String {
        self.name().map_or_else(String::new, |name| String::from_utf8_lossy(&name).into_owned())
    }

    fn key(&mut self, ctx: Ctx) -> Option<&mut Key<'static>> {
        let open = if self.from_command { Key::open_write } else { Key::open_for_server };
        Some(self.key.as_mut()?.open(|name| open(ctx, name)))
    }

    /// Calls `look` with the key, through the handle that is already open: a second handle may
    /// invalidate what the first points to.
    fn look<T: Default>(&self, ctx: Ctx, look: impl FnOnce(&Key) -> T) -> T {
        let open = if self.from_command { Key::open_read } else { Key::open_for_server };
        match &self.key {
            None => T::default(),
            Some(named) => match named.opened() {
                Some(key) => look(key),
                None => look(&open(ctx, named.name())),
            },
        }
    }

    pub fn is_missing(&self, ctx: Ctx) -> bool {
        self.look(ctx, |key| key.kind() == Kind::Nothing)
    }

    pub fn exists(&self, ctx: Ctx) -> bool {
        self.look(ctx, |key| key.kind() == Kind::Stream)
    }

    /// The stream's key, if `name` is the stream.
    pub fn key_named(&mut self, ctx: Ctx, name: RedisStr) -> Option<&mut Key<'static>> {
        if self.name().is_some_and(|own| *own == *name) { self.key(ctx) } else { None }
    }

    /// Rejects a key that holds another type.
    pub fn check(&mut self, ctx: Ctx) -> Result<(), Error> {
        match self.key(ctx).map(|key| key.kind()) {
            None | Some(Kind::Nothing | Kind::Stream) => Ok(()),
            Some(Kind::State | Kind::Other) => Err(Error::AuditWrongType(self.shown())),
        }
    }

    /// Appends an entry, trims the stream and moves its expiry. It fails only when the stream's
    /// last ID is the highest possible one; then nothing has changed.
    pub fn append(&mut self, ctx: Ctx, entry: &Entry, now_ms: i64) -> Result<Appended, Error> {
        let strings = EntryStrings::of(entry);
        let Some(key) = self.key(ctx) else { return Err(Error::BadKey) };
        #[cfg(feature = "faults")]
        let key = if crate::server::ffi::faults::APPEND.is_due() {
            &mut Key::open_read(ctx, key.name())
        } else {
            key
        };
        let Some(id) = key.add(None, strings.as_slice()) else {
            return Err(Error::AuditFull(self.shown()));
        };
        let len = key.trim(usize::try_from(config::AUDIT_MAXLEN.get()).unwrap_or(1), Trim::About);
        let expires_at_ms = now_ms.saturating_add(config::AUDIT_TTL_S.get().saturating_mul(1000));
        key.set_expiry(Some(expires_at_ms));
        ctx.signal_modified(key.name());
        counters::AUDIT_ENTRIES.add();
        Ok(Appended { id, len, expires_at_ms: Some(expires_at_ms), strings })
    }

    /// Deletes the stream, if there is one.
    pub fn delete(&mut self, ctx: Ctx) {
        if let Some(key) = self.key(ctx) {
            key.delete();
            ctx.signal_modified(key.name());
        }
    }

    /// Number of rejections since the last commit, failed rungs of recoveries included. Above
    /// `max`, the number is a lower bound.
    pub fn rejects_since_commit(&self, ctx: Ctx, max: usize) -> usize {
        self.look(ctx, |key| {
            let mut rejects = 0;
            let Some(mut entries) = key.entries_from_end() else { return rejects };
            let Some(mut next) = entries.next_id() else { return rejects };
            if let Some(known) = self.known_at(ctx, next.0) {
                return known;
            }
            for _ in 0..reject_counts::WALKED_MAX {
                let entry = entries.fields(next.1);
                let has = |wanted: &[u8]| entry.iter().any(|(name, _)| name == wanted);
                match entry.first().map(|(_, event)| event.as_slice()) {
                    Some(b"reject" | b"recover") if has(b"error") => rejects += 1,
                    // The entry of a commit has a patch.
                    _ if has(b"patch") => return rejects,
                    _ => {}
                }
                match entries.next_id().filter(|_| rejects <= max) {
                    Some(found) => next = found,
                    None => return rejects,
                }
            }
            if rejects > reject_counts::WALKED_MAX / 2 { usize::MAX } else { rejects }
        })
    }

    /// The cached number of rejections, if `newest` was the newest entry then.
    fn known_at(&self, ctx: Ctx, newest: StreamId) -> Option<usize> {
        reject_counts::known(ctx.database(), &self.name()?, newest)
    }

    /// Caches the number of rejections with an entry that was appended; `before` is the number
    /// without it.
    pub fn count_rejects(&self, ctx: Ctx, before: Option<usize>, entry: &Entry, appended: &Appended) {
        let Some(name) = self.name() else { return };
        // A stream that is deleted and created again within a millisecond may give out the same ID.
        let Some(before) = before else { return reject_counts::forget(ctx.database(), &name) };
        let rejects = before.saturating_add(usize::from(reject_counts::is_reject(entry)));
        reject_counts::cache(ctx.database(), &name, appended.id, rejects);
    }

    /// The cached number of rejections; `None` if it is not cached, or `entry` is a commit.
    pub fn known_rejects(&self, ctx: Ctx, entry: &Entry) -> Option<usize> {
        if reject_counts::is_empty() || reject_counts::is_commit(entry) {
            return None;
        }
        let newest = self.look(ctx, |key| Some(key.entries_from_end()?.next_id()?.0))?;
        self.known_at(ctx, newest)
    }

    /// The entries from the newest back to one from which a document can be rebuilt, newest first.
    pub fn rebuild_entries(&self, ctx: Ctx) -> Vec<RebuildEntry> {
        self.look(ctx, |key| {
            let mut read = Vec::new();
            let Some(mut entries) = key.entries_from_end() else { return read };
            while let Some(entry) = entries.next_entry().filter(|_| read.len() < ENTRIES_MAX) {
                let fields = entry.iter().map(|(name, value)| (name.as_slice(), value.as_slice()));
                read.push(RebuildEntry::read(fields));
                if read.last().is_some_and(RebuildEntry::is_start) {
                    break;
                }
            }
            read
        })
    }
}

/// Rejects a key that is too long for a state.
pub fn check_key(key: &[u8]) -> Result<(), Error> {
    if key.len() > KEY_BYTES_MAX { Err(Error::LongKey { bytes: key.len() }) } else { Ok(()) }
}

/// Appends an entry as the primary did; the caller has checked that the key holds a stream or
/// nothing.
pub fn apply(
    ctx: Ctx,
    mut key: Key,
    id: StreamId,
    len: usize,
    expires_at_ms: i64,
    fields: &[RedisStr],
) -> bool {
    let fields: Vec<_> = fields.iter().map(|field| field.raw()).collect();
    if key.add(Some(id), &fields).is_none() {
        return false;
    }
    key.trim(len, Trim::Exactly);
    key.set_expiry(Some(expires_at_ms));
    ctx.signal_modified(key.name());
    true
}
