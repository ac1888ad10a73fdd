//! What happens when the server loads the module.
//!
//! Everything is registered by hand: the macros of redis-module register commands in a way that
//! Redis 7.0 rejects, and go on when a setting in redis.conf is rejected, which crashes some
//! servers.

use crate::error::Error;
use crate::server::commands::registration;
use crate::server::commands::table::Command;
use crate::server::events::{info, lapse_timer, server_events};
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::module;
use crate::server::ffi::string::RedisStr;
use crate::server::global::{cluster, config, schema_dir};
use crate::server::native_type;

/// Registers the module's commands, and all else that the server is to call.
pub fn load(ctx: Ctx, args: &[RedisStr], commands: &'static [&'static Command]) -> Result<(), Error> {
    module::set_options(ctx);
    cluster::look(ctx);
    config::read_arguments(args)?;
    native_type::registration::register(ctx)?;
    registration::register(ctx, commands)?;
    info::register(ctx);
    server_events::subscribe(ctx)?;
    config::register(ctx)?;
    schema_dir::read(ctx)?;
    lapse_timer::start(ctx);
    warn_of_aof_without_preamble(ctx);
    Ok(())
}

/// That mode has no place for schemas but beside the first state: the operator should know.
fn warn_of_aof_without_preamble(ctx: Ctx) {
    let preamble = ctx.call_words(c"CONFIG", &["GET", "aof-use-rdb-preamble"]);
    if preamble.and_then(|reply| reply.text_at(1)).is_some_and(|value| value == "no") {
        let advice = "redis-state: with aof-use-rdb-preamble no, a rewritten AOF has the schemas only beside a state; \
                      set it to yes, or set state.schema-dir";
        ctx.log(c"warning", advice);
    }
}
