//! The bot's program: `terminal` plays it here.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use redis_state_bot::terminal;
use tracing_subscriber::EnvFilter;

/// A bot that lives on redis-state.
#[derive(Debug, Parser)]
#[command(version)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Talk to the bot in this terminal.
    Terminal(terminal::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error"));
    // Answers go to stdout, and nothing else.
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let done = match Program::parse().command {
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
