//! Sixteen clients that change one state concurrently: the number of committed changes.
//!
//! * WATCH, GET, MULTI, SET, EXEC, repeated when EXEC returns nil: each a round trip of its own but
//!   for the transaction, as client libraries send them. No snapshots, no audit stream: the least
//!   that a bot can do.
//! * STATE.UPDATE of any version: the server merges, and no change is lost.
//! * STATE.GET, then STATE.UPDATE with its etag, repeated on CONFLICT: for a change that depends on
//!   the document.
//!
//! Every client has one request in flight. One thread serves them as replies arrive, so that the
//! clients get out of step as on separate machines.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use redis::{cmd, pipe};
use redis_state_benches::document::{change, changed, document};
use redis_state_benches::schema::Rules;

use crate::kind::{Kind, TTL_MS, update};
use crate::replies::Replies;
use crate::results::Race;
use crate::scripts::teach;
use crate::server::Server;
use crate::workload::{Shape, Workload, key};

pub const CLIENTS: usize = 16;
const STRETCH: Duration = Duration::from_millis(300);
const WARM_UP: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Watch,
    Update,
    Etag,
}

impl Way {
    const ALL: [Way; 3] = [Way::Watch, Way::Update, Way::Etag];

    fn name(self) -> &'static str {
        match self {
            Way::Watch => WATCH,
            Way::Update => UPDATE,
            Way::Etag => "STATE.GET, STATE.UPDATE etag",
        }
    }

    /// The requests of one attempt.
    fn steps(self, key: &str, number: usize) -> Vec<Step> {
        let change = change(number);
        match self {
            Way::Watch => {
                let document = changed(&document(0, Shape::BASE.bytes), number);
                let set = pipe().atomic().cmd("SET").arg((key, document, "PX", TTL_MS)).get_packed_pipeline();
                vec![
                    Step::Packed(cmd("WATCH").arg(key).get_packed_command(), 1),
                    Step::Packed(cmd("GET").arg(key).get_packed_command(), 1),
                    Step::Packed(set, "MULTI SET EXEC".split(' ').count()),
                ]
            }
            Way::Update => vec![Step::Packed(update(key, "*", &change).get_packed_command(), 1)],
            Way::Etag => vec![
                Step::Packed(cmd("STATE.GET").arg(key).get_packed_command(), 1),
                Step::UpdateOfEtag { key: key.to_owned(), change },
            ],
        }
    }
}

/// One round trip.
enum Step {
    /// A request, with its number of replies.
    Packed(Vec<u8>, usize),
    /// STATE.UPDATE with the etag in the last reply.
    UpdateOfEtag { key: String, change: String },
}

pub const WATCH: &str = "WATCH GET MULTI SET EXEC";
pub const UPDATE: &str = "STATE.UPDATE";

/// On one key, and on a key for each client.
pub fn measure(module: &Path, rounds: usize) -> Result<Vec<Race>, String> {
    let server = Server::start(module)?;
    teach(&server)?;
    let mut fields = Vec::new();
    for keys in [1, CLIENTS] {
        for way in Way::ALL {
            let kind = if way == Way::Watch { Kind::Set } else { Kind::StateUpdate(Rules::Whole) };
            let family = fields.len();
            Workload { kind, shape: Shape::BASE, family }.create(&server, 0..keys)?;
            let mut clients = Vec::new();
            for number in 0..CLIENTS {
                let stream = server.connect()?;
                stream.set_nonblocking(true).map_err(|error| error.to_string())?;
                clients.push(Client::new(stream, way, &key(family, number % keys), number));
            }
            run(&mut clients, WARM_UP)?;
            let race = Race {
                way: way.name().to_owned(),
                clients: CLIENTS,
                keys,
                commits_per_s: vec![],
                attempts_per_commit: vec![],
            };
            fields.push((clients, race));
        }
    }
    for _ in 0..rounds {
        for (clients, race) in &mut fields {
            let (commits, attempts) = run(clients, STRETCH)?;
            race.commits_per_s.push(commits / STRETCH.as_secs_f64());
            race.attempts_per_commit.push(attempts / commits);
        }
    }
    Ok(fields.into_iter().map(|(_, race)| race).collect())
}

/// Commits and attempts in this time.
fn run(clients: &mut [Client], time: Duration) -> Result<(f64, f64), String> {
    let mut buffer = vec![0; 64 * 1024];
    let start = Instant::now();
    for client in &mut *clients {
        client.send()?;
    }
    while start.elapsed() < time {
        for client in &mut *clients {
            if client.receive(&mut buffer)? {
                client.send()?;
            }
        }
    }
    let (mut commits, mut attempts) = (0, 0);
    for client in clients {
        while !client.receive(&mut buffer)? {}
        commits += std::mem::take(&mut client.commits);
        attempts += std::mem::take(&mut client.attempts);
    }
    Ok((commits as f64, attempts as f64))
}

struct Client {
    stream: TcpStream,
    /// The steps of two alternating attempts, with another change each.
    attempts_made: Vec<Vec<Step>>,
    step: usize,
    replies: Replies,
    received: Vec<u8>,
    commits: usize,
    attempts: usize,
}

impl Client {
    fn new(stream: TcpStream, way: Way, key: &str, number: usize) -> Client {
        Client {
            stream,
            attempts_made: vec![way.steps(key, 2 * number), way.steps(key, 2 * number + 1)],
            step: 0,
            replies: Replies::expect(0),
            received: Vec::new(),
            commits: 0,
            attempts: 0,
        }
    }

    fn send(&mut self) -> Result<(), String> {
        let turn = self.attempts % self.attempts_made.len();
        // A request is smaller than the buffer of an idle socket.
        let (sent, replies) = match &self.attempts_made[turn][self.step] {
            Step::Packed(request, replies) => (self.stream.write_all(request), *replies),
            Step::UpdateOfEtag { key, change } => {
                let update = update(key, self.etag()?, change).get_packed_command();
                (self.stream.write_all(&update), 1)
            }
        };
        sent.map_err(|error| error.to_string())?;
        self.replies = Replies::expect(replies);
        self.received.clear();
        Ok(())
    }

    /// The first element of the last reply, after the lines `*2` and `$18`.
    fn etag(&self) -> Result<&str, String> {
        let line = self.received.split(|byte| *byte == b'\n').nth(2);
        let etag = line.and_then(|line| std::str::from_utf8(line).ok());
        etag.map(str::trim_end).ok_or_else(|| "a reply to STATE.GET without an etag".to_owned())
    }

    /// Whether the replies are complete; then the next step is due.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<bool, String> {
        let len = match self.stream.read(buffer) {
            Ok(0) => return Err("the server closed the connection".to_owned()),
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.to_string()),
        };
        self.replies.take(&buffer[..len])?;
        self.received.extend_from_slice(&buffer[..len]);
        if !self.replies.done() {
            return Ok(false);
        }
        self.step += 1;
        if self.step == self.attempts_made[0].len() {
            self.step = 0;
            self.attempts += 1;
            match self.replies.rejection() {
                None => self.commits += 1,
                Some("*-1") => {}
                Some(rejection) if rejection.starts_with("-CONFLICT ") => {}
                Some(rejection) => return Err(format!("the server replied {rejection}")),
            }
        }
        Ok(true)
    }
}
