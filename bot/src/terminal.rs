//! The bot in a terminal: one person who types, lines in and answers out.
//!
//! A line is a message. Lines that come from a pipe are shown before their answers, so that what comes out reads as the
//! conversation it was.

use std::io::IsTerminal;

use redis_state_client::{ErrorKind, URL_DEFAULT, URL_VARIABLE};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::conversation::Conversation;
use crate::ledger::{HttpLedger, Ledger, MemoryLedger};
use crate::message::{Answers, Inbound};
use crate::service::{Secret, place};

/// The arguments of `terminal`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Who types.
    #[arg(long, default_value = "+263771234567")]
    channel: String,
    /// The server that has the states.
    #[arg(long, env = URL_VARIABLE, default_value = URL_DEFAULT, hide_env_values = true)]
    redis: Secret,
    /// The ledger, such as `https://ledger.example/v1`. Without it a small one in memory, which forgets all at the end.
    #[arg(long, env = "BOT_LEDGER_URL", hide_env_values = true)]
    ledger: Option<String>,
    /// What the messages of this run are called, with a number behind. The same name again is the same messages delivered again.
    #[arg(long)]
    session: Option<String>,
}

/// Plays the bot until the input ends.
///
/// Errors: a text for whoever started it.
pub async fn run(args: Args) -> Result<(), String> {
    match &args.ledger {
        Some(url) => play(&args, HttpLedger::new(url)?).await,
        None => play(&args, MemoryLedger::new()).await,
    }
}

async fn play<L: Ledger>(args: &Args, ledger: L) -> Result<(), String> {
    let states =
        redis_state_client::connect(args.redis.as_str()).await.map_err(|error| no_server(args, &error))?;
    let mut conversation = Conversation::new(states, ledger, "whatsapp");
    let session = args.session.clone().unwrap_or_else(unique);
    let is_terminal = std::io::stdin().is_terminal();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut out = tokio::io::stdout();
    if is_terminal {
        show(&mut out, "Say something. Control-D ends.\n\n> ").await?;
    }
    let mut number = 0;
    while let Some(text) = lines.next_line().await.map_err(|error| error.to_string())? {
        number += 1;
        let message_id = format!("{session}-{number}");
        let message = Inbound { channel_id: args.channel.clone(), message_id, text };
        let answer = conversation.answer(&message).await.map_err(|error| no_server(args, &error))?;
        let answer = answer.join("\n\n");
        let shown =
            if is_terminal { format!("{answer}\n\n> ") } else { format!("> {}\n{answer}\n\n", message.text) };
        show(&mut out, &shown).await?;
    }
    Ok(())
}

async fn show(out: &mut tokio::io::Stdout, text: &str) -> Result<(), String> {
    out.write_all(text.as_bytes()).await.map_err(|error| error.to_string())?;
    out.flush().await.map_err(|error| error.to_string())
}

/// Nobody else's messages are called so.
fn unique() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("terminal-{}-{:x}", std::process::id(), since.as_nanos())
}

/// What to do about a server that is not there, or is not ours.
fn no_server(args: &Args, error: &redis_state_client::Error) -> String {
    let place = place(&args.redis);
    let hint = match error.kind() {
        ErrorKind::Connection | ErrorKind::Usage => format!("No server answers at {place}."),
        ErrorKind::Command | ErrorKind::NoSchema => {
            format!("The server at {place} has not loaded the module, or not its schemas.")
        }
        _ => return error.to_string(),
    };
    format!(
        "{error}\n{hint} Start one with `make run` in another terminal, or name its address in {URL_VARIABLE}."
    )
}
