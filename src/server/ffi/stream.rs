//! The functions of the module API on a key that holds a stream, each after a check of its
//! preconditions.
//!
//! StreamAdd is called directly: it wakes XREAD BLOCK and consumer groups like XADD does, at half
//! the price of calling XADD through the server.

use std::ffi::c_long;
use std::ptr::null_mut;

use redis_module::raw;
use smallvec::SmallVec;

use super::api::{OK, Raw, StreamBound, api};
use super::calls;
use super::key::{Holds, Key};
use super::string::{OwnedString, RawString};

/// The ID of an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StreamId {
    pub ms: u64,
    pub seq: u64,
}

impl StreamId {
    /// The ID as streams write it. The server has a call for that, which takes three times as long.
    pub fn to_string(self) -> OwnedString {
        let mut text = SmallVec::<[u8; 64]>::new();
        text.extend_from_slice(itoa::Buffer::new().format(self.ms).as_bytes());
        text.push(b'-');
        text.extend_from_slice(itoa::Buffer::new().format(self.seq).as_bytes());
        OwnedString::of(&text)
    }
}

#[derive(PartialEq, Eq)]
pub enum Trim {
    /// Whole nodes only: a fifth of the cost of trimming exactly.
    About,
    Exactly,
}

impl Key<'_> {
    /// Appends names and values, with the next ID of the stream or a given one; the first entry
    /// makes the stream. `None` for a key that holds something else or is not open for writing, and
    /// for an ID that is not above the last one.
    pub fn add(&mut self, id: Option<StreamId>, fields: &[RawString]) -> Option<StreamId> {
        let has_place = self.is_writable() && matches!(self.holds(), Holds::Nothing | Holds::Stream);
        if !has_place || fields.is_empty() || !fields.len().is_multiple_of(2) {
            return None;
        }
        let flags = if id.is_none() { raw::REDISMODULE_STREAM_ADD_AUTOID } else { 0 };
        let StreamId { ms, seq } = id.unwrap_or(StreamId { ms: 0, seq: 0 });
        let mut id = raw::RedisModuleStreamID { ms, seq };
        let (list, pairs) = (RawString::list(fields), (fields.len() / 2) as i64);
        // SAFETY: R2, R3: the key is open for writing and has a place for a stream, there are
        // `pairs` names and values; the server only reads the list, whatever its header says. No
        // iterator is open: it would borrow the key.
        let added =
            unsafe { api!(RedisModule_StreamAdd(self.handle().raw(), flags as i32, &mut id, list, pairs)) };
        (added == OK).then_some(StreamId { ms: id.ms, seq: id.seq })
    }

    /// Trims the stream to `len_max` entries; returns the length after that.
    pub fn trim(&mut self, len_max: usize, how: Trim) -> usize {
        /// A trim reads the oldest node to see whether it can be removed. So the module trims at
        /// least this many times while the stream grows by one node, not at each entry.
        const ASKED_MIN: usize = 32;
        const STEP_MAX: usize = 16;
        if !self.is_writable() || self.holds() != Holds::Stream {
            return 0;
        }
        let (flags, step) = match how {
            Trim::About => (raw::REDISMODULE_STREAM_TRIM_APPROX, (len_max / ASKED_MIN).clamp(1, STEP_MAX)),
            Trim::Exactly => (0, 1),
        };
        let len = calls::value_length(self.handle());
        if len <= len_max || !len.is_multiple_of(step) {
            return len;
        }
        calls::stream_trim(self.handle(), flags as i32, len_max as i64);
        calls::value_length(self.handle())
    }

    /// The number of entries; 0 for a key that holds no stream.
    pub fn entry_count(&self) -> usize {
        if self.holds() == Holds::Stream { calls::value_length(self.handle()) } else { 0 }
    }

    /// Deletes an entry; false if there is none with this ID.
    pub fn delete_entry(&mut self, id: StreamId) -> bool {
        let mut id = raw::RedisModuleStreamID { ms: id.ms, seq: id.seq };
        let has_entry = self.is_writable() && self.holds() == Holds::Stream;
        has_entry && calls::stream_delete(self.handle(), &mut id) == OK
    }

    /// The entries of the stream, newest first; `None` for a key that holds none.
    pub fn entries_from_end(&self) -> Option<EntriesFromEnd<'_>> {
        self.entries_back_from(None)
    }

    /// As [`Key::entries_from_end`], from the entry with this ID back, or from the one before it.
    pub fn entries_back_from(&self, id: Option<StreamId>) -> Option<EntriesFromEnd<'_>> {
        if self.holds() != Holds::Stream {
            return None;
        }
        let flags = raw::REDISMODULE_STREAM_ITERATOR_REVERSE as i32;
        let mut last = id.map(|id| raw::RedisModuleStreamID { ms: id.ms, seq: id.seq });
        let (first, last) = (StreamBound(None), StreamBound(last.as_mut()));
        let started = calls::stream_start(self.handle(), flags, first, last);
        (started == OK).then_some(EntriesFromEnd { key: self })
    }
}

/// Walks a stream from its end. The first field of each entry is the event.
pub struct EntriesFromEnd<'a> {
    key: &'a Key<'a>,
}

/// Names and values.
pub type Fields = Vec<(Vec<u8>, Vec<u8>)>;

impl EntriesFromEnd<'_> {
    /// Names and values of the next entry.
    pub fn next_entry(&mut self) -> Option<Fields> {
        self.next_id().map(|(_, fields)| self.fields(fields))
    }

    /// The ID of the next entry, and its number of fields. [`EntriesFromEnd::fields`] must read
    /// them before the next call: going backwards, the iterator steps from its position, and unless
    /// that is the end of an entry, the server parses fields as IDs and aborts.
    pub fn next_id(&mut self) -> Option<(StreamId, c_long)> {
        let mut id = raw::RedisModuleStreamID { ms: 0, seq: 0 };
        let mut fields = 0;
        let found = calls::stream_next_id(self.key.handle(), &mut id, &mut fields) == OK;
        found.then_some((StreamId { ms: id.ms, seq: id.seq }, fields))
    }

    /// Names and values of the iterator's present entry.
    pub fn fields(&mut self, fields: c_long) -> Fields {
        (0..fields).filter_map(|_| self.next_field()).collect()
    }

    fn next_field(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        let (mut name, mut value) = (null_mut(), null_mut());
        let key = self.key.handle().raw();
        // SAFETY: R2: the iterator was started; the strings it returns are ours.
        let found = unsafe { api!(RedisModule_StreamIteratorNextField(key, &mut name, &mut value)) } == OK;
        let (name, value) = (OwnedString::new(name), OwnedString::new(value));
        let bytes = |string: Option<OwnedString>| Some(string?.borrow().to_vec());
        Some((bytes(name)?, bytes(value)?)).filter(|_| found)
    }
}

impl Drop for EntriesFromEnd<'_> {
    fn drop(&mut self) {
        calls::stream_stop(self.key.handle());
    }
}
