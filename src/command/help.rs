//! STATE.HELP: every command with its grammar, from the same table that COMMAND DOCS shows.

use super::Refused;
use crate::COMMANDS;
use crate::server::ctx::Ctx;
use crate::server::entry::entry;
use crate::server::string::RedisStr;
use crate::server::table::{Command, text};

pub static COMMAND: Command = Command {
    name: c"state.help",
    summary: c"Shows every command with its grammar.",
    flags: c"readonly",
    arity: 1,
    run: Some(entry!(run)),
    ..Command::DEFAULT
};

fn run(ctx: Ctx, _args: &[RedisStr]) -> Result<(), Refused> {
    let public = COMMANDS.iter().filter(|command| command.public);
    let own = |command: &&'static Command| -> Vec<&'static Command> {
        if command.subcommands.is_empty() { vec![*command] } else { command.subcommands.iter().collect() }
    };
    let commands: Vec<_> = public.flat_map(|command| own(&command)).collect();
    reply(ctx, commands.into_iter());
    Ok(())
}

/// Two lines for each command: its grammar, and what it does.
pub fn reply(ctx: Ctx, commands: impl ExactSizeIterator<Item = &'static Command>) {
    ctx.reply_array(2 * commands.len());
    for command in commands {
        ctx.reply_text(&command.grammar());
        ctx.reply_text(&format!("    {}", text(command.summary)));
    }
}
