//! A workload: a kind of command in a shape, and its requests.

use redis_state_benches::document::document;
use serde::{Deserialize, Serialize};

use crate::kind::Kind;
use crate::scripts::Scripts;
use crate::server::Server;

/// How a command is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Shape {
    /// Size of the document.
    pub bytes: usize,
    /// Requests that a connection sends without waiting.
    pub depth: usize,
    pub connections: usize,
    /// Of all connections together; each has its own, unless there is only one.
    pub keys: usize,
}

impl Shape {
    /// The shape of the bars. With 512 keys a document is not always in the CPU's first cache.
    pub const BASE: Shape = Shape { bytes: 2048, depth: 16, connections: 8, keys: 512 };

    fn keys_each(self) -> usize {
        (self.keys / self.connections).max(1)
    }

    /// The number of this turn's key within the family.
    fn place(self, lane: usize, number: usize) -> usize {
        if self.keys == 1 { 0 } else { lane * self.keys_each() + number % self.keys_each() }
    }
}

#[derive(Clone, Copy)]
pub struct Workload {
    pub kind: Kind,
    pub shape: Shape,
    /// Separates its keys from those of other workloads on the same server; below 100.
    pub family: usize,
}

impl Workload {
    /// Creates the keys.
    pub fn prepare(&self, server: &Server) -> Result<(), String> {
        let keys = if self.shape.keys == 1 { 1 } else { self.shape.keys_each() * self.shape.connections };
        self.create(server, 0..keys)
    }

    /// Creates some keys.
    pub fn create(&self, server: &Server, places: std::ops::Range<usize>) -> Result<(), String> {
        let one = |place| self.kind.prepare(&key(self.family, place), &document(place, self.shape.bytes));
        server.fill(places.flat_map(one)).map_err(|problem| format!("{}: {problem}", self.kind.name()))
    }

    /// The requests of each connection, in order, to be repeated: full batches, and each key as
    /// often as needed for its first request to be a change again.
    pub fn lanes(&self, scripts: &Scripts) -> Vec<Vec<Vec<u8>>> {
        let Shape { bytes, depth, connections, .. } = self.shape;
        let keys_each = self.shape.keys_each();
        let count = least_common_multiple(keys_each * self.kind.turns(), depth);
        let request = |lane: usize, number: usize| {
            let place = self.shape.place(lane, number);
            let (key, document) = (key(self.family, place), document(place, bytes));
            self.kind.request(&key, &document, lane * count + number, number / keys_each, scripts)
        };
        (0..connections).map(|lane| (0..count).map(|number| request(lane, number)).collect()).collect()
    }
}

/// The keys of a workload, of equal length in all workloads.
pub fn key(family: usize, place: usize) -> String {
    format!("channel:+2637{family:02}{place:07}")
}

fn least_common_multiple(one: usize, other: usize) -> usize {
    let mut multiple = one;
    while !multiple.is_multiple_of(other) {
        multiple += one;
    }
    multiple
}
