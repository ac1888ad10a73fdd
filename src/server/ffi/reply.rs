//! Replies.

use std::ffi::{c_char, c_long};

use redis_state_core::error_line;

use super::api::{Ctx, Raw, api};
use super::calls;
use super::text::one_line;

impl Ctx {
    pub fn reply_ok(self) {
        calls::reply_simple_string(self, c"OK");
    }

    pub fn reply_nil(self) {
        calls::reply_null(self);
    }

    pub fn reply_int(self, number: i64) {
        calls::reply_long_long(self, number);
    }

    pub fn reply_text(self, text: &str) {
        self.reply_bytes(text.as_bytes());
    }

    pub fn reply_bytes(self, bytes: &[u8]) {
        // SAFETY: R1, R3.
        unsafe {
            api!(RedisModule_ReplyWithStringBuffer(self.raw(), bytes.as_ptr().cast::<c_char>(), bytes.len()))
        };
    }

    pub fn reply_optional(self, text: Option<&str>) {
        match text {
            Some(text) => self.reply_text(text),
            None => self.reply_nil(),
        }
    }

    /// Begins an array; the caller writes `len` elements.
    pub fn reply_array(self, len: usize) {
        calls::reply_array(self, len as c_long);
    }

    /// Begins a map; the caller writes `len` pairs. With RESP2 Redis makes it an array of twice the
    /// length.
    pub fn reply_map(self, len: usize) {
        calls::reply_map(self, len as c_long);
    }

    /// Replies an error line, cut where it is longer than one may be.
    pub fn reply_error(self, line: String) {
        calls::reply_error(self, &one_line(&error_line(line)));
    }

    pub fn reply_wrong_arity(self) {
        calls::reply_wrong_arity(self);
    }
}
