//! STATE.PANIC: a command that fails in the worst way, for the tests. It is built only with the feature `faults`.

use super::Refused;
use crate::server::ctx::Ctx;
use crate::server::entry::entry;
use crate::server::string::RedisStr;
use crate::server::table::Command;

pub static COMMAND: Command = Command {
    name: c"state.panic",
    summary: c"Internal: panics, to show that the server survives it.",
    flags: c"write",
    categories: "slow admin dangerous",
    arity: -1,
    run: Some(entry!(run)),
    public: false,
    ..Command::DEFAULT
};

fn run(_ctx: Ctx, _args: &[RedisStr]) -> Result<(), Refused> {
    panic!("as STATE.PANIC was told")
}
