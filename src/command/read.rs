//! What the reading commands have in common: open, look, reply; nil where no state is.

use redis_state_core::{Error, Etag, State, Version};

use super::Refused;
use crate::server::ctx::Ctx;
use crate::server::key::{Key, Kind};
use crate::server::string::RedisStr;

/// Calls `reply` with the state under `key`; replies nil when there is none.
pub fn state(
    ctx: Ctx,
    key: RedisStr,
    reply: impl FnOnce(&State) -> Result<(), Refused>,
) -> Result<(), Refused> {
    let key = Key::open_read(ctx, key);
    match key.held() {
        Some(held) => reply(held.state()),
        None if key.kind() == Kind::Nothing => {
            ctx.reply_nil();
            Ok(())
        }
        None => Err(Refused::WrongType),
    }
}

/// A kept version, the present one included.
pub fn version(state: &State, number: u64) -> Result<&Version, Refused> {
    state.find(number).ok_or_else(|| Refused::Core(Error::NoVersion { kept: state.kept() }))
}

/// The reply of a whole document: its etag and its text.
pub fn reply_document(ctx: Ctx, etag: Etag, text: &str) {
    ctx.reply_array(2);
    ctx.reply_text(&etag.text());
    ctx.reply_text(text);
}
