//! The load: eight connections kept busy by one thread.
//!
//! A thread takes the connections in turn: it reads the replies to the batch that is under way there and sends the next
//! one. While it is at one connection the server has the batches of the other seven, so the server never waits. A thread
//! for each connection was rejected: with two cores they would take the server's. All requests are built before the
//! clock starts, and replies are not parsed but counted, so that the server, not the client, is what is measured.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::server::{Server, receive};

pub const CONNECTIONS: usize = 8;

/// One connection with its batches of requests.
struct Lane {
    stream: TcpStream,
    batches: Vec<Vec<u8>>,
    next: usize,
}

/// Something to measure: lanes that send the same kind of command.
pub struct Load {
    lanes: Vec<Lane>,
    /// Requests in a batch.
    depth: usize,
    buffer: Vec<u8>,
}

/// What came out of one stretch of load.
pub struct Measured {
    pub requests_per_s: f64,
    /// Share of the time in which the server's process was on a processor; near 1 means that it is the bottleneck.
    pub busy: f64,
}

impl Load {
    /// `requests` are those of all connections, in order; each connection gets an equal part of them and sends it over
    /// and over in batches of `depth`.
    pub fn new(server: &Server, depth: usize, requests: &[Vec<u8>]) -> Result<Load, String> {
        let lanes = requests.chunks(requests.len() / CONNECTIONS).map(|part| {
            let batches = part.chunks(depth).map(<[Vec<u8>]>::concat).collect();
            Ok(Lane { stream: server.connect()?, batches, next: 0 })
        });
        Ok(Load { lanes: lanes.collect::<Result<_, String>>()?, depth, buffer: vec![0; 256 * 1024] })
    }

    /// Keeps the server busy for `time`. The batches go on where the last stretch ended.
    pub fn run(&mut self, server: &Server, time: Duration) -> Result<Measured, String> {
        let cpu = server.cpu()?;
        let start = Instant::now();
        let mut batches = 0_u64;
        for lane in &mut self.lanes {
            lane.send()?;
        }
        while start.elapsed() < time {
            for lane in &mut self.lanes {
                receive(&mut lane.stream, self.depth, &mut self.buffer)?;
                lane.send()?;
                batches += 1;
            }
        }
        for lane in &mut self.lanes {
            receive(&mut lane.stream, self.depth, &mut self.buffer)?;
            batches += 1;
        }
        let elapsed = start.elapsed().as_secs_f64();
        let busy = (server.cpu()? - cpu).as_secs_f64() / elapsed;
        Ok(Measured { requests_per_s: batches as f64 * self.depth as f64 / elapsed, busy })
    }
}

impl Lane {
    fn send(&mut self) -> Result<(), String> {
        let batch = &self.batches[self.next];
        self.next = (self.next + 1) % self.batches.len();
        self.stream.write_all(batch).map_err(|error| format!("sending: {error}"))
    }
}
