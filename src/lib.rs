//! redis-state: conversation state inside Redis, validated, versioned, rolled back, expired and
//! audited in one atomic step. This file is the command table, nothing else.
//!
//! `command/` reads arguments and asks redis-state-core what they mean; `server/` carries the
//! answer out and is the only place that calls Redis. Unsafe code is in `server/ffi/` and
//! `server/native_type/` alone.

#![deny(unsafe_code)]

mod arguments;
mod command;
mod error;
mod load;
mod server;

use server::commands::table::Command;

/// Unit tests run without a server, so they keep the system's allocator.
#[cfg(not(test))]
#[global_allocator]
static ALLOCATOR: server::ffi::alloc::Allocator = server::ffi::alloc::Allocator;

/// Every command, in the order of HELP and of docs/commands.md.
static COMMANDS: &[&Command] = &[
    &command::get::COMMAND,
    &command::update::COMMAND,
    &command::update::PROTECTED_COMMAND,
    &command::rollback::COMMAND,
    &command::reset::COMMAND,
    &command::recover::COMMAND,
    &command::delete::COMMAND,
    &command::history::COMMAND,
    &command::diff::COMMAND,
    &command::meta::COMMAND,
    &command::attempt::COMMAND,
    &command::attempts::COMMAND,
    &command::touch::COMMAND,
    &command::wait::COMMAND,
    &command::validate::COMMAND,
    &command::schema::COMMAND,
    &command::help::COMMAND,
    &command::effect::COMMAND,
    &command::effect::SCHEMA_COMMAND,
    #[cfg(feature = "faults")]
    &command::fault::COMMAND,
    #[cfg(feature = "faults")]
    &command::panic::COMMAND,
];

server::ffi::module::entry_point!(|ctx, args| load::load(ctx, args, COMMANDS));
