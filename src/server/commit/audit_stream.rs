//! The audit stream of a state: an ordinary Redis stream that the server writes on the caller's
//! behalf. The entry's ID and the length after trimming replicate with the values that this server
//! chose, since both depend on its clock and configuration (invariant I4).

use redis_state_core::KEY_BYTES_MAX;
use redis_state_core::audit::{self, Entry};

use crate::error::Error;
use crate::server::commit::stream_entry::EntryStrings;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::key::Key;
use crate::server::ffi::named_key::NamedKey;
use crate::server::ffi::stream::{StreamId, Trim};
use crate::server::ffi::string::RedisStr;
use crate::server::global::config;
use crate::server::global::counters;
use crate::server::value::state_key::Kind;

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
    pub(super) fn look<T: Default>(&self, ctx: Ctx, look: impl FnOnce(&Key) -> T) -> T {
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

    /// The number of its entries; 0 for a key of another type.
    pub fn len(&self, ctx: Ctx) -> usize {
        self.look(ctx, |key| key.entry_count())
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
}

/// Rejects a key that is too long for a state.
pub fn check_key(key: &[u8]) -> Result<(), Error> {
    if key.len() > KEY_BYTES_MAX { Err(Error::LongKey { bytes: key.len() }) } else { Ok(()) }
}
