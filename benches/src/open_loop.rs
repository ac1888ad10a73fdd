//! The open loop: requests are due at a fixed rate, whether earlier ones are answered or not.
//!
//! A latency counts from the time when a request was due, not when it was sent. A client that waits
//! for each reply sends least when the server is slowest, so its percentiles omit the delays of
//! requests not sent. One thread polls all connections without sleeping: a timer's delay is longer
//! than most replies.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::replies::Replies;
use crate::scripts::Scripts;
use crate::server::Server;
use crate::workload::Workload;

/// A server this far behind will not catch up.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Connections that send requests at a rate.
pub struct OpenLoop {
    lanes: Vec<Lane>,
    buffer: Vec<u8>,
}

/// A non-blocking connection.
pub struct Lane {
    stream: TcpStream,
    requests: Vec<Vec<u8>>,
    next: usize,
    /// The bytes to send, and how many of them are sent.
    out: Vec<u8>,
    sent: usize,
    /// When the unanswered requests were due.
    due: VecDeque<Instant>,
    replies_each: usize,
    replies: Replies,
    latencies: Histogram<u64>,
}

/// Percentiles of one stretch.
pub struct Percentiles {
    pub p50_us: f64,
    pub p99_us: f64,
    pub p999_us: f64,
}

impl OpenLoop {
    /// The keys exist already.
    pub fn connect(server: &Server, scripts: &Scripts, workload: Workload) -> Result<OpenLoop, String> {
        let lanes = workload.lanes(scripts).into_iter();
        let lanes =
            lanes.map(|requests| Lane::connect(server, workload, requests)).collect::<Result<_, _>>()?;
        Ok(OpenLoop { lanes, buffer: vec![0; 256 * 1024] })
    }

    /// Sends at `per_s` for `time`, while a neighbour, if there is one, sends its next request
    /// after each reply.
    pub fn run(
        &mut self,
        per_s: f64,
        time: Duration,
        mut neighbour: Option<&mut Lane>,
    ) -> Result<Percentiles, String> {
        let total = (per_s * time.as_secs_f64()) as usize;
        let (mut asked, mut answered) = (0, 0);
        let start = Instant::now();
        while answered < total {
            let now = start.elapsed();
            while asked < total && asked as f64 / per_s <= now.as_secs_f64() {
                let due = start + Duration::from_secs_f64(asked as f64 / per_s);
                let turn = asked % self.lanes.len();
                self.lanes[turn].ask(due);
                asked += 1;
            }
            for lane in &mut self.lanes {
                answered += lane.go_on(&mut self.buffer)?;
            }
            if let Some(neighbour) = &mut neighbour {
                if neighbour.due.is_empty() {
                    neighbour.ask(Instant::now());
                }
                neighbour.go_on(&mut self.buffer)?;
            }
            if now > time + TIMEOUT {
                return Err(format!("only {answered} of {total} requests were answered"));
            }
        }
        let mut latencies = new_histogram()?;
        for lane in &mut self.lanes {
            latencies.add(&lane.latencies).map_err(|error| error.to_string())?;
            lane.latencies.reset();
        }
        Ok(Percentiles::of(&latencies))
    }
}

impl Lane {
    pub fn connect(server: &Server, workload: Workload, requests: Vec<Vec<u8>>) -> Result<Lane, String> {
        let stream = server.connect()?;
        stream.set_nonblocking(true).map_err(|error| error.to_string())?;
        let replies_each = workload.kind.replies();
        Ok(Lane {
            stream,
            requests,
            next: 0,
            out: Vec::new(),
            sent: 0,
            due: VecDeque::new(),
            replies_each,
            replies: Replies::expect(replies_each),
            latencies: new_histogram()?,
        })
    }

    /// The percentiles since the last call.
    pub fn percentiles(&mut self) -> Percentiles {
        let percentiles = Percentiles::of(&self.latencies);
        self.latencies.reset();
        percentiles
    }

    /// Waits for the requests in flight.
    pub fn settle(&mut self) -> Result<(), String> {
        let mut buffer = vec![0; 64 * 1024];
        while !self.due.is_empty() {
            self.go_on(&mut buffer)?;
        }
        Ok(())
    }

    fn ask(&mut self, due: Instant) {
        self.out.extend_from_slice(&self.requests[self.next]);
        self.next = (self.next + 1) % self.requests.len();
        self.due.push_back(due);
    }

    /// Sends and reads what is possible without blocking; returns the number of completed requests.
    fn go_on(&mut self, buffer: &mut [u8]) -> Result<usize, String> {
        if self.sent < self.out.len() {
            self.sent += at_once(self.stream.write(&self.out[self.sent..]))?.unwrap_or(0);
            if self.sent == self.out.len() {
                self.out.clear();
                self.sent = 0;
            }
        }
        if self.due.is_empty() {
            return Ok(0);
        }
        match at_once(self.stream.read(buffer))? {
            None => Ok(0),
            Some(0) => Err("the server closed the connection".to_owned()),
            Some(len) => self.take(&buffer[..len]),
        }
    }

    fn take(&mut self, mut bytes: &[u8]) -> Result<usize, String> {
        let mut answered = 0;
        while !bytes.is_empty() {
            bytes = &bytes[self.replies.take(bytes)?..];
            if !self.replies.done() {
                break;
            }
            let replies = std::mem::replace(&mut self.replies, Replies::expect(self.replies_each));
            if let Some(rejection) = replies.rejection() {
                return Err(format!("the server replied {rejection}"));
            }
            let due = self.due.pop_front().ok_or("more replies than requests")?;
            self.latencies.saturating_record(u64::try_from(due.elapsed().as_nanos()).unwrap_or(u64::MAX));
            answered += 1;
        }
        Ok(answered)
    }
}

impl Percentiles {
    fn of(latencies: &Histogram<u64>) -> Percentiles {
        let us = |quantile| latencies.value_at_quantile(quantile) as f64 / 1000.0;
        Percentiles { p50_us: us(0.5), p99_us: us(0.99), p999_us: us(0.999) }
    }
}

/// Nanoseconds up to a minute, to three digits.
fn new_histogram() -> Result<Histogram<u64>, String> {
    Histogram::new_with_bounds(100, 60_000_000_000, 3).map_err(|error| error.to_string())
}

/// `None` if it would block.
fn at_once(done: std::io::Result<usize>) -> Result<Option<usize>, String> {
    match done {
        Ok(count) => Ok(Some(count)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}
