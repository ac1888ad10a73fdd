//! STATE.FAULT: orders a failure, for the tests. It is built only with the feature `faults`.
//!
//! `STATE.FAULT SNAPSHOT nth` makes the nth packing of a version panic, `STATE.FAULT APPEND nth`
//! makes the server reject the nth audit entry, counted from now on; 0 cancels either.
//! `STATE.FAULT CLOCK ms` sets the module's clock forward or back. `STATE.FAULT LOSE count` leaks
//! that many blocks of memory, `STATE.FAULT STRAY count` reads that many freed ones.

use crate::arguments::words;
use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::table::Command;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::faults;
use crate::server::ffi::string::RedisStr;

pub static COMMAND: Command = Command {
    name: c"state.fault",
    summary: c"Internal: injects a fault, for the tests.",
    flags: c"",
    categories: "slow admin dangerous",
    arity: 3,
    run: Some(entry!(run)),
    public: false,
    ..Command::DEFAULT
};

fn run(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let [_, what, number] = args else { return Err(Error::WrongArity) };
    let number = words::integer(number)?;
    match what.bytes() {
        b"SNAPSHOT" => redis_state_core::faults::SNAPSHOT.give(number.unsigned_abs()),
        b"APPEND" => faults::APPEND.give(number.unsigned_abs()),
        b"CLOCK" => faults::set_clock_off_ms(number),
        b"LOSE" => (0..number).for_each(|_| faults::lose_a_block()),
        b"STRAY" => (0..number).for_each(|_| faults::read_a_freed_block()),
        _ => return Err(Error::syntax("STATE.FAULT knows SNAPSHOT, APPEND, CLOCK, LOSE and STRAY")),
    }
    ctx.reply_ok();
    Ok(())
}
