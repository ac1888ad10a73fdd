//! STATE.HELP: every command with its grammar, from the same table that COMMAND DOCS shows.

use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::registration::commands;
use crate::server::commands::table::{Command, text};
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::RedisStr;

pub static COMMAND: Command = Command {
    name: c"state.help",
    summary: c"Shows every command with its syntax.",
    flags: c"readonly",
    categories: "read slow",
    arity: 1,
    run: Some(entry!(run)),
    ..Command::DEFAULT
};

fn run(ctx: Ctx, _args: &[RedisStr]) -> Result<(), Error> {
    let public = commands().iter().copied().filter(|command| command.public);
    let commands: Vec<&Command> = public.flat_map(own_or_subcommands).collect();
    reply(ctx, commands.into_iter());
    Ok(())
}

fn own_or_subcommands(command: &'static Command) -> &'static [Command] {
    if command.subcommands.is_empty() { std::slice::from_ref(command) } else { command.subcommands }
}

/// Two lines for each command: its grammar, and what it does.
pub fn reply(ctx: Ctx, commands: impl ExactSizeIterator<Item = &'static Command>) {
    ctx.reply_array(2 * commands.len());
    for command in commands {
        ctx.reply_text(&command.grammar());
        ctx.reply_text(&format!("    {}", text(command.summary)));
    }
}
