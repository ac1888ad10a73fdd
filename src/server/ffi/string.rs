//! Strings of the server: borrowed from arguments, or made here and freed again.
//!
//! Making and freeing one takes three hundred instructions, and a command that makes a version
//! hands the server some twenty. Those that most commands repeat (event, user, schema, millisecond)
//! are therefore kept for a while.

use std::cell::RefCell;
use std::ffi::c_char;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::null_mut;

use redis_module::raw;
use smallvec::SmallVec;

pub use super::api::RawString;
use super::api::{Ctx, api, owned};
use super::calls;
use super::data;

/// A string that another component owns: an argument of a command, or an [`OwnedString`]. It reads
/// as bytes, which is what clients send; the parser finds out whether they are text.
#[derive(Clone, Copy)]
pub struct RedisStr<'a> {
    raw: RawString<'a>,
    bytes: &'a [u8],
}

impl<'a> RedisStr<'a> {
    /// A null placeholder.
    pub(super) const EMPTY: RedisStr<'static> = RedisStr { raw: RawString::NULL, bytes: &[] };

    /// The caller chooses the lifetime and keeps it within the call that the string came with.
    #[inline]
    pub(in crate::server) fn new(raw: *mut raw::RedisModuleString) -> RedisStr<'a> {
        let mut len = 0;
        let raw = RawString::new(raw);
        let start = calls::string_bytes(raw, &mut len);
        RedisStr { raw, bytes: data::slice(start.cast(), len) }
    }

    /// The key's name in a callback; `None` if the server passes none.
    pub(in crate::server) fn name(raw: *const raw::RedisModuleString) -> Option<RedisStr<'a>> {
        (!raw.is_null()).then(|| RedisStr::new(raw.cast_mut()))
    }

    #[inline]
    pub fn raw(self) -> RawString<'a> {
        self.raw
    }

    #[inline]
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

owned! {
    /// A string that the module created or retained; freed when it goes out of scope.
    OwnedString = raw::RedisModuleString, freed by |string| api!(RedisModule_FreeString(null_mut(), string));
}

// SAFETY: only the main thread calls the API (R1); a lock around a string exists because a static
// needs one.
unsafe impl Send for OwnedString {}

impl OwnedString {
    pub fn of(bytes: &[u8]) -> OwnedString {
        OwnedString(create(bytes))
    }

    /// The same for bytes that are likely to recur soon.
    pub fn recurring(bytes: &[u8]) -> OwnedString {
        let Some(place) = recent_place(bytes) else { return OwnedString::of(bytes) };
        RECENT.with(|recent| {
            let mut recent = recent.borrow_mut();
            let Some(recent) = recent.get_mut(place) else { return OwnedString::of(bytes) };
            if recent.as_ref().is_none_or(|recent| recent.bytes[..] != *bytes) {
                *recent = Some(Recent { bytes: bytes.into(), string: OwnedString::of(bytes) });
            }
            let held = recent.as_ref().and_then(|recent| OwnedString::hold(recent.string.raw()));
            held.unwrap_or_else(|| OwnedString::of(bytes))
        })
    }

    /// Another owner of a string: it lives as long as the last of them.
    pub fn hold(string: RawString) -> Option<OwnedString> {
        OwnedString::new(calls::hold_string(Ctx::new(null_mut()), string))
    }

    /// The digits of a number. A length or a time is likely to recur soon.
    pub fn of_number(number: i64) -> OwnedString {
        OwnedString::recurring(itoa::Buffer::new().format(number).as_bytes())
    }

    pub fn borrow(&self) -> RedisStr<'_> {
        RedisStr::new(self.0)
    }

    #[inline]
    pub fn raw(&self) -> RawString<'_> {
        RawString::new(self.0)
    }

    /// Gives up ownership: the string is never freed.
    pub fn leak(self) -> RawString<'static> {
        RawString::new(ManuallyDrop::new(self).0)
    }
}

/// Makes a string that is not freed on its own.
pub(super) fn create(bytes: &[u8]) -> *mut raw::RedisModuleString {
    // SAFETY: R3; without a context no memory management of the server's touches the string.
    unsafe { api!(RedisModule_CreateString(null_mut(), bytes.as_ptr().cast::<c_char>(), bytes.len())) }
}

/// A list of strings as the API takes it, with the strings that the list owns.
#[derive(Default)]
pub struct StringList {
    all: Vec<RawString<'static>>,
    owned: Vec<OwnedString>,
}

impl StringList {
    pub fn with_capacity(strings: usize, owned: usize) -> StringList {
        StringList { all: Vec::with_capacity(strings), owned: Vec::with_capacity(owned) }
    }

    pub fn push(&mut self, string: OwnedString) {
        // The list keeps the owner, and hands the pointer out for no longer than itself.
        self.all.push(RawString::new(string.0));
        self.owned.push(string);
    }

    pub fn push_leaked(&mut self, string: RawString<'static>) {
        self.all.push(string);
    }

    pub fn as_slice(&self) -> &[RawString<'_>] {
        &self.all
    }
}

/// Number of slots for cached strings.
const RECENT_MAX: usize = 64;
/// Longest string that is cached.
const RECENT_BYTES_MAX: usize = 36;

/// A string and its bytes, which asking the server for would take a call.
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
