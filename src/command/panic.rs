//! STATE.PANIC: a command that fails in the worst way, for the tests. It is built only with the
//! feature `faults`.

use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::table::Command;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::RedisStr;

pub static COMMAND: Command = Command {
    name: c"state.panic",
    summary: c"Internal: panics, for the tests.",
    flags: c"write",
    categories: "slow admin dangerous",
    arity: -1,
    run: Some(entry!(run)),
    public: false,
    ..Command::DEFAULT
};

fn run(_ctx: Ctx, _args: &[RedisStr]) -> Result<(), Error> {
    panic!("ordered by STATE.PANIC")
}
