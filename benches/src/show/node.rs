//! The capacity of a node, computed from the figures of the last runs.
//!
//! Each assumption is a named constant, and is in the tables beside the result.

use super::table::{Table, short};
use redis_state_benches::schema::Rules;

use crate::bars::rate;
use crate::kind::Kind;
use crate::memory::{ENTRIES, STATE, STATE_AUDIT};
use crate::results::{Run, Scaling};
use crate::spread::median;
use crate::workload::Shape;

/// The bot's schema.
const UPDATE: Kind = Kind::StateUpdate(Rules::Local);
const SINGLE: Shape = Shape { depth: 1, ..Shape::BASE };
/// Above this share of the maximum rate, queues get long.
const SHARE_OF_MOST: f64 = 0.5;
const SMALL_NODE_BYTES: f64 = 256.0 * 1024.0 * 1024.0;
/// The rest is for buffers of clients and replicas, and for fragmentation.
const SHARE_FOR_DATA: f64 = 0.9;
/// `maxmemory` of a node with 32 GB: the rest is for page copies during a snapshot, and for the
/// system.
const NODE_BYTES: f64 = 24e9;
const SESSIONS: f64 = 100e6;
/// Seconds between two messages of a user with an active session.
const BETWEEN_MESSAGES_S: f64 = 300.0;

pub struct Figures {
    /// Bytes of a session with ten snapshots, and with its audit stream too.
    session: f64,
    session_audit: f64,
    /// A server without data.
    empty: f64,
    updates_per_s: f64,
    reads_per_s: f64,
    aof_bytes: f64,
    replication_bytes: f64,
}

impl Figures {
    /// `None` if the runs lack a figure.
    pub fn of(run: &Run, scaling: &Scaling) -> Option<Figures> {
        let bytes = |what: &str| {
            let memory = scaling.memory.iter().find(|memory| memory.what == what)?;
            Some(median(&memory.bytes_each))
        };
        let per_s = |kind| rate(&run.rates, kind, SINGLE).map(|rate| median(&rate.per_s));
        let written = run.written.iter().find(|written| written.kind == UPDATE)?;
        Some(Figures {
            session: bytes(STATE)?,
            session_audit: bytes(STATE_AUDIT)?,
            empty: scaling.empty_bytes,
            updates_per_s: per_s(UPDATE)? * SHARE_OF_MOST,
            reads_per_s: per_s(Kind::StateGet)? * SHARE_OF_MOST,
            aof_bytes: median(&written.aof_bytes),
            replication_bytes: median(&written.replication_bytes),
        })
    }

    /// Updates, each with a read before it.
    fn turns_per_s(&self) -> f64 {
        1.0 / (1.0 / self.updates_per_s + 1.0 / self.reads_per_s)
    }

    pub fn node_table(&self) -> Table {
        let mut table = Table::new(["one node, documents of 2 KB", "figure"]);
        let audit = self.session_audit - self.session;
        let mut row = |what: &str, figure: String| table.row([what.to_owned(), figure]);
        row("bytes of a session with ten snapshots", format!("{:.0}", self.session));
        row(&format!("bytes of its audit stream, {ENTRIES} entries"), format!("{audit:.0}"));
        row("updates a second, half of the maximum", short(self.updates_per_s));
        row("messages a second (read and update), half of the maximum", short(self.turns_per_s()));
        row("MB/s into the AOF at that rate of updates", short(self.updates_per_s * self.aof_bytes / 1e6));
        row("MB/s to each replica", short(self.updates_per_s * self.replication_bytes / 1e6));
        table
    }

    pub fn small_table(&self) -> Table {
        let room = SMALL_NODE_BYTES * SHARE_FOR_DATA - self.empty;
        let audit = self.session_audit - self.session;
        let mut table = Table::new(["maxmemory 256mb", "figure"]);
        let mut row = |what: &str, figure: String| table.row([what.to_owned(), figure]);
        row("MB of an empty server", short(self.empty / 1e6));
        row("MB for data: nine tenths, less that", short(room / 1e6));
        row("sessions without audit streams (`state.audit no`)", short(room / self.session));
        row("sessions with audit streams", short(room / self.session_audit));
        row("audit streams of expired sessions", short(room / audit));
        table
    }

    pub fn cluster_table(&self) -> Table {
        let mut table = Table::new(["100 million sessions", "with audit", "without"]);
        let columns = [self.session_audit, self.session].map(|bytes| {
            let messages = SESSIONS / BETWEEN_MESSAGES_S;
            let by_memory = (SESSIONS * bytes / NODE_BYTES).ceil();
            let by_rate = (messages / self.turns_per_s()).ceil();
            let primaries = by_memory.max(by_rate);
            let each = messages / primaries;
            [
                format!("{:.0}", SESSIONS * bytes / 1e9),
                format!("{by_memory:.0}"),
                short(messages),
                format!("{by_rate:.0}"),
                format!("{primaries:.0}"),
                format!("{:.0}", 2.0 * primaries),
                short(each),
                short(each * self.replication_bytes / 1e6),
                short(each * self.aof_bytes / 1e6),
            ]
        });
        let names = [
            "GB of data",
            "primaries for that, 24 GB each",
            "messages a second, one in five minutes from each",
            "primaries for that, at half of the maximum",
            "primaries",
            "nodes, one replica each",
            "messages a second on each primary",
            "MB/s from each to its replica",
            "MB/s into each AOF",
        ];
        let [with, without] = columns;
        for ((name, with), without) in names.into_iter().zip(with).zip(without) {
            table.row([name.to_owned(), with, without]);
        }
        table
    }
}
