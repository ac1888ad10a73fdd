//! A redis-server for the bench: release module, a free port of 127.0.0.1, a temporary folder, no
//! persistence by default.
//!
//! Not the tests' server, which brings their client and loads the debug module.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use redis::{Client, Cmd, Connection, FromRedisValue, RedisError, cmd};

use crate::processors;
use crate::replies::Replies;

/// The maximum time to start, and for a reply.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The maximum bytes sent before reading replies.
const BATCH_BYTES: usize = 256 * 1024;

/// A running server; killed, and its folder removed, when dropped.
pub struct Server {
    child: Child,
    port: u16,
    dir: PathBuf,
}

impl Server {
    /// A server without persistence.
    pub fn start(module: &Path) -> Result<Server, String> {
        Server::start_with(module, &[])
    }

    /// A server with settings, as words of its command line.
    pub fn start_with(module: &Path, settings: &[&str]) -> Result<Server, String> {
        Server::start_under(&[], module, settings)
    }

    /// The same as a child of another program, whose words come first; it runs in the server's
    /// folder.
    pub fn start_under(program: &[&str], module: &Path, settings: &[&str]) -> Result<Server, String> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("redis-state-bench-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        let port = free_port().map_err(|error| format!("no free port: {error}"))?;
        let pinned = processors::of_servers().iter().map(String::as_str);
        let words: Vec<&str> = pinned.chain(program.iter().copied()).chain(["redis-server"]).collect();
        let (first, rest) = words.split_first().ok_or("no program")?;
        let child = Command::new(first)
            .args(rest)
            .current_dir(&dir)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--logfile", "server.log", "--dir"])
            .arg(&dir)
            .args(settings)
            .arg("--loadmodule")
            .arg(module)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("{first}: {error}"))?;
        let mut server = Server { child, port, dir };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let gone = self.child.try_wait().map_err(|error| error.to_string())?;
            if gone.is_some() || Instant::now() > deadline {
                let log = std::fs::read_to_string(self.dir.join("server.log")).unwrap_or_default();
                return Err(format!("redis-server does not start:\n{log}"));
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The server's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Ends it by SHUTDOWN, so that the program around it can finish.
    pub fn shut_down(mut self) -> Result<(), String> {
        let _closed_instead_of_a_reply = self.call::<()>(cmd("SHUTDOWN").arg("NOSAVE"));
        self.child.wait().map(drop).map_err(|error| error.to_string())
    }

    /// A connection for measured requests.
    pub fn connect(&self) -> Result<TcpStream, String> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        // A hanging server ends the bench.
        stream.set_read_timeout(Some(TIMEOUT)).map_err(|error| error.to_string())?;
        Ok(stream)
    }

    /// A connection for all other commands.
    pub fn client(&self) -> Result<Connection, String> {
        let client = Client::open(("127.0.0.1", self.port));
        let connection = client.and_then(|client| client.get_connection()).map_err(as_replied)?;
        connection.set_read_timeout(Some(TIMEOUT)).map_err(as_replied)?;
        Ok(connection)
    }

    /// Sends one command over a new connection.
    pub fn call<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, String> {
        command.query(&mut self.client()?).map_err(as_replied)
    }

    /// `CONFIG SET`
    pub fn set(&self, setting: &str, value: &str) -> Result<(), String> {
        self.call(cmd("CONFIG").arg(("SET", setting, value)))
            .map_err(|problem| format!("CONFIG SET {setting} {value}: {problem}"))
    }

    /// Sends commands of one reply each and waits for all; none may fail.
    pub fn fill(&self, requests: impl IntoIterator<Item = Vec<u8>>) -> Result<(), String> {
        self.fill_with(requests, 1)
    }

    /// The same with this many replies to each request.
    pub fn fill_with(
        &self,
        requests: impl IntoIterator<Item = Vec<u8>>,
        replies: usize,
    ) -> Result<(), String> {
        let mut stream = self.connect()?;
        let (mut batch, mut count) = (Vec::new(), 0);
        for request in requests {
            batch.extend_from_slice(&request);
            count += replies;
            if batch.len() > BATCH_BYTES {
                exchange(&mut stream, &batch, count)?;
                batch.clear();
                count = 0;
            }
        }
        exchange(&mut stream, &batch, count)
    }
}

/// An error in the server's words.
fn as_replied(error: RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string(),
    }
}

/// Sends a batch and reads this many replies.
fn exchange(stream: &mut TcpStream, batch: &[u8], count: usize) -> Result<(), String> {
    stream.write_all(batch).map_err(|error| format!("sending: {error}"))?;
    receive(stream, count, &mut vec![0; 64 * 1024])
}

/// Reads this many replies, none of which may be an error.
pub fn receive(stream: &mut TcpStream, count: usize, buffer: &mut [u8]) -> Result<(), String> {
    let mut replies = Replies::expect(count);
    while !replies.done() {
        let len = stream.read(buffer).map_err(|error| format!("receiving: {error}"))?;
        if len == 0 {
            return Err("the server closed the connection".to_owned());
        }
        if replies.take(&buffer[..len])? < len {
            return Err("more replies than requests".to_owned());
        }
    }
    replies.rejection().map_or(Ok(()), |rejection| Err(format!("the server replied {rejection}")))
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server may have ended already.
        let _already_ended = self.child.kill();
        let _status = self.child.wait();
        let _nothing_left = std::fs::remove_dir_all(&self.dir);
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
