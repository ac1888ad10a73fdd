//! The bot in a terminal: one user, lines in and answers out.
//!
//! A line is a message; a menu is a numbered list. Lines from a pipe are echoed before their
//! answers, so that the output reads as the conversation.

use std::io::IsTerminal;

use redis_state_client::redis::{self, IntoConnectionInfo, aio::ConnectionManager};
use redis_state_client::{Async, Error, ErrorKind, States, URL_DEFAULT, URL_VARIABLE};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::conversation::Conversation;
use crate::ledger::{HttpLedger, Ledger, MemoryLedger};
use crate::message::{Answers, Inbound, Outbound};
use crate::restart::RestartWords;
use crate::service::{Secret, place};

/// The arguments of `terminal`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The user's number. Its state is at the key channel:CHANNEL.
    #[arg(long, default_value = "+263771000002")]
    channel: String,
    /// The server of the states.
    #[arg(long, env = URL_VARIABLE, default_value = URL_DEFAULT, hide_env_values = true)]
    redis: Secret,
    /// The ledger, such as `https://ledger.example/v1`. Without it a small one in memory, which
    /// forgets everything at the end.
    #[arg(long, env = "BOT_LEDGER_URL", hide_env_values = true)]
    ledger: Option<String>,
    /// The prefix of this run's message IDs, which a number follows. The same prefix again
    /// redelivers the same messages.
    #[arg(long)]
    session: Option<String>,
    #[command(flatten)]
    restart: RestartWords,
}

/// Runs the bot until the input ends.
///
/// Errors: a text for the operator.
pub async fn run(args: Args) -> Result<(), String> {
    match &args.ledger {
        Some(url) => play(&args, HttpLedger::new(url)?).await,
        None => play(&args, MemoryLedger::new()).await,
    }
}

async fn play<L: Ledger>(args: &Args, ledger: L) -> Result<(), String> {
    let states =
        redis_state_client::connect(args.redis.as_str()).await.map_err(|error| advice(args, &error))?;
    let conversation = Conversation::new(states.clone(), ledger, "whatsapp");
    let mut conversation = conversation.restart_words(args.restart.clone());
    let session = args.session.clone().unwrap_or_else(unique);
    let is_terminal = std::io::stdin().is_terminal();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut out = tokio::io::stdout();
    if is_terminal {
        show(&mut out, "Type a message. Control-D ends.\n\n> ").await?;
    }
    let mut number = 0;
    while let Some(text) = lines.next_line().await.map_err(|error| error.to_string())? {
        number += 1;
        let message_id = format!("{session}-{number}");
        let message = Inbound { channel_id: args.channel.clone(), message_id, text, choice: None };
        let answer = match conversation.answer(&message).await {
            Ok(answer) => answer,
            Err(error) => {
                return Err(other_schema(args, states).await.unwrap_or_else(|| advice(args, &error)));
            }
        };
        let answer = answer.iter().map(Outbound::to_text).collect::<Vec<_>>().join("\n\n");
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

/// A name that no other run uses.
fn unique() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("terminal-{}-{:x}", std::process::id(), since.as_nanos())
}

/// The schema of the bot's states.
const SCHEMA: &str = "vimbiso.channel";

/// What to do when the state at the user's key belongs to another program.
async fn other_schema(args: &Args, mut states: States<Async<ConnectionManager>>) -> Option<String> {
    let key = format!("channel:{}", args.channel);
    let metadata = states.meta(&key).await.ok()??;
    let schema = metadata.schema.unwrap_or_else(|| "none".to_owned());
    (schema != SCHEMA).then(|| {
        format!(
            "The state at {key} has the schema {schema}, not {SCHEMA}: another program made it. \
             Take another channel (CHANNEL=+263771000003 make bot), or delete that state \
             (redis-cli STATE.DELETE {key} '*')."
        )
    })
}

/// An error with what to do about it: no server, no module, or no password.
fn advice(args: &Args, error: &Error) -> String {
    let place = place(&args.redis);
    let port = args.redis.as_str().into_connection_info().ok().and_then(|info| match info.addr() {
        redis::ConnectionAddr::Tcp(_, port) | redis::ConnectionAddr::TcpTls { port, .. } => Some(*port),
        _ => None,
    });
    let port = port.unwrap_or(6379);
    let advice = match error.kind() {
        _ if wants_password(error) => format!(
            "The server at {place} wants another user or password: put them into {URL_VARIABLE}, \
             as in redis://USER:PASSWORD@{place}/0."
        ),
        ErrorKind::Usage => format!("Correct the address in {URL_VARIABLE}."),
        ErrorKind::Connection => {
            format!("No server answers at {place}. Start one in another terminal: PORT={port} make run")
        }
        ErrorKind::Command | ErrorKind::NoSchema => format!(
            "The server at {place} has not loaded the module, or not its schemas. Start one that has: \
             PORT={next} make run, and in another terminal PORT={next} make bot",
            next = if port < u16::MAX { port + 1 } else { 6379 },
        ),
        _ => return error.to_string(),
    };
    format!("{error}\n{advice}")
}

/// Whether the server has rejected the user or the password, or requires one.
fn wants_password(error: &Error) -> bool {
    error.redis_error().is_some_and(|error| {
        error.kind() == redis::ErrorKind::AuthenticationFailed
            || matches!(error.code(), Some("NOAUTH" | "WRONGPASS"))
    })
}
