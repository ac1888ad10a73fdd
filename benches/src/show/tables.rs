//! The tables of a run.

use super::table::{Table, short};
use crate::bars::{bars, rate};
use crate::kind::Kind;
use crate::results::{About, Core, Counted, Counts, Neighbour, Rate, Run, Scaling, Series};
use crate::spread::{Spread, median};
use crate::workload::Shape;

/// `4.31 (4.20..4.50)`
fn with_range(spread: Spread) -> String {
    format!("{} ({}..{})", short(spread.median), short(spread.min), short(spread.max))
}

fn spread(values: &[f64]) -> Spread {
    Spread::of(values.iter().copied())
}

pub fn about(about: &About) -> String {
    let About { date, commit, processor, system, server, load } = about;
    let load = if load.is_empty() { "unknown" } else { load };
    format!(
        "{date}, commit {commit}; {processor}; {system};\n{server}; load average before the run: {load}.\n"
    )
}

pub fn bars_table(run: &Run) -> Table {
    let mut table = Table::new(["figure", "must", "aim", "found, median (range)", "reached"]);
    for bar in bars(run) {
        let (must, aim) = (short(bar.must), short(bar.aim));
        table.row([bar.figure.to_owned(), must, aim, with_range(bar.found), bar.verdict().to_owned()]);
    }
    table
}

/// One shape, with the CPU use of both sides.
pub fn rates_table(rates: &[Rate], shape: Shape) -> Table {
    let mut table = Table::new(["command", "requests/s", "range", "server", "client", "server us", "beside"]);
    for found in rates.iter().filter(|rate| rate.shape == shape) {
        let Spread { min, median: middle, max } = spread(&found.per_s);
        let percent = |shares: &[f64]| match shares {
            [] => "-".to_owned(),
            shares => format!("{:.0}%", median(shares) * 100.0),
        };
        let server_us: Vec<f64> =
            found.server_busy.iter().zip(&found.per_s).map(|(busy, per_s)| busy * 1e6 / per_s).collect();
        let beside = found.kind.baseline().and_then(|baseline| {
            let other = rate(rates, baseline, shape)?;
            let ratio = Spread::of_ratios(&found.per_s, &other.per_s);
            Some(format!("{} x {}", with_range(ratio), baseline.name()))
        });
        table.row([
            found.kind.name().to_owned(),
            short(middle),
            format!("{}..{}", short(min), short(max)),
            percent(&found.server_busy),
            percent(&found.client_busy),
            short(median(&server_us)),
            beside.unwrap_or_default(),
        ]);
    }
    table
}

/// The medians of all shapes of one depth.
pub fn shapes_table(run: &Run, depth: usize) -> Table {
    let mut shapes: Vec<Shape> = Vec::new();
    let mut kinds: Vec<Kind> = Vec::new();
    for found in run.rates.iter().filter(|rate| rate.shape.depth == depth) {
        if !shapes.contains(&found.shape) {
            shapes.push(found.shape);
        }
        if !kinds.contains(&found.kind) {
            kinds.push(found.kind);
        }
    }
    let heads = shapes.iter().map(|shape| difference(*shape));
    let mut table = Table::new(std::iter::once(format!("requests/s, pipeline {depth}")).chain(heads));
    for kind in kinds {
        let cell = |shape: &Shape| {
            rate(&run.rates, kind, *shape).map_or("-".to_owned(), |rate| short(median(&rate.per_s)))
        };
        table.row(std::iter::once(kind.name().to_owned()).chain(shapes.iter().map(cell)));
    }
    table
}

/// The difference of a shape from the base.
fn difference(shape: Shape) -> String {
    let Shape { bytes, connections, keys, .. } = Shape::BASE;
    if shape.bytes != bytes {
        kilobytes(shape.bytes as f64)
    } else if shape.connections != connections {
        format!("{} conn.", shape.connections)
    } else if shape.keys != keys {
        "one key".to_owned()
    } else {
        format!("{}, {connections} conn.", kilobytes(bytes as f64))
    }
}

pub fn kilobytes(bytes: f64) -> String {
    format!("{} KB", bytes / 1024.0)
}

pub fn sizes_table(run: &Run) -> Table {
    let mut table = Table::new(["command", "document", "us/request", "server"]);
    for Rate { kind, shape, per_s, server_busy, .. } in &run.sizes {
        let time = with_range(Spread::of(per_s.iter().map(|per_s| 1e6 / per_s)));
        let busy = format!("{:.0}%", median(server_busy) * 100.0);
        table.row([kind.name().to_owned(), kilobytes(shape.bytes as f64), time, busy]);
    }
    table
}

pub fn races_table(run: &Run) -> Table {
    let mut table = Table::new(["clients, and way of writing", "keys", "commits/s", "attempts/commit"]);
    for race in &run.races {
        let commits = with_range(spread(&race.commits_per_s));
        let attempts = short(median(&race.attempts_per_commit));
        table.row([format!("{}, {}", race.clients, race.way), race.keys.to_string(), commits, attempts]);
    }
    table
}

pub fn latencies_table(run: &Run) -> Table {
    let mut table = Table::new(["command", "requests/s due", "p50 us", "p99 us", "p99.9 us"]);
    for latency in &run.latencies {
        let [p50, p99, p999] =
            [&latency.p50_us, &latency.p99_us, &latency.p999_us].map(|us| with_range(spread(us)));
        table.row([latency.kind.name().to_owned(), short(latency.per_s), p50, p99, p999]);
    }
    table
}

