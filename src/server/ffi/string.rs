//! Strings of the server: borrowed from arguments, or made here and freed again.
//!
//! To make one and to free it takes as long as three hundred instructions, and a command that makes a version hands the server
//! some twenty. What most commands say again (the event, the user, the schema, the millisecond) is therefore kept for a while.

use std::cell::RefCell;
use std::ffi::c_char;
use std::mem::ManuallyDrop;
use std::ops::Deref;

use redis_module::raw;
use smallvec::SmallVec;

use crate::server::ffi::api;

/// A string that somebody else owns: an argument of a command, or an [`OwnedString`]. It reads as bytes, since that is
/// what clients send; whether they are text is for the parser to find out.
#[derive(Clone, Copy)]
pub struct RedisStr<'a> {
    raw: *mut raw::RedisModuleString,
    bytes: &'a [u8],
}

impl<'a> RedisStr<'a> {
    /// No string of the server at all: a place for one.
    pub const EMPTY: RedisStr<'static> = RedisStr { raw: std::ptr::null_mut(), bytes: &[] };

    /// The caller chooses the lifetime and keeps it within the call that the string came with.
    pub fn new(raw: *mut raw::RedisModuleString) -> RedisStr<'a> {
        let mut len = 0;
        // SAFETY: R2: the string outlives the callback it was passed to, or its owner below.
        let bytes = unsafe {
            let start = api!(RedisModule_StringPtrLen(raw, &mut len));
            if start.is_null() { &[] } else { std::slice::from_raw_parts(start.cast::<u8>(), len) }
        };
        RedisStr { raw, bytes }
    }

    pub fn as_ptr(self) -> *mut raw::RedisModuleString {
        self.raw
    }

    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }
}

impl Deref for RedisStr<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes
    }
}

impl AsRef<[u8]> for RedisStr<'_> {
    fn as_ref(&self) -> &[u8] {
        self.bytes
    }
}

/// A string made here; freed when it goes out of scope.
pub struct OwnedString(*mut raw::RedisModuleString);

impl OwnedString {
    pub fn new(bytes: &[u8]) -> OwnedString {
        // SAFETY: R3; without a context the string is ours to free, which Drop does.
        OwnedString(unsafe {
            api!(RedisModule_CreateString(std::ptr::null_mut(), bytes.as_ptr().cast::<c_char>(), bytes.len()))
        })
    }

    /// The same for what is likely to be wanted again soon.
    pub fn recurring(bytes: &[u8]) -> OwnedString {
        let Some(place) = recent_place(bytes) else { return OwnedString::new(bytes) };
        RECENT.with(|recent| {
            let mut recent = recent.borrow_mut();
            let Some(recent) = recent.get_mut(place) else { return OwnedString::new(bytes) };
            if recent.as_ref().is_none_or(|recent| recent.bytes[..] != *bytes) {
                *recent = Some(Recent { bytes: bytes.into(), string: OwnedString::new(bytes) });
            }
            recent.as_ref().and_then(|recent| recent.string.hold()).unwrap_or_else(|| OwnedString::new(bytes))
        })
    }

    /// Another owner of the same string.
    fn hold(&self) -> Option<OwnedString> {
        // SAFETY: R1; without a context the string that is held is ours to free, which Drop does.
        OwnedString::from_raw(unsafe { api!(RedisModule_HoldString(std::ptr::null_mut(), self.0)) })
    }

    /// The digits of a number. A length or a time is likely to be wanted again soon.
    pub fn of_number(number: i64) -> OwnedString {
        OwnedString::recurring(itoa::Buffer::new().format(number).as_bytes())
    }

    /// An ID as streams write it. The server has a call for that, which takes three times as long.
    pub fn of_stream_id(id: raw::RedisModuleStreamID) -> OwnedString {
        let mut text = SmallVec::<[u8; 64]>::new();
        text.extend_from_slice(itoa::Buffer::new().format(id.ms).as_bytes());
        text.push(b'-');
        text.extend_from_slice(itoa::Buffer::new().format(id.seq).as_bytes());
        OwnedString::new(&text)
    }

    /// Takes over a string that the API returned as ours.
    pub fn from_raw(string: *mut raw::RedisModuleString) -> Option<OwnedString> {
        // Not `then_some`: its argument would be made, and dropped, for a null pointer too.
        (!string.is_null()).then(|| OwnedString(string))
    }

    pub fn borrow(&self) -> RedisStr<'_> {
        RedisStr::new(self.0)
    }

    /// What the API functions take; valid as long as this is.
    pub fn as_ptr(&self) -> *mut raw::RedisModuleString {
        self.0
    }
}

impl Drop for OwnedString {
    fn drop(&mut self) {
        // SAFETY: made without a context, so nobody else frees it.
        unsafe { api!(RedisModule_FreeString(std::ptr::null_mut(), self.0)) }
    }
}

/// So many strings are kept, each at one of so many places, and none that is longer.
const RECENT_MAX: usize = 64;
const RECENT_BYTES_MAX: usize = 36;

/// A string and what it says, which the server would have to be asked about each time.
struct Recent {
    bytes: SmallVec<[u8; RECENT_BYTES_MAX]>,
    string: OwnedString,
}

type Recents = RefCell<[Option<Recent>; RECENT_MAX]>;

thread_local! {
    /// Not freed at the end of the server.
    static RECENT: ManuallyDrop<Recents> = const { ManuallyDrop::new(RefCell::new([const { None }; RECENT_MAX])) };
}

/// Where a string is kept. Most differ in their length or in how they end.
fn recent_place(bytes: &[u8]) -> Option<usize> {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    if bytes.len() > RECENT_BYTES_MAX {
        return None;
    }
    let end = match bytes.last_chunk::<8>() {
        Some(end) => u64::from_le_bytes(*end),
        None => bytes.iter().fold(0, |end, byte| end << 8 | u64::from(*byte)),
    };
    let mixed = (end ^ bytes.len() as u64).wrapping_mul(MIX);
    Some((mixed >> (u64::BITS - RECENT_MAX.ilog2())) as usize)
}
