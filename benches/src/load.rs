//! The load: eight connections kept busy by one thread.
//!
//! A thread takes the connections in turn: it reads the replies to the batch that is under way there and sends the next
//! one. While it is at one connection the server has the batches of the other seven, so the server never waits. A thread
//! for each connection was rejected: with two cores they would take the server's. All requests are built before the
//! clock starts, and replies are not parsed but counted, so that the server, not the client, is what is measured.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::server::Server;

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
                lane.receive(self.depth, &mut self.buffer)?;
                lane.send()?;
                batches += 1;
            }
        }
        for lane in &mut self.lanes {
            lane.receive(self.depth, &mut self.buffer)?;
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

    /// Reads until `replies` replies are there.
    fn receive(&mut self, replies: usize, buffer: &mut [u8]) -> Result<(), String> {
        let mut counter = Counter { missing: replies as u64, skip: 0, header: Vec::new() };
        while counter.missing > 0 || counter.skip > 0 {
            let count = self.stream.read(buffer).map_err(|error| format!("receiving: {error}"))?;
            if count == 0 {
                return Err("the server closed the connection".to_owned());
            }
            counter.take(&buffer[..count])?;
        }
        Ok(())
    }
}

/// Counts replies in a stream of RESP2: reads the header lines and steps over the rest.
struct Counter {
    /// Replies, and elements of replies, that are still to come.
    missing: u64,
    /// Bytes of a bulk string, its line end included, that are still to come.
    skip: usize,
    /// A header line that has begun.
    header: Vec<u8>,
}

impl Counter {
    fn take(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
                self.header.extend_from_slice(bytes);
                return Ok(());
            };
            if self.header.is_empty() {
                self.line(&bytes[..end])?;
            } else {
                self.header.extend_from_slice(&bytes[..end]);
                let header = std::mem::take(&mut self.header);
                self.line(&header)?;
            }
            bytes = &bytes[end + 1..];
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Result<(), String> {
        let shown = || String::from_utf8_lossy(line).trim_end().to_owned();
        let number = || shown().get(1..).and_then(|number| number.parse::<usize>().ok());
        match line.first() {
            Some(b'+' | b':') => {}
            // Neither an error nor nil is an answer that was asked for: a figure made of them would mislead.
            Some(b'$') => self.skip = number().ok_or_else(|| format!("unexpected reply {}", shown()))? + 2,
            Some(b'*') => {
                self.missing += number().ok_or_else(|| format!("unexpected reply {}", shown()))? as u64
            }
            _ => return Err(format!("the server answers {}", shown())),
        }
        self.missing = self.missing.checked_sub(1).ok_or("more replies than requests")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Counter;

    const REPLIES: &[u8] = b"+OK\r\n*2\r\n$20\r\n1-1f0c1f0c1f0c1f0c1f\r\n$2\r\n{}\r\n:1\r\n";

    #[test]
    fn replies_are_counted_wherever_the_stream_is_cut() {
        for cut in 0..=REPLIES.len() {
            let mut counter = Counter { missing: 3, skip: 0, header: Vec::new() };
            let (first, second) = REPLIES.split_at(cut);
            assert_eq!(counter.take(first).and_then(|()| counter.take(second)), Ok(()));
            assert_eq!((counter.missing, counter.skip), (0, 0), "cut at {cut}");
        }
    }

    #[test]
    fn errors_and_nil_are_not_counted() {
        for reply in ["-CONFLICT expected 1, current is 2-1f0c1f0c1f0c1f0c\r\n", "$-1\r\n", "*-1\r\n"] {
            let mut counter = Counter { missing: 1, skip: 0, header: Vec::new() };
            assert!(counter.take(reply.as_bytes()).is_err(), "{reply}");
        }
    }
}
