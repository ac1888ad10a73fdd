//! The bot's program: `serve` answers WhatsApp, `terminal` runs the bot in a terminal.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use redis_state_bot::conversation::Conversation;
use redis_state_bot::ledger::HttpLedger;
use redis_state_bot::restart::RestartWords;
use redis_state_bot::service::place;
use redis_state_bot::{service, terminal};
use redis_state_client::URL_VARIABLE;
use tracing_subscriber::EnvFilter;

/// A bot on redis-state.
#[derive(Debug, Parser)]
#[command(version)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer WhatsApp's webhooks, as one of any number of processes.
    Serve(Box<Serve>),
    /// Talk to the bot in this terminal.
    Terminal(terminal::Args),
}

#[derive(Debug, clap::Args)]
struct Serve {
    /// The ledger, such as `https://ledger.example/v1`.
    #[arg(long, env = "BOT_LEDGER_URL", hide_env_values = true)]
    ledger: String,
    #[command(flatten)]
    restart: RestartWords,
    #[command(flatten)]
    config: service::Config,
}

impl Command {
    /// The log filter without RUST_LOG: in a terminal only what does not disturb the conversation.
    fn log_filter(&self) -> &'static str {
        match self {
            Command::Serve(_) => "warn,redis_state_bot=info",
            Command::Terminal(_) => "error",
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Program::parse().command;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(command.log_filter()));
    // Only answers go to standard output.
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let done = match command {
        Command::Serve(args) => serve(*args).await,
        Command::Terminal(args) => terminal::run(args).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(Serve { ledger, restart, config }: Serve) -> Result<(), String> {
    let ledger = HttpLedger::new(&ledger)?;
    let states = redis_state_client::connect(config.redis_url.as_str())
        .await
        .map_err(|error| format!("{} ({URL_VARIABLE}): {error}", place(&config.redis_url)))?;
    // One process answers the user: unfinished work is from a process that died.
    let conversation = Conversation::new(states, ledger, "whatsapp").retry_for(Duration::ZERO);
    service::run(config, conversation.restart_words(restart)).await.map_err(|error| error.to_string())
}
