//! Imports the strings of the first bots as states: the [`Importer`] as a program.
//!
//! It prints one line for each user or key and a summary. A run can be repeated at any time, also
//! after it was killed: an imported state is not changed.

mod screen;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use redis_state_client::{Async, States, URL_DEFAULT, URL_VARIABLE, redis};
use redis_state_vimbiso::{Importer, Summary, keys};
use tokio::io::AsyncReadExt;

use screen::Screen;

/// Exit code of a run that rejected some sources.
const SOME_REJECTED: u8 = 3;

/// Import the strings of VimbisoPay's first bots as states.
///
/// A value is JSON, bare text, or a pickle of str, int, float, bool, None, list, tuple and dict. An
/// interrupted run is completed by the same command.
///
/// Exit codes: 0 all sources are imported, 1 the run failed and can be repeated, 2 wrong arguments,
/// 3 some sources are rejected.
#[derive(Debug, Parser)]
#[command(name = "redis-state-import", version)]
struct Program {
    /// Address of the server; `rediss://` for TLS.
    #[arg(long, env = URL_VARIABLE, default_value = URL_DEFAULT, hide_env_values = true)]
    redis: String,
    /// Check every source, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Delete the strings of each state that is imported.
    #[arg(long)]
    delete_sources: bool,
    /// Import users again whose state has expired or was deleted in the last day.
    #[arg(long)]
    again: bool,
    /// KEY_PREFIX of the bot's django-redis, which may be empty: its keys are PREFIX:VERSION:KEY.
    #[arg(long)]
    prefix: Option<String>,
    /// VERSION of the bot's django-redis.
    #[arg(long, requires = "prefix", default_value_t = 1)]
    key_version: u64,
    /// Key of the state.
    #[arg(long, value_enum, default_value_t = Into::Same)]
    into: Into,
    #[command(subcommand)]
    command: Command,
}

/// How the key of a state is made from the mobile number or the key of the string.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Into {
    /// The same as the source, without PREFIX:VERSION:
    Same,
    /// `channel:{number}`
    Channel,
    /// `user:{number}:state`, with the braces
    UserState,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Import the five keys of each user as a state with schema vimbiso.cached-user.
    CachedUsers {
        /// All users whose keys the database has.
        #[arg(long, conflicts_with = "numbers")]
        all: bool,
        /// Mobile numbers; without any, one a line from stdin.
        numbers: Vec<String>,
    },
    /// Import strings that hold a document.
    Documents {
        /// Schema of the states.
        #[arg(long)]
        schema: String,
        /// All keys of the database that begin so, such as `channel:`
        #[arg(long, value_name = "BEGINNING", conflicts_with = "keys")]
        all: Option<String>,
        /// Keys of the strings, without PREFIX:VERSION:; without any, one a line from stdin.
        keys: Vec<String>,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Program::parse()).await {
        Ok(summary) => {
            println!("{summary}");
            if summary.rejected.is_empty() { ExitCode::SUCCESS } else { SOME_REJECTED.into() }
        }
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

async fn run(program: Program) -> Result<Summary, String> {
    // An error must not show the URL, which may contain a password.
    let mut states = redis_state_client::connect(&program.redis).await.map_err(|error| error.to_string())?;
    let importer = importer(&mut states, &program);
    let scans = matches!(
        program.command,
        Command::CachedUsers { all: true, .. } | Command::Documents { all: Some(_), .. }
    );
    let mut screen = Screen::new(scans);
    let summary = match &program.command {
        Command::CachedUsers { all: true, .. } => {
            importer.all_cached_users(|event| screen.event(event)).await
        }
        Command::CachedUsers { numbers, .. } => {
            importer.cached_users(sources(numbers).await?, |import| screen.import(import)).await
        }
        Command::Documents { schema, all: Some(begins), .. } => {
            importer.all_documents(begins, schema, |event| screen.event(event)).await
        }
        Command::Documents { schema, keys, .. } => {
            importer.documents(sources(keys).await?, schema, |import| screen.import(import)).await
        }
    };
    screen.end();
    summary.map_err(|error| error.to_string())
}

type Connected = States<Async<redis::aio::ConnectionManager>>;

fn importer<'a>(
    states: &'a mut Connected,
    program: &Program,
) -> Importer<'a, Async<redis::aio::ConnectionManager>> {
    let mut importer = Importer::new(states);
    if program.dry_run {
        importer = importer.dry_run();
    }
    if program.delete_sources {
        importer = importer.delete_sources();
    }
    if program.again {
        importer = importer.again();
    }
    if let Some(prefix) = &program.prefix {
        importer = importer.django(prefix, program.key_version);
    }
    match program.into {
        Into::Same => importer,
        Into::Channel => importer.into_key(keys::channel),
        Into::UserState => importer.into_key(keys::user_state),
    }
}

/// The sources of the arguments, or the lines of stdin.
async fn sources(named: &[String]) -> Result<Vec<String>, String> {
    if !named.is_empty() {
        return Ok(named.to_vec());
    }
    let mut text = String::new();
    tokio::io::stdin().read_to_string(&mut text).await.map_err(|error| format!("stdin: {error}"))?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}
