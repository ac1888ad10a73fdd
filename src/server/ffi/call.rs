//! Commands of the server that the module calls, and their replies.

use std::ffi::CStr;

use redis_module::raw;

use super::api::{Ctx, Raw, ReplyHandle, api, owned};
use super::calls;
use super::data;
use super::string::{OwnedString, RawString};

owned! {
    /// The reply to a command.
    CallReply = raw::RedisModuleCallReply, freed by |reply| api!(RedisModule_FreeCallReply(reply));
}

impl Ctx {
    /// Calls a command; `None` when the server rejects the call.
    pub fn call(self, command: &CStr, args: &[RawString]) -> Option<CallReply> {
        let list = RawString::list(args);
        // SAFETY: R1, R3: `v` takes a list of strings, which are alive, and its length.
        let reply =
            unsafe { api!(RedisModule_Call(self.raw(), command.as_ptr(), c"v".as_ptr(), list, args.len())) };
        CallReply::new(reply)
    }

    /// The same with words that are known beforehand.
    pub fn call_words(self, command: &CStr, words: &[&str]) -> Option<CallReply> {
        let words: Vec<_> = words.iter().map(|word| OwnedString::of(word.as_bytes())).collect();
        self.call(command, &words.iter().map(OwnedString::raw).collect::<Vec<_>>())
    }
}

impl CallReply {
    /// The number; the lowest one there is for a reply of another type.
    pub fn integer(&self) -> i64 {
        calls::reply_integer(ReplyHandle::new(self.as_ptr()))
    }

    /// The text; `None` for a reply of another type.
    pub fn text(&self) -> Option<String> {
        text(self.as_ptr())
    }

    /// The text of an element of an array.
    pub fn text_at(&self, index: usize) -> Option<String> {
        let element = calls::reply_element(ReplyHandle::new(self.as_ptr()), index);
        (!element.is_null()).then(|| text(element)).flatten()
    }
}

fn text(reply: *mut raw::RedisModuleCallReply) -> Option<String> {
    let mut len = 0;
    let start = calls::reply_text(ReplyHandle::new(reply), &mut len);
    // Copied before the reply is freed.
    (!start.is_null()).then(|| String::from_utf8_lossy(data::slice(start.cast::<u8>(), len)).into_owned())
}
