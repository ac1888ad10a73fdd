//! The bot's program as processes: in a terminal, and behind WhatsApp.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use support::Server;

use crate::whatsapp::{FakeGraph, NUMBER_ID, SECRET, TOKEN, VERIFY_TOKEN};

const START_MAX: Duration = Duration::from_secs(20);
const END_MAX: Duration = Duration::from_secs(30);

/// The variable that names the point at which a process ends itself.
pub const CRASH_AT: &str = "BOT_CRASH_AT";

/// The program, built beside the tests like the module.
fn path() -> PathBuf {
    let module = support::module_path();
    let path = module.with_file_name(format!("redis-state-bot{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is missing: `make test` builds it", path.display());
    path
}

/// A program without the environment of the tests.
fn program(subcommand: &str) -> Command {
    let mut program = Command::new(path());
    program.env_clear().arg(subcommand);
    program
}

/// Runs the program to its end, without input.
pub fn run(subcommand: &str, options: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut run = program(subcommand);
    run.args(options).envs(environment.iter().copied()).stdin(Stdio::null());
    run.output().expect("the program starts")
}

/// Types these lines in a terminal.
pub fn terminal(options: &[(&str, &str)], crash_at: Option<&str>, lines: &[&str]) -> Output {
    let mut child = program("terminal")
        .args(options.iter().flat_map(|(name, value)| [name, value]))
        .envs(crash_at.map(|point| (CRASH_AT, point)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("a pipe");
    // Without a server it may exit before it reads anything.
    let _exited = input.write_all((lines.join("\n") + "\n").as_bytes());
    drop(input);
    child.wait_with_output().expect("it ends")
}

/// A process behind WhatsApp, killed when dropped.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
    log: Arc<Mutex<String>>,
    /// Reads the log to its end.
    reader: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts it on a free port; it claims messages that another process has not touched for a
    /// second.
    pub fn start(server: &Server, graph: &FakeGraph, ledger: &str, more: &[(&str, &str)]) -> Process {
        let mut child = program("serve")
            .env("BOT_LISTEN", "127.0.0.1:0")
            .env("REDIS_STATE_URL", server.url())
            .env("BOT_LEDGER_URL", ledger)
            .env("GRAPH_URL", &graph.url)
            .env("WHATSAPP_VERIFY_TOKEN", VERIFY_TOKEN)
            .env("WHATSAPP_APP_SECRET", SECRET)
            .env("WHATSAPP_TOKEN", TOKEN)
            .env("WHATSAPP_PHONE_NUMBER_ID", NUMBER_ID)
            .env("BOT_CLAIM_AFTER", "1")
            .env("BOT_FEED", "")
            .envs(more.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let log = Arc::<Mutex<String>>::default();
        let (found, address) = mpsc::channel();
        let (lines, kept) = (BufReader::new(child.stderr.take().expect("a pipe")), Arc::clone(&log));
        let reader = std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let said = line.split_once("the bot listens address=").map(|(_, rest)| rest);
                if let Some(address) = said.and_then(|rest| rest.split(' ').next()?.parse().ok()) {
                    let _no_receiver = found.send(address);
                }
                kept.lock().expect("no panic").push_str(&(line + "\n"));
            }
        });
        match address.recv_timeout(START_MAX) {
            Ok(address) => Process { child, address, log, reader: Some(reader) },
            Err(_) => panic!("it does not listen: {}", log.lock().expect("no panic")),
        }
    }

    /// The log so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("no panic").clone()
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        support::send_signal(&self.child, support::Signal::TERM);
    }

    /// Waits until it has exited and its log is complete.
    pub fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + END_MAX;
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be asked") {
                // The end of its log may not have arrived yet.
                if let Some(reader) = self.reader.take() {
                    reader.join().expect("no panic");
                }
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _is_exited = self.child.kill();
        let _is_exited = self.child.wait();
    }
}