pub fn memory_table(memory: &[crate::results::Memory]) -> Table {
    let mut table = Table::new(["a session as", "sessions", "bytes each", "MEMORY USAGE", "x string"]);
    let string = memory.first().map_or(f64::NAN, |memory| median(&memory.bytes_each));
    for found in memory {
        let ratio = short(median(&found.bytes_each) / string);
        let bytes = format!("{:.0}", median(&found.bytes_each));
        table.row([
            found.what.clone(),
            found.sessions.to_string(),
            bytes,
            format!("{:.0}", found.memory_usage),
            ratio,
        ]);
    }
    table
}

pub fn written_table(run: &Run) -> Table {
    let mut table = Table::new(["command", "AOF bytes", "replication bytes"]);
    for written in &run.written {
        let [aof, replication] = [&written.aof_bytes, &written.replication_bytes].map(|bytes| median(bytes));
        table.row([written.kind.name().to_owned(), format!("{aof:.0}"), format!("{replication:.0}")]);
    }
    table
}

pub fn neighbours_table(run: &Run) -> Table {
    let mut table = Table::new([
        "another client sends",
        "document",
        "p50 us",
        "p99 us",
        "p99.9 us",
        "p99 / alone",
        "its own p50 us",
    ]);
    let alone = run.neighbours.iter().find(|neighbour| neighbour.kind.is_none());
    for Neighbour { kind, bytes, p50_us, p99_us, p999_us, neighbour_p50_us } in &run.neighbours {
        let name = kind.map_or("nothing", Kind::name).to_owned();
        let document = bytes.map_or("-".to_owned(), |bytes| kilobytes(bytes as f64));
        let [p50, p99, p999, its_own] =
            [p50_us, p99_us, p999_us, neighbour_p50_us].map(|us| short(median(us)));
        let ratio = alone.map_or(String::new(), |alone| with_range(Spread::of_ratios(p99_us, &alone.p99_us)));
        table.row([name, document, p50, p99, p999, ratio, its_own]);
    }
    table
}

/// The pauses of the machine meanwhile.
pub fn stalls(run: &Run) -> String {
    let shares: Vec<f64> = run.stalls.iter().map(|stall| stall.percent).collect();
    let longest = run.stalls.iter().map(|stall| stall.longest_ms).fold(0.0, f64::max);
    format!("{} % of the time, {} ms at most.\n", with_range(spread(&shares)), short(longest))
}

/// How time grows: between the first and the last point, as an exponent and as nanoseconds for each
/// step of x.
pub fn slopes_table(scaling: &Scaling) -> Table {
    let mut table =
        Table::new(["what grows", "command", "from", "to", "us, first", "us, last", "exponent", "ns each"]);
    for series in &scaling.series {
        let (Some(first), Some(last)) = (series.points.first(), series.points.last()) else { continue };
        let (us_first, us_last) = (median(&first.us), median(&last.us));
        // A series that begins at 0 has no exponent.
        let exponent = (us_last / us_first).ln() / (last.x / first.x).ln();
        let each = (us_last - us_first) * 1000.0 / (last.x - first.x);
        table.row([
            series.what.clone(),
            series.kind.name().to_owned(),
            amount(series, first.x),
            amount(series, last.x),
            short(us_first),
            short(us_last),
            if first.x > 0.0 { format!("{exponent:.2}") } else { "-".to_owned() },
            format!("{each:.3}"),
        ]);
    }
    table
}

/// Every point of every series.
pub fn series_tables(scaling: &Scaling) -> String {
    let tables = scaling.groups().filter_map(|group| {
        let first = group.first()?;
        let heads = first.points.iter().map(|point| amount(first, point.x));
        let mut table = Table::new(std::iter::once(format!("us/request by {}", first.what)).chain(heads));
        for series in group {
            let cells = series.points.iter().map(|point| short(median(&point.us)));
            table.row(std::iter::once(series.kind.name().to_owned()).chain(cells));
        }
        Some(table.to_string())
    });
    tables.collect::<Vec<_>>().join("\n")
}

pub fn amount(series: &Series, x: f64) -> String {
    match x {
        bytes if series.name == "size" => kilobytes(bytes),
        count if count >= 1e6 => format!("{}M", count / 1e6),
        count if count >= 1e4 => format!("{}k", count / 1e3),
        count => count.to_string(),
    }
}

pub fn counts_table(found: &Counts) -> Table {
    let mut table = Table::new(["command", "instructions", "module", "server", "libraries", "beside"]);
    for counted in &found.requests {
        let beside = counted.kind.baseline().and_then(|baseline| {
            let other = found.requests.iter().find(|other| other.kind == baseline)?;
            Some(format!("1 / {} x {}", short(other.all() / counted.all()), baseline.name()))
        });
        let Counted { kind, module, server, libraries } = counted;
        let counts = [counted.all(), *module, *server, *libraries].map(|count| format!("{count:.0}"));
        let cells = std::iter::once(kind.name().to_owned()).chain(counts);
        table.row(cells.chain([beside.unwrap_or_default()]));
    }
    table
}

pub fn core_table(core: &Core) -> Table {
    let mut table = Table::new(["operation", "ns", "instructions"]);
    for operation in &core.operations {
        let cell = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.0}"));
        table.row([operation.name.clone(), cell(operation.ns), cell(operation.instructions)]);
    }
    table
}
