//! The closed loop: one thread keeps all connections busy.
//!
//! The thread serves the connections in turn: it reads the replies to the batch in flight and sends
//! the next one. Meanwhile the server has the batches of the other connections, so it waits only if
//! there is one connection. Not a thread for each connection: with two cores they would take the
//! server's. All requests are built before the clock starts, so that the server is measured, not
//! the client.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::client_cpu;
use crate::scripts::Scripts;
use crate::server::{Server, receive};
use crate::workload::Workload;

/// One connection with its batches of requests.
struct Lane {
    stream: TcpStream,
    batches: Vec<Vec<u8>>,
    next: usize,
}

/// A measured workload: lanes that send the same kind of command.
pub struct Load {
    name: &'static str,
    lanes: Vec<Lane>,
    /// Requests in a batch.
    depth: usize,
    /// Replies to a batch.
    replies: usize,
    buffer: Vec<u8>,
}

/// The result of one stretch of load.
pub struct Measured {
    pub requests: f64,
    pub requests_per_s: f64,
    /// The share of time in which the server's process had a CPU; near 1 means that it is the
    /// bottleneck.
    pub server_busy: f64,
    /// The same for this thread, if the system reports it.
    pub client_busy: Option<f64>,
}

impl Load {
    /// Creates the keys, and connects.
    pub fn prepare(server: &Server, scripts: &Scripts, workload: Workload) -> Result<Load, String> {
        workload.prepare(server)?;
        Load::connect(server, workload, &workload.lanes(scripts))
    }

    /// Each connection sends its own of `lanes`, over and over, in batches.
    pub fn connect(server: &Server, workload: Workload, lanes: &[Vec<Vec<u8>>]) -> Result<Load, String> {
        let Workload { kind, shape, .. } = workload;
        let lanes = lanes.iter().map(|requests| {
            let batches = requests.chunks(shape.depth).map(<[Vec<u8>]>::concat).collect();
            Ok(Lane { stream: server.connect()?, batches, next: 0 })
        });
        Ok(Load {
            name: kind.name(),
            lanes: lanes.collect::<Result<_, String>>()?,
            depth: shape.depth,
            replies: shape.depth * kind.replies(),
            buffer: vec![0; 256 * 1024],
        })
    }

    /// Keeps the server busy for `time`. The batches continue from the last stretch.
    pub fn run(&mut self, server: &Server, time: Duration) -> Result<Measured, String> {
        let name = self.name;
        self.stretch(server, time).map_err(|problem| format!("{name}: {problem}"))
    }

    fn stretch(&mut self, server: &Server, time: Duration) -> Result<Measured, String> {
        let (server_before, client_before) = (server.cpu()?, client_cpu::used());
        let start = Instant::now();
        let mut batches = self.lanes.len();
        for lane in &mut self.lanes {
            lane.send()?;
        }
        while start.elapsed() < time {
            for lane in &mut self.lanes {
                receive(&mut lane.stream, self.replies, &mut self.buffer)?;
                lane.send()?;
                batches += 1;
            }
        }
        for lane in &mut self.lanes {
            receive(&mut lane.stream, self.replies, &mut self.buffer)?;
        }
        let elapsed = start.elapsed();
        let share = |used: Duration| used.as_secs_f64() / elapsed.as_secs_f64();
        let requests = (batches * self.depth) as f64;
        Ok(Measured {
            requests,
            requests_per_s: requests / elapsed.as_secs_f64(),
            client_busy: client_before.zip(client_cpu::used()).map(|(before, after)| share(after - before)),
            server_busy: share(server.cpu()? - server_before),
        })
    }
}

impl Lane {
    fn send(&mut self) -> Result<(), String> {
        let batch = &self.batches[self.next];
        self.next = (self.next + 1) % self.batches.len();
        self.stream.write_all(batch).map_err(|error| format!("sending: {error}"))
    }
}
